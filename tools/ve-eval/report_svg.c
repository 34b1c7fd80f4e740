/* SPDX-License-Identifier: MIT */
/* The curve and the histogram. Both are drawn from the fine bins, so that their size does not grow with the
 * set. */
#include <math.h>

#include "report.h"

#define WIDTH  900.0
#define HEIGHT 560.0
#define LEFT   80.0
#define RIGHT  30.0
#define TOP    70.0
#define BOTTOM 64.0

#define BARS 240u

typedef struct plot {
    FILE *out;
    double x_low, x_high, y_low, y_high;
} plot;

static double at_x(const plot *p, double x)
{
    return LEFT + (x - p->x_low) / (p->x_high - p->x_low) * (WIDTH - LEFT - RIGHT);
}

static double at_y(const plot *p, double y)
{
    return HEIGHT - BOTTOM - (y - p->y_low) / (p->y_high - p->y_low) * (HEIGHT - TOP - BOTTOM);
}

/* Text of unknown origin inside the picture. */
static void put_escaped(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '<')
            fputs("&lt;", out);
        else if (*text == '&')
            fputs("&amp;", out);
        else if ((unsigned char)*text >= 0x20)
            fputc(*text, out);
    }
}

static void put_frame(const eval_report *r, const plot *p, const char *title, const char *across,
                      const char *up)
{
    fprintf(
        p->out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" width=\"%.0f\" height=\"%.0f\" "
        "font-family=\"sans-serif\">\n<style>.title{font-size:18px;font-weight:bold}.label{font-size:13px}"
        ".tick{font-size:12px;fill:#444}.grid{stroke:#e2e2e2}.same{stroke:#1f77b4;fill:none;stroke-width:2}"
        ".strangers{stroke:#c5283d;fill:none;stroke-width:2}</style>\n"
        "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
        WIDTH, HEIGHT, WIDTH, HEIGHT);
    fprintf(p->out, "<text class=\"title\" x=\"%.0f\" y=\"28\">%s: ", LEFT, title);
    put_escaped(p->out, r->vectors->model_name);
    fprintf(p->out, "</text>\n<text class=\"tick\" x=\"%.0f\" y=\"50\">", LEFT);
    put_escaped(p->out, r->set_name);
    fprintf(p->out, ", %s; %zu comparisons of the same person, %llu of strangers; libvisembed %s</text>\n",
            r->vectors->how, r->all->same_count, (unsigned long long)r->all->stranger_count, ve_version());
    fprintf(p->out, "<text class=\"label\" text-anchor=\"middle\" x=\"%.0f\" y=\"%.0f\">%s</text>\n",
            (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 18, across);
    fprintf(
        p->out,
        "<text class=\"label\" text-anchor=\"middle\" transform=\"translate(24 %.0f) rotate(-90)\">%s</text>\n",
        (TOP + HEIGHT - BOTTOM) / 2, up);
}

static void put_line(const plot *p, int is_across, double value, const char *label)
{
    double x = is_across ? at_x(p, value) : LEFT, y = is_across ? HEIGHT - BOTTOM : at_y(p, value);
    fprintf(p->out, "<line class=\"grid\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>", x,
            is_across ? TOP : y, is_across ? x : WIDTH - RIGHT, y);
    fprintf(p->out, "<text class=\"tick\" text-anchor=\"%s\" x=\"%.1f\" y=\"%.1f\">%s</text>\n",
            is_across ? "middle" : "end", is_across ? x : x - 8, is_across ? y + 18 : y + 4, label);
}

/* Lines at the multiples of step. */
static void put_lines(const plot *p, int is_across, double step)
{
    double low = is_across ? p->x_low : p->y_low, high = is_across ? p->x_high : p->y_high;
    for (double i = ceil(low / step - 1e-9); i <= high / step + 1e-9; i++) {
        char label[32];
        snprintf(label, sizeof label, "%g", i == 0 ? 0 : i * step);
        put_line(p, is_across, i * step, label);
    }
}

/* ---- the curve */

static void put_curve(const eval_report *r, const plot *p)
{
    const evidence *all = r->all;
    double same = 0, strangers = 0, last_x = -1, last_y = -1;
    fputs("<polyline class=\"same\" points=\"", p->out);
    for (uint32_t bin = EVIDENCE_BINS; bin-- > 0;) {
        same += (double)all->same_bins[bin];
        strangers += (double)all->stranger_bins[bin];
        double rate = fmax(strangers / (double)all->stranger_count, pow(10, p->x_low));
        double x = at_x(p, log10(rate)), y = at_y(p, fmax(same / (double)all->same_count, p->y_low));
        if (fabs(x - last_x) < 0.5 && fabs(y - last_y) < 0.5 && bin > 0)
            continue;
        fprintf(p->out, "%.1f,%.1f ", x, y);
        last_x = x;
        last_y = y;
    }
    fputs("\"/>\n", p->out);
}

static void put_point(const plot *p, const operating_point *point)
{
    double x = at_x(p, log10(point->rate)), y = at_y(p, point->true_share);
    fprintf(p->out, "<line class=\"same\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>", x,
            at_y(p, fmax(point->true_interval.low, p->y_low)), x, at_y(p, fmin(point->true_interval.high, 1)));
    fprintf(p->out,
            "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\" fill=\"#1f77b4\"/><text class=\"label\" x=\"%.1f\" "
            "y=\"%.1f\">%.4f</text>\n",
            x, y, x + 8, y + 18, point->true_share);
}

void report_roc(const eval_report *report, FILE *out)
{
    plot p = {out, -1, 0, 0, 1};
    if (report->all->stranger_count > 10)
        p.x_low = -ceil(fmin(log10((double)report->all->stranger_count), 6));
    double least = 1;
    for (size_t i = 0; i < report->figures.point_count; i++)
        if (report->figures.points[i].is_measurable)
            least = fmin(least, report->figures.points[i].true_share);
    p.y_low = fmax(0, floor(10 * least - 1) / 10);
    put_frame(report, &p, "True against false accepts", "strangers accepted (share)",
              "same person accepted (share)");
    for (double decade = p.x_low; decade <= 0; decade++) {
        char label[32];
        snprintf(label, sizeof label, "%g", pow(10, decade));
        put_line(&p, 1, decade, label);
    }
    put_lines(&p, 0, p.y_low >= 0.7 ? 0.05 : 0.1);
    if (report->all->same_count && report->all->stranger_count)
        put_curve(report, &p);
    for (size_t i = 0; i < report->figures.point_count; i++)
        if (report->figures.points[i].is_measurable && !isnan(report->figures.points[i].true_share))
            put_point(&p, &report->figures.points[i]);
    fputs("</svg>\n", out);
}

/* ---- the histogram */

/* Shares of BARS equal parts of [-1, 1]. */
static void sum_bars(const uint64_t *bins, double bars[BARS])
{
    double all = 0;
    for (uint32_t i = 0; i < BARS; i++)
        bars[i] = 0;
    for (uint32_t bin = 0; bin < EVIDENCE_BINS; bin++) {
        bars[(uint64_t)bin * BARS / EVIDENCE_BINS] += (double)bins[bin];
        all += (double)bins[bin];
    }
    for (uint32_t i = 0; i < BARS && all > 0; i++)
        bars[i] /= all;
}

static double left_of(uint32_t bar)
{
    return 2.0 * bar / BARS - 1;
}

static void put_steps(const plot *p, const char *kind, const double bars[BARS])
{
    fprintf(p->out, "<polyline class=\"%s\" points=\"", kind);
    for (uint32_t i = 0; i < BARS; i++)
        if (left_of(i) >= p->x_low - 1e-9 && left_of(i + 1) <= p->x_high + 1e-9)
            fprintf(p->out, "%.1f,%.1f %.1f,%.1f ", at_x(p, left_of(i)), at_y(p, bars[i]),
                    at_x(p, left_of(i + 1)), at_y(p, bars[i]));
    fputs("\"/>\n", p->out);
}

static void put_threshold(const plot *p, const operating_point *point)
{
    double x = at_x(p, (double)point->threshold);
    fprintf(p->out,
            "<line stroke=\"#777\" stroke-dasharray=\"4 3\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>"
            "<text class=\"tick\" transform=\"translate(%.1f %.1f) rotate(90)\">%g</text>\n",
            x, TOP, x, HEIGHT - BOTTOM, x + 4, TOP + 4, point->rate);
}

void report_histogram(const eval_report *report, FILE *out)
{
    double same[BARS], strangers[BARS], highest = 0;
    uint32_t first = BARS, last = 0;
    sum_bars(report->all->same_bins, same);
    sum_bars(report->all->stranger_bins, strangers);
    for (uint32_t i = 0; i < BARS; i++) {
        highest = fmax(highest, fmax(same[i], strangers[i]));
        if (same[i] + strangers[i] > 0) {
            first = i < first ? i : first;
            last = i;
        }
    }
    plot p = {out, floor(10 * left_of(first)) / 10, fmin(1, ceil(10 * left_of(last + 1)) / 10), 0,
              1.08 * highest};
    put_frame(report, &p, "Similarities", "similarity (cosine)", "share of the comparisons");
    put_lines(&p, 1, 0.1);
    put_lines(&p, 0, highest > 0.1 ? 0.05 : 0.01);
    put_steps(&p, "strangers", strangers);
    put_steps(&p, "same", same);
    for (size_t i = 0; i < report->figures.point_count; i++)
        if (report->figures.points[i].is_measurable)
            put_threshold(&p, &report->figures.points[i]);
    fprintf(out, "<text class=\"label\" x=\"%.0f\" y=\"%.0f\" fill=\"#c5283d\">strangers</text>",
            WIDTH - RIGHT - 130, TOP + 16);
    fprintf(out, "<text class=\"label\" x=\"%.0f\" y=\"%.0f\" fill=\"#1f77b4\">same person</text>\n</svg>\n",
            WIDTH - RIGHT - 130, TOP + 36);
}
