/* SPDX-License-Identifier: MIT */
/* See optimiser.h. */
#include "optimiser.h"

#include <math.h>

#include "vector.h"

#define BETA1 0.9f
#define BETA2 0.98f /* shorter than the usual 0.999: the gradients' size changes fast in a run of hours */
#define EPS   1e-8f

void optimiser_update(const optimiser *step, int decays, long count, const float *gradient, float *moment1,
                      float *moment2, float *weights, float *average)
{
    float correct1 = 1 / (1 - powf(BETA1, (float)step->number));
    v16 correct2 = spread(1 / (1 - powf(BETA2, (float)step->number)));
    v16 rate = spread(step->rate * correct1), decay = spread(decays ? step->decay * step->rate : 0);
    for (long i = 0; i < count; i += 16) {
        v16 g = load(gradient + i), m = load(moment1 + i), v = load(moment2 + i), w = load(weights + i);
        m = _mm512_fmadd_ps(spread(1 - BETA1), _mm512_sub_ps(g, m), m);
        v = _mm512_fmadd_ps(spread(1 - BETA2), _mm512_sub_ps(_mm512_mul_ps(g, g), v), v);
        store(moment1 + i, m);
        store(moment2 + i, v);
        v16 size = _mm512_add_ps(_mm512_sqrt_ps(_mm512_mul_ps(v, correct2)), spread(EPS));
        w = _mm512_sub_ps(_mm512_fnmadd_ps(w, decay, w), _mm512_div_ps(_mm512_mul_ps(m, rate), size));
        store(weights + i, w);
        if (average && step->averages) {
            v16 a = load(average + i);
            store(average + i, _mm512_fmadd_ps(spread(1 - step->keep), _mm512_sub_ps(w, a), a));
        }
    }
}
