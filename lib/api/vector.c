/* SPDX-License-Identifier: MIT */
/* ve_similarity, ve_normalize, ve_wipe, ve_version. */
#include <math.h>
#include <string.h>

#include "base/status.h"

#define TEXT_OF(x) #x
#define TEXT(x)    TEXT_OF(x)

const char *ve_version(void)
{
    return TEXT(VE_VERSION_MAJOR) "." TEXT(VE_VERSION_MINOR) "." TEXT(VE_VERSION_PATCH);
}

/* In double: the products of any two floats are exact there and their sums cannot overflow. */
static double dot(const float *a, const float *b, size_t dim)
{
    double sum = 0;
    for (size_t i = 0; i < dim; i++)
        sum += (double)a[i] * b[i];
    return sum;
}

float ve_similarity(const float *a, const float *b, size_t dim)
{
    if (!a || !b)
        return 0;
    double squares = dot(a, a, dim) * dot(b, b, dim);
    if (!(squares > 0) || squares - squares != 0) /* zero, infinite or not a number */
        return 0;
    double cosine = dot(a, b, dim) / sqrt(squares);
    return (float)(cosine > 1 ? 1 : cosine < -1 ? -1 : cosine);
}

ve_status ve_normalize(float *vector, size_t dim)
{
    VE_CHECK_ARG(vector != NULL);
    double squares = dot(vector, vector, dim);
    if (squares - squares != 0) /* infinite or not a number */
        return ve__fail(VE_ERR_ARGUMENT, "the vector holds a value that is infinite or not a number");
    if (!(squares > 0))
        return ve__fail(VE_ERR_ARGUMENT, "the vector is zero and has no direction");
    double factor = 1 / sqrt(squares);
    for (size_t i = 0; i < dim; i++)
        vector[i] = (float)(vector[i] * factor);
    return VE_OK;
}

void ve_wipe(void *memory, size_t size)
{
    if (!memory)
        return;
    memset(memory, 0, size);
    /* The compiler must believe that somebody reads it. */
    __asm__ volatile("" : : "r"(memory) : "memory");
}
