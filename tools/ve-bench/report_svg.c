/* SPDX-License-Identifier: MIT */
/* The roofline plot: both axes logarithmic. Across, floating point operations for each byte of weights, inputs
 * and outputs that a layer touches, as if each came from memory once; up, billions of operations a second. The
 * roof is the measured peak, the slopes are the measured bandwidths: a layer above the slope of DRAM finds its
 * operands in a cache, one under the roof leaves something on the table. */
#include <math.h>
#include <string.h>

#include "report.h"

#define WIDTH  1000.0
#define HEIGHT 640.0
#define LEFT   80.0
#define RIGHT  250.0
#define TOP    64.0
#define BOTTOM 70.0

typedef struct plot {
    FILE *out;
    double x_low, x_high, y_low, y_high; /* logarithms to base 10 */
} plot;

static double at_x(const plot *p, double intensity)
{
    return LEFT + (log10(intensity) - p->x_low) / (p->x_high - p->x_low) * (WIDTH - LEFT - RIGHT);
}

static double at_y(const plot *p, double gflops)
{
    return HEIGHT - BOTTOM - (log10(gflops) - p->y_low) / (p->y_high - p->y_low) * (HEIGHT - TOP - BOTTOM);
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

static double intensity_of(const layer_time *l)
{
    return l->flops / l->bytes;
}

static double speed_of(const layer_time *l)
{
    return 1e-9 * l->flops / l->seconds;
}

/* Axes that hold all layers, the roof and where the slopes meet it. */
static plot choose_axes(const bench_report *r, FILE *out)
{
    double peak = r->latency.peak_one.median, least = peak / 4, low = 1, high = 100;
    for (size_t i = 0; i < r->profile.layer_count; i++) {
        const layer_time *l = &r->profile.layers[i];
        if (l->seconds <= 0)
            continue;
        least = fmin(least, speed_of(l) / 1.3);
        low = fmin(low, intensity_of(l) / 1.5);
        high = fmax(high, intensity_of(l) * 1.5);
    }
    for (size_t i = 0; i < r->level_count; i++)
        low = fmin(low, peak / r->levels[i].gbytes / 1.5);
    plot p = {out, log10(low), log10(high), log10(least), log10(peak * 1.6)};
    return p;
}

static void put_grid_line(const plot *p, int is_across, double value)
{
    double x = is_across ? at_x(p, value) : LEFT, y = is_across ? HEIGHT - BOTTOM : at_y(p, value);
    fprintf(p->out, "<line class=\"grid\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>", x,
            is_across ? TOP : y, is_across ? x : WIDTH - RIGHT, y);
    if (is_across)
        fprintf(p->out, "<text class=\"tick\" text-anchor=\"middle\" x=\"%.1f\" y=\"%.1f\">%g</text>\n", x,
                y + 18, value);
    else
        fprintf(p->out, "<text class=\"tick\" text-anchor=\"end\" x=\"%.1f\" y=\"%.1f\">%g</text>\n", x - 8,
                y + 4, value);
}

static void put_axis(const plot *p, int is_across, double low, double high)
{
    static const double steps[] = {1, 2, 5};
    for (int decade = (int)floor(low); decade <= (int)ceil(high); decade++)
        for (int i = 0; i < 3; i++) {
            double value = steps[i] * pow(10, decade);
            if (log10(value) >= low && log10(value) <= high)
                put_grid_line(p, is_across, value);
        }
}

static void put_frame(const bench_report *r, const plot *p)
{
    fprintf(p->out, "<text class=\"title\" x=\"%.0f\" y=\"28\">Roofline: ", LEFT);
    put_escaped(p->out, r->model.name);
    fprintf(p->out, ", %u x %u, %s kernels, one thread</text>\n", r->size, r->size, r->model.kernels);
    fprintf(p->out, "<text class=\"tick\" x=\"%.0f\" y=\"48\">", LEFT);
    put_escaped(p->out, r->machine.board);
    if (strcmp(r->machine.board, r->machine.cpu) != 0) {
        fputs(", ", p->out);
        put_escaped(p->out, r->machine.cpu);
    }
    fprintf(p->out, "; libvisembed %s, %s</text>\n", ve_version(), r->date);
    put_axis(p, 1, p->x_low, p->x_high);
    put_axis(p, 0, p->y_low, p->y_high);
    fprintf(
        p->out,
        "<text class=\"label\" text-anchor=\"middle\" x=\"%.0f\" y=\"%.0f\">operations for each byte touched "
        "(FLOP/byte)</text>\n",
        (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 22);
    fprintf(p->out,
            "<text class=\"label\" text-anchor=\"middle\" transform=\"translate(24 %.0f) rotate(-90)\">speed "
            "(GFLOP/s)</text>\n",
            (TOP + HEIGHT - BOTTOM) / 2);
}

/* The slope of a bandwidth, from the left or lower edge up to the roof; its name stands at its foot. */
static void put_slope(const plot *p, const memory_level *level, double peak)
{
    double from = pow(10, p->x_low), until = fmin(peak / level->gbytes, pow(10, p->x_high));
    double bottom = pow(10, p->y_low);
    if (from * level->gbytes < bottom)
        from = bottom / level->gbytes;
    if (from >= until)
        return;
    double x1 = at_x(p, from), y1 = at_y(p, from * level->gbytes), x2 = at_x(p, until),
           y2 = at_y(p, until * level->gbytes);
    fprintf(p->out, "<line class=\"roof\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>", x1, y1, x2, y2);
    double angle = atan2(y2 - y1, x2 - x1) * 180 / 3.14159265358979;
    fprintf(
        p->out, "<text class=\"tick\" transform=\"translate(%.1f %.1f) rotate(%.1f)\">%s %.0f GB/s</text>\n",
        x1 + 14 * cos(angle / 57.3) + 4, y1 + 14 * sin(angle / 57.3) - 5, angle, level->name, level->gbytes);
}

static void put_roof(const bench_report *r, const plot *p)
{
    double peak = r->latency.peak_one.median, y = at_y(p, peak);
    for (size_t i = 0; i < r->level_count; i++)
        put_slope(p, &r->levels[i], peak);
    fprintf(p->out, "<line class=\"roof\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>", LEFT, y,
            WIDTH - RIGHT, y);
    fprintf(p->out,
            "<text class=\"label\" text-anchor=\"end\" x=\"%.1f\" y=\"%.1f\">peak %.0f GFLOP/s (%s "
            "multiply-adds)</text>\n",
            WIDTH - RIGHT, y - 8, peak, r->model.kernels);
}

static const char *const shades[PROFILE_STAGES] = {"#7f7f7f", "#1f77b4", "#2ca02c",
                                                   "#d98500", "#c5283d", "#7b4fa3"};

/* Kinds have shapes (a circle, a square, a triangle, a diamond), stages have colours, time is area. */
static void put_shape(FILE *out, kernel_kind kind, double x, double y, double size, const char *fill)
{
    fprintf(out, "<path fill=\"%s\" fill-opacity=\"0.7\" stroke=\"#222\" stroke-width=\"0.7\" d=\"", fill);
    if (kind == KIND_DEPTHWISE)
        fprintf(out, "M%.1f %.1fL%.1f %.1fL%.1f %.1fZ", x, y - 1.2 * size, x + 1.1 * size, y + 0.8 * size,
                x - 1.1 * size, y + 0.8 * size);
    else if (kind == KIND_EXPAND)
        fprintf(out, "M%.1f %.1fh%.1fv%.1fh%.1fZ", x - 0.9 * size, y - 0.9 * size, 1.8 * size, 1.8 * size,
                -1.8 * size);
    else if (kind == KIND_CONTRACT)
        fprintf(out, "M%.1f %.1fa%.1f %.1f 0 1 0 %.1f 0a%.1f %.1f 0 1 0 %.1f 0Z", x - size, y, size, size,
                2 * size, size, size, -2 * size);
    else
        fprintf(out, "M%.1f %.1fL%.1f %.1fL%.1f %.1fL%.1f %.1fZ", x, y - 1.3 * size, x + 1.3 * size, y, x,
                y + 1.3 * size, x - 1.3 * size, y);
    fputs("\">", out);
}

static void put_layer(const bench_report *r, const plot *p, const layer_time *l)
{
    double share = l->seconds / r->profile.total;
    if (l->seconds <= 0)
        return;
    put_shape(p->out, l->kind, at_x(p, intensity_of(l)), at_y(p, speed_of(l)), 3.5 + 32 * sqrt(share) / 2,
              shades[l->stage]);
    fprintf(p->out, "<title>%s: %u x %u, %.3f ms (%.1f %%), %.1f GFLOP/s</title></path>\n", l->name, l->k, l->n,
            1e3 * l->seconds, 100 * share, speed_of(l));
}

static void put_legend(const bench_report *r, FILE *out)
{
    static const struct {
        kernel_kind kind;
        const char *name;
    } kinds[] = {{KIND_EXPAND, "fc1 + GELU"},
                 {KIND_CONTRACT, "fc2 + residual"},
                 {KIND_DEPTHWISE, "depthwise 7x7"},
                 {KIND_DENSE, "stem, downsampling, head"}};
    double x = WIDTH - RIGHT + 28, y = TOP + 12;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++, y += 24) {
        put_shape(out, kinds[i].kind, x, y, 6, "#bbbbbb");
        fprintf(out, "</path><text class=\"label\" x=\"%.0f\" y=\"%.0f\">%s</text>\n", x + 16, y + 4,
                kinds[i].name);
    }
    y += 14;
    for (int s = 0; s < PROFILE_STAGES; s++, y += 24)
        fprintf(out,
                "<rect x=\"%.0f\" y=\"%.0f\" width=\"14\" height=\"14\" fill=\"%s\"/><text class=\"label\" "
                "x=\"%.0f\" "
                "y=\"%.0f\">%s, %.2f ms</text>\n",
                x - 7, y - 8, shades[s], x + 16, y + 4, profile_stage_names[s], 1e3 * r->profile.stages[s]);
    y += 14;
    fprintf(out, "<text class=\"label\" x=\"%.0f\" y=\"%.0f\">area: share of the time</text>\n", x - 7, y);
    fprintf(out, "<text class=\"label\" x=\"%.0f\" y=\"%.0f\">whole: %.2f ms,</text>\n", x - 7, y + 30,
            1e3 * report_seconds(r));
    fprintf(out, "<text class=\"label\" x=\"%.0f\" y=\"%.0f\">%.1f %% of the peak%s</text>\n", x - 7, y + 48,
            100 * report_peak_share(r), r->threads == 1 ? "" : " of all threads");
    if (r->void_reason)
        fprintf(out, "<text class=\"title\" fill=\"#c5283d\" x=\"%.0f\" y=\"%.0f\">VOID</text>\n", x - 7,
                y + 84);
}

void report_write_svg(const bench_report *r, FILE *out)
{
    plot p = choose_axes(r, out);
    fprintf(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" width=\"%.0f\" height=\"%.0f\" "
        "font-family=\"sans-serif\">\n",
        WIDTH, HEIGHT, WIDTH, HEIGHT);
    fputs("<style>.title{font-size:18px;font-weight:bold}.label{font-size:13px}.tick{font-size:12px;fill:#444}"
          ".grid{stroke:#e2e2e2}.roof{stroke:#333;stroke-width:1.6}</style>\n"
          "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
          out);
    put_frame(r, &p);
    put_roof(r, &p);
    for (size_t i = 0; i < r->profile.layer_count; i++)
        put_layer(r, &p, &r->profile.layers[i]);
    put_legend(r, out);
    fputs("</svg>\n", out);
}
