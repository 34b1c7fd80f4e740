/* SPDX-License-Identifier: MIT */
/* See rounding.h. */
#include "rounding.h"

#include "kernels/dense_i8.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Added to the diagonal, times its mean: inputs that pictures hardly moved must not be trusted to stay there.
 */
#define DAMPING 0.01

void rounding_free(rounding *r)
{
    free(r->factor);
    free(r->mean);
    free(r->errors);
    free(r->codes);
    memset(r, 0, sizeof *r);
}

static ve_status take_memory(rounding *r, unsigned k, int has_moments)
{
    rounding_free(r);
    r->k = k;
    r->factor = has_moments ? calloc((size_t)k * k, sizeof *r->factor) : NULL;
    r->mean = calloc(k, sizeof *r->mean);
    r->errors = calloc(k, sizeof *r->errors);
    r->codes = calloc(k, sizeof *r->codes);
    int is_whole = (r->factor || !has_moments) && r->mean && r->errors && r->codes;
    return is_whole ? VE_OK : ve__fail(VE_ERR_MEMORY, "no memory to round a layer of %u inputs", k);
}

static void fill_covariance(rounding *r, const layer_inputs *in, const float *gain)
{
    double trace = 0, n = (double)in->rows;
    for (unsigned a = 0; a < r->k; a++) {
        double *row = r->factor + (size_t)a * r->k;
        for (unsigned b = 0; b <= a; b++)
            row[b] =
                gain[a] * gain[b] * (in->moments[(size_t)a * r->k + b] / n - in->sum[a] / n * (in->sum[b] / n));
        trace += row[a];
    }
    double added = trace > 0 ? DAMPING * trace / r->k : 1.0;
    for (unsigned a = 0; a < r->k; a++)
        r->factor[(size_t)a * r->k + a] += added;
}

/* C = M' M in place, from the last row up: M's row i is what is left of C's, and is taken out of those above.
 */
static void factorise(rounding *r)
{
    for (unsigned i = r->k; i-- > 0;) {
        double *m = r->factor + (size_t)i * r->k;
        double root = sqrt(m[i] > 1e-30 ? m[i] : 1e-30);
        for (unsigned j = 0; j <= i; j++)
            m[j] /= root;
        m[i] = root;
        for (unsigned a = 0; a < i; a++) {
            double *row = r->factor + (size_t)a * r->k, left = m[a];
            for (unsigned b = 0; b <= a; b++)
                row[b] -= left * m[b];
        }
    }
}

ve_status rounding_begin(rounding *r, const layer_inputs *inputs, const float *gain, const float *shift)
{
    VE_TRY(take_memory(r, inputs->k, inputs->moments != NULL));
    for (unsigned i = 0; i < r->k; i++)
        r->mean[i] = gain[i] * (inputs->sum[i] / (double)inputs->rows) + shift[i];
    if (!r->factor)
        return VE_OK;
    fill_covariance(r, inputs, gain);
    factorise(r);
    return VE_OK;
}

/* Codes and errors for one scale; the variance of the output's error. */
static double round_with(rounding *r, const float *weights, double scale, unsigned largest)
{
    double variance = 0;
    for (unsigned t = 0; t < r->k; t++) {
        const double *m = r->factor ? r->factor + (size_t)t * r->k : NULL;
        double left = 0;
        for (unsigned s = 0; m && s < t; s++)
            left += m[s] * r->errors[s];
        double wanted = weights[t] + (m ? left / m[t] : 0.0);
        double code = fmin(fmax(rint(wanted / scale), -VE__I8_LARGEST), VE__I8_LARGEST);
        if (t == largest) /* readers expect it: their scale is the largest weight's */
            code = weights[t] < 0 ? -VE__I8_LARGEST : VE__I8_LARGEST;
        r->codes[t] = (int8_t)code;
        r->errors[t] = weights[t] - code * scale;
        double rest = m ? left + m[t] * r->errors[t] : r->errors[t];
        variance += rest * rest;
    }
    return variance;
}

float rounding_row(rounding *r, float *weights)
{
    static const double clips[] = {1.0, 0.94, 0.88, 0.8};
    unsigned largest = 0;
    double best = INFINITY, best_scale = 0, bias = 0;
    for (unsigned i = 1; i < r->k; i++)
        if (fabsf(weights[i]) > fabsf(weights[largest]))
            largest = i;
    if (!(fabsf(weights[largest]) > VE__I8_SMALLEST))
        return 0.0f;
    for (size_t i = 0; i < sizeof clips / sizeof *clips; i++) {
        double scale = (float)(clips[i] * fabsf(weights[largest]) / VE__I8_LARGEST);
        double variance = round_with(r, weights, scale, largest);
        if (variance < best) {
            best = variance;
            best_scale = scale;
        }
    }
    round_with(r, weights, best_scale, largest);
    for (unsigned i = 0; i < r->k; i++) {
        bias += r->errors[i] * r->mean[i];
        weights[i] = (float)(r->codes[i] * best_scale);
    }
    return (float)bias;
}
