/* SPDX-License-Identifier: MIT */
/* See npy.h. */
#include "npy.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base.h"

enum { MOST_HEADER = 4096 };

static int map_file(const char *path, npy *array)
{
    struct stat status;
    int file = open(path, O_RDONLY);
    if (file < 0)
        return -1;
    int is_bad = fstat(file, &status) != 0 || status.st_size < 16;
    array->map_bytes = is_bad ? 0 : (size_t)status.st_size;
    array->map = is_bad ? MAP_FAILED : mmap(NULL, array->map_bytes, PROT_READ, MAP_SHARED, file, 0);
    close(file);
    return array->map == MAP_FAILED ? -1 : 0;
}

/* The header's length in bytes up to the data, 0 where it is none. */
static size_t header_of(const npy *array, char *text)
{
    const uint8_t *m = array->map;
    size_t bytes = (size_t)(m[8] | m[9] << 8) + 10;
    if (memcmp(m, "\x93NUMPY", 6) != 0 || m[6] != 1 || bytes > array->map_bytes || bytes > MOST_HEADER)
        return 0;
    memcpy(text, m + 10, bytes - 10);
    text[bytes - 10] = 0;
    return bytes;
}

static int read_shape(const char *header, npy *array)
{
    const char *at = strstr(header, "'shape': (");
    char *end;
    if (!at)
        return -1;
    array->rows = strtol(at + 10, &end, 10);
    array->width = 1;
    while (*end == ',') {
        long n = strtol(end + 1, &end, 10);
        if (n > 0)
            array->width *= n;
    }
    return array->rows < 0 || *end != ')' ? -1 : 0;
}

int npy_open(const char *path, const char *type, npy *array, const char **problem)
{
    char header[MOST_HEADER];
    *problem = "cannot open";
    if (map_file(path, array) != 0)
        return -1;
    *problem = "not a numpy file of version 1";
    size_t at = header_of(array, header);
    const char *descr = at ? strstr(header, "'descr': '") : NULL;
    if (descr && !strstr(header, "'fortran_order': True") && read_shape(header, array) == 0) {
        *problem = "other elements than wanted";
        if (strncmp(descr + 11, type, 2) == 0 && descr[10] != '>') {
            *problem = "ends early";
            size_t bytes = (size_t)(array->rows * array->width) * (size_t)(type[1] - '0');
            array->data = (const uint8_t *)array->map + at;
            if (at + bytes <= array->map_bytes)
                return 0;
        }
    }
    npy_close(array);
    return -1;
}

void npy_need(const char *path, const char *type, npy *array)
{
    const char *problem;
    if (npy_open(path, type, array, &problem) != 0)
        fail("%s: %s (want an array of %s)", path, problem, type);
}

void npy_close(npy *array)
{
    munmap(array->map, array->map_bytes);
}
