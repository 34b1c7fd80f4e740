/* SPDX-License-Identifier: MIT */
/* The embeddings of a set's pictures, and the files in which they are kept. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "common/streams.h"
#include "complain.h"
#include "kernels/search.h"
#include "ve-embed/npy.h"
#include "vectors.h"

#define MAX_LINE 9000

int vectors_begin(eval_vectors *vectors, size_t count, uint32_t dim)
{
    memset(vectors, 0, sizeof *vectors);
    vectors->count = count;
    vectors->dim = dim;
    vectors->stride = ve__round_up(dim, VE__SEARCH_LANES);
    vectors->rows = ve__allocate_zeroed(count * vectors->stride * sizeof(float));
    vectors->failures = calloc(count, sizeof *vectors->failures);
    return vectors->rows && vectors->failures ? 0 : complain_memory("the embeddings");
}

float *vectors_row(const eval_vectors *vectors, size_t picture)
{
    return vectors->rows + picture * vectors->stride;
}

int vectors_fail(eval_vectors *vectors, size_t picture, const char *reason)
{
    if (!(vectors->failures[picture] = strdup(reason)))
        return -1;
    for (char *c = vectors->failures[picture]; *c; c++)
        if (*c == '\n' || *c == '\t' || *c == '\r')
            *c = ' ';
    return 0;
}

void vectors_free(eval_vectors *vectors)
{
    for (size_t i = 0; vectors->failures && i < vectors->count; i++)
        free(vectors->failures[i]);
    free(vectors->failures);
    ve__release(vectors->rows);
    memset(vectors, 0, sizeof *vectors);
}

static int open_list(const char *path, const char *mode, char *name, size_t capacity, FILE **file)
{
    int length = snprintf(name, capacity, "%s.list", path);
    if (length < 0 || (size_t)length >= capacity)
        return complain("%s: too long a path", path);
    *file = fopen(name, mode);
    return *file ? 0 : complain("%s: %s", name, strerror(errno));
}

static int save_list(const eval_vectors *vectors, const picture_set *set, const char *path)
{
    char name[MAX_LINE];
    FILE *file;
    if (open_list(path, "w", name, sizeof name, &file) != 0)
        return -1;
    fprintf(file, "%s\t%s\t%s\n", vectors->fingerprint, vectors->how, vectors->model_name);
    for (size_t i = 0; i < vectors->count; i++)
        fprintf(file, vectors->failures[i] ? "%s\t%s\n" : "%s\n", set->pictures[i].name, vectors->failures[i]);
    return streams_finish("ve-eval", file, name);
}

int vectors_save(const eval_vectors *vectors, const picture_set *set, const char *path)
{
    size_t filled = 0;
    for (size_t i = 0; i < set->picture_count; i++)
        if (strpbrk(set->pictures[i].name, "\t\n\r"))
            return complain("%s: a tab or line end in a name cannot be saved", set->pictures[i].name);
    float *rows = malloc((vectors->count * vectors->dim + 1) * sizeof *rows);
    if (!rows)
        return complain_memory("the embeddings");
    for (size_t i = 0; i < vectors->count; i++)
        if (!vectors->failures[i])
            memcpy(rows + filled++ * vectors->dim, vectors_row(vectors, i), vectors->dim * sizeof *rows);
    FILE *file = fopen(path, "wb");
    int result = file ? 0 : complain("%s: %s", path, strerror(errno));
    if (file) {
        npy_write(file, rows, filled, vectors->dim);
        result = streams_finish("ve-eval", file, path);
    }
    free(rows);
    return result == 0 ? save_list(vectors, set, path) : -1;
}

/* The shape of an array in format 1.0 as NumPy and npy_write put it; the file stands at its first value then.
 */
static int read_array_header(FILE *file, const char *path, size_t *rows, size_t *columns)
{
    static const unsigned char magic[8] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0};
    unsigned char start[10];
    char header[65536] = "", *at;
    if (fread(start, 1, sizeof start, file) != sizeof start || memcmp(start, magic, sizeof magic) != 0)
        return complain("%s: not a .npy file of format 1.0", path);
    size_t length = ve__load_u16(start + 8);
    if (fread(header, 1, length, file) != length)
        return complain("%s: ends within its header", path);
    if (!strstr(header, "'descr': '<f4'") || !strstr(header, "'fortran_order': False") ||
        !(at = strstr(header, "'shape': (")) || sscanf(at, "'shape': (%10zu, %10zu)", rows, columns) != 2)
        return complain("%s: not an array of rows of '<f4' in C order", path);
    return 0;
}

static int read_rows(eval_vectors *vectors, FILE *file, const char *path)
{
    for (size_t i = 0; i < vectors->count; i++) {
        float *row = vectors_row(vectors, i);
        if (vectors->failures[i])
            continue;
        if (fread(row, sizeof *row, vectors->dim, file) != vectors->dim)
            return complain("%s: fewer rows than pictures in %s.list", path, path);
        for (uint32_t k = 0; k < vectors->dim; k++) /* the file is little-endian */
            row[k] = ve__bits_float(ve__load_u32(row + k));
        if (ve_normalize(row, vectors->dim) != VE_OK)
            return complain("%s: the row of picture %zu: %s", path, i + 1, ve_last_error());
    }
    return getc(file) == EOF ? 0 : complain("%s: more rows than pictures in %s.list", path, path);
}

/* Reads a line without its end: 1; 0 at the file's end. */
static int read_line(FILE *file, char line[MAX_LINE])
{
    if (!fgets(line, MAX_LINE, file))
        return 0;
    line[strcspn(line, "\n")] = '\0';
    return 1;
}

/* Cuts the line at its first tab; what stands behind it, or NULL. */
static char *cut(char *line)
{
    char *tab = strchr(line, '\t');
    if (tab)
        *tab++ = '\0';
    return tab;
}

static int read_head(eval_vectors *vectors, FILE *file, const char *name)
{
    char line[MAX_LINE], *how, *model;
    if (!read_line(file, line) || !(how = cut(line)) || !(model = cut(how)) || strlen(line) > 64)
        return complain("%s: its first line is not fingerprint, how and model", name);
    if (vectors) {
        snprintf(vectors->fingerprint, sizeof vectors->fingerprint, "%.64s", line);
        snprintf(vectors->how, sizeof vectors->how, "%.63s", how);
        snprintf(vectors->model_name, sizeof vectors->model_name, "%.127s", model);
    }
    return 0;
}

static int read_list(eval_vectors *vectors, const picture_set *set, const char *path)
{
    char name[MAX_LINE], line[MAX_LINE];
    FILE *file;
    if (open_list(path, "r", name, sizeof name, &file) != 0)
        return -1;
    int result = read_head(vectors, file, name);
    for (size_t i = 0; result == 0 && i < vectors->count; i++) {
        const char *reason = read_line(file, line) ? cut(line) : NULL;
        if (ferror(file) || feof(file) || strcmp(line, set->pictures[i].name) != 0)
            result = complain("%s: names other pictures than the set (picture %zu is %s)", name, i + 1,
                              set->pictures[i].name);
        else if (reason && vectors_fail(vectors, i, reason) != 0)
            result = complain_memory("a reason");
        vectors->failure_count += result == 0 && reason != NULL;
    }
    if (result == 0 && read_line(file, line))
        result = complain("%s: names more pictures than the set has", name);
    fclose(file);
    return result;
}

int vectors_load(eval_vectors *vectors, const picture_set *set, const char *path)
{
    size_t rows = 0, columns = 0;
    memset(vectors, 0, sizeof *vectors);
    FILE *file = fopen(path, "rb");
    if (!file)
        return complain("%s: %s", path, strerror(errno));
    int result = read_array_header(file, path, &rows, &columns);
    if (result == 0 && (columns == 0 || columns > VE_MAX_DIM))
        result = complain("%s: %zu dimensions; there are 1 to %d", path, columns, VE_MAX_DIM);
    if (result == 0)
        result = vectors_begin(vectors, set->picture_count, (uint32_t)columns);
    if (result == 0)
        result = read_list(vectors, set, path);
    if (result == 0)
        result = read_rows(vectors, file, path);
    fclose(file);
    return result;
}

/* The person of "PERSON/FILE". People come sorted, so that a new one differs from the last. */
static int add_name(picture_set *set, const char *list, char *name)
{
    uint32_t person = (uint32_t)set->person_count - 1, number;
    char *slash = strrchr(name, '/');
    if (!slash || slash == name)
        return complain("%s: %s is not PERSON/FILE", list, name);
    *slash = '\0';
    int result = 0;
    if (set->person_count == 0 || strcmp(set->people[person], name) != 0)
        result = set_add_person(set, name, &person);
    *slash = '/';
    return result == 0 ? set_add(set, name, person, &number) : -1;
}

int vectors_load_names(picture_set *set, const char *path)
{
    char name[MAX_LINE], line[MAX_LINE];
    FILE *file;
    if (set_begin(set, path) != 0 || open_list(path, "r", name, sizeof name, &file) != 0)
        return -1;
    int result = read_head(NULL, file, name);
    while (result == 0 && read_line(file, line)) {
        cut(line);
        result = add_name(set, name, line);
    }
    fclose(file);
    if (result == 0 && set->picture_count == 0)
        result = complain("%s: names no picture", name);
    return result;
}
