/* SPDX-License-Identifier: MIT */
/* Format: magic "\x93NUMPY", two bytes of version, the header's length (u16, from version 2 on u32), a Python
 * dictionary in text, then the values. */
#include "support/npy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

#define MAX_HEADER 4096u

static int read_header(FILE *file, char *header)
{
    unsigned char start[8], length[4] = {0};
    if (fread(start, 1, sizeof start, file) != sizeof start || memcmp(start, "\x93NUMPY", 6) != 0)
        return 0;
    if (fread(length, 1, start[6] == 1 ? 2 : 4, file) == 0)
        return 0;
    size_t size = ve__load_u32(length);
    if (size >= MAX_HEADER || fread(header, 1, size, file) != size)
        return 0;
    header[size] = '\0';
    return strstr(header, "'descr': '<f4'") && strstr(header, "'fortran_order': False");
}

/* The product of the numbers in 'shape': (3, 4), */
static size_t shape_count(const char *header)
{
    const char *at = strstr(header, "'shape': (");
    size_t count = 1;
    if (!at)
        return 0;
    at += strlen("'shape': (");
    while (*at != ')' && *at != '\0') {
        char *end;
        count *= strtoul(at, &end, 10);
        if (end == at)
            return 0;
        at = end + strspn(end, ", ");
    }
    return count;
}

static float *read_values(FILE *file, size_t count)
{
    float *values = malloc((count ? count : 1) * sizeof *values);
    if (!values || fread(values, sizeof *values, count, file) != count || fgetc(file) != EOF) {
        free(values);
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        values[i] = ve__bits_float(ve__load_u32(&values[i]));
    return values;
}

float *npy_read(const char *path, size_t *count)
{
    char header[MAX_HEADER];
    float *values = NULL;
    FILE *file = fopen(path, "rb");
    if (file && read_header(file, header)) {
        *count = shape_count(header);
        values = read_values(file, *count);
    }
    if (file)
        fclose(file);
    if (!values)
        fprintf(stderr, "%s: %s\n", path, file ? "not a float32 .npy file, or damaged" : "cannot be opened");
    return values;
}
