/* SPDX-License-Identifier: MIT */
/* NumPy's .npy files, format 1.0. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "npy.h"

#define MAGIC_BYTES  8 /* magic number and version */
#define MAX_SIDE     65536u
#define MAX_CHANNELS 3u

static const unsigned char magic[MAGIC_BYTES] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0};

static int is_big_endian(void)
{
    const uint16_t one = 1;
    return *(const unsigned char *)&one == 0;
}

/* Turns floats between the file's little-endian bytes and the machine's. */
static uint32_t swapped(uint32_t word)
{
    return word << 24 | (word & 0xFF00u) << 8 | (word >> 8 & 0xFF00u) | word >> 24;
}

static void swap_words(float *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t word;
        memcpy(&word, values + i, sizeof word);
        word = swapped(word);
        memcpy(values + i, &word, sizeof word);
    }
}

/* The text behind 'key': in the header's dictionary, or NULL. */
static const char *find_value(const char *header, const char *key)
{
    const char *at = strstr(header, key);
    if (!at)
        return NULL;
    at += strlen(key);
    return at + strspn(at, " :");
}

/* Reads "(1, 3, 112, 112)" or "(3, 112, 112)". */
static int read_shape(const char *text, npy_tensor *tensor)
{
    unsigned long sides[4];
    int count = 0;
    if (*text++ != '(')
        return -1;
    while (count < 4 && *text >= '0' && *text <= '9') {
        char *end;
        sides[count] = strtoul(text, &end, 10);
        if (sides[count++] > MAX_SIDE)
            return -1;
        text = end + strspn(end, ", ");
    }
    const unsigned long *chw = count == 4 ? sides + 1 : sides;
    if (*text != ')' || count < 3 || (count == 4 && sides[0] != 1))
        return -1;
    if (chw[0] != MAX_CHANNELS || chw[1] == 0 || chw[2] == 0)
        return -1;
    tensor->height = (uint32_t)chw[1];
    tensor->width = (uint32_t)chw[2];
    return 0;
}

static const char *check_header(const char *header, npy_tensor *tensor)
{
    const char *type = find_value(header, "'descr'");
    const char *order = find_value(header, "'fortran_order'");
    const char *shape = find_value(header, "'shape'");
    if (!type || !order || !shape)
        return "its header lacks descr, fortran_order or shape";
    if (strncmp(type, "'<f4'", 5) != 0)
        return "its elements are not little-endian float32 ('<f4')";
    if (strncmp(order, "False", 5) != 0)
        return "it is in Fortran order; save np.ascontiguousarray(x)";
    if (read_shape(shape, tensor) != 0)
        return "its shape is not (1, 3, height, width)";
    return NULL;
}

/* Reads the magic number and the header, which it hands over to check_header. */
static const char *read_header(FILE *file, npy_tensor *tensor)
{
    unsigned char start[MAGIC_BYTES + 2];
    if (fread(start, 1, sizeof start, file) != sizeof start || memcmp(start, magic, 6) != 0)
        return "not a .npy file";
    if (memcmp(start, magic, MAGIC_BYTES) != 0)
        return "a .npy format other than 1.0";
    size_t length = (size_t)start[MAGIC_BYTES] | (size_t)start[MAGIC_BYTES + 1] << 8;
    char *header = malloc(length + 1);
    if (!header)
        return "no memory";
    const char *error = fread(header, 1, length, file) == length ? NULL : "it ends within its header";
    header[length] = '\0';
    if (!error)
        error = check_header(header, tensor);
    free(header);
    return error;
}

static const char *read_values(FILE *file, npy_tensor *tensor)
{
    size_t count = (size_t)MAX_CHANNELS * tensor->width * tensor->height;
    if (!(tensor->values = malloc(count * sizeof(float))))
        return "no memory for it";
    if (fread(tensor->values, sizeof(float), count, file) != count)
        return "it ends before its last value";
    if (getc(file) != EOF)
        return "there is something behind its last value";
    if (is_big_endian())
        swap_words(tensor->values, count);
    return NULL;
}

int npy_read_tensor(const char *path, npy_tensor *tensor, char *error, size_t error_size)
{
    FILE *file = fopen(path, "rb");
    tensor->values = NULL;
    if (!file) {
        snprintf(error, error_size, "%s", strerror(errno));
        return -1;
    }
    const char *problem = read_header(file, tensor);
    if (!problem)
        problem = read_values(file, tensor);
    fclose(file);
    if (!problem)
        return 0;
    snprintf(error, error_size, "%s", problem);
    free(tensor->values);
    tensor->values = NULL;
    return -1;
}

static void write_header(FILE *file, size_t rows, size_t columns)
{
    char header[118]; /* with magic number and length: 128 bytes, a multiple of 64 as the format asks */
    unsigned char start[MAGIC_BYTES + 2];
    int length = snprintf(header, sizeof header,
                          "{'descr': '<f4', 'fortran_order': False, 'shape': (%zu, %zu), }", rows, columns);
    memset(header + length, ' ', sizeof header - (size_t)length);
    header[sizeof header - 1] = '\n';
    memcpy(start, magic, MAGIC_BYTES);
    start[MAGIC_BYTES] = sizeof header & 0xFF;
    start[MAGIC_BYTES + 1] = sizeof header >> 8;
    fwrite(start, 1, sizeof start, file);
    fwrite(header, 1, sizeof header, file);
}

void npy_write(FILE *file, const float *values, size_t rows, size_t columns)
{
    write_header(file, rows, columns);
    for (size_t i = 0; i < rows * columns; i++) {
        uint32_t word;
        memcpy(&word, values + i, sizeof word);
        word = is_big_endian() ? swapped(word) : word;
        fwrite(&word, sizeof word, 1, file);
    }
}
