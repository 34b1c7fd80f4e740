/* SPDX-License-Identifier: MIT */
/* See state.h. A header, then the flat arrays as they lie in memory: the file is for the machine that wrote it.
 */
#include "state.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base.h"

typedef struct header {
    char magic[8];
    int64_t numbers, people;
    progress progress;
    float length_mean, length_deviation;
} header;

static const char magic[8] = "VETRAIN1";

/* An array of the state, and its length in floats. */
typedef struct part {
    float *values;
    long count;
} part;

static int list_parts(const network *net, const margin *m, part *parts)
{
    long centres = m ? (long)m->people * EMBEDDING : 0;
    float *const flat[] = {net->weights, net->average, net->moment1, net->moment2};
    int count = 0;
    for (; count < 4; count++)
        parts[count] = (part){flat[count], net->table.total};
    if (m) {
        parts[count++] = (part){m->centres, centres};
        parts[count++] = (part){m->moment1, centres};
        parts[count++] = (part){m->moment2, centres};
    }
    return count;
}

void state_write(const char *path, const progress *p, const network *net, const margin *m)
{
    char temporary[4096];
    part parts[7];
    header h = {{0}, net->table.total,       m ? m->people : 0,
                *p,  m ? m->length_mean : 0, m ? m->length_deviation : 0};
    int count = list_parts(net, m, parts);
    memcpy(h.magic, magic, sizeof magic);
    snprintf(temporary, sizeof temporary, "%s.tmp", path);
    FILE *file = fopen(temporary, "wb");
    if (!file)
        fail("cannot write %s", temporary);
    fwrite(&h, sizeof h, 1, file);
    for (int i = 0; i < count; i++)
        fwrite(parts[i].values, sizeof(float), (size_t)parts[i].count, file);
    if (fflush(file) != 0 || fsync(fileno(file)) != 0 || ferror(file) || fclose(file) != 0 ||
        rename(temporary, path) != 0)
        fail("cannot write %s", path);
}

void state_read(const char *path, progress *p, network *net, margin *m)
{
    part parts[7];
    header h;
    int count = list_parts(net, m, parts);
    FILE *file = fopen(path, "rb");
    if (!file || fread(&h, sizeof h, 1, file) != 1 || memcmp(h.magic, magic, sizeof magic) != 0)
        fail("%s: no state of a run", path);
    if (h.numbers != net->table.total || h.people != (m ? m->people : 0))
        fail("%s: the state has %ld weights and %ld people, this run %ld and %d", path, (long)h.numbers,
             (long)h.people, net->table.total, m ? m->people : 0);
    for (int i = 0; i < count; i++)
        if (fread(parts[i].values, sizeof(float), (size_t)parts[i].count, file) != (size_t)parts[i].count)
            fail("%s: ends early", path);
    fclose(file);
    *p = h.progress;
    if (m) {
        m->length_mean = h.length_mean;
        m->length_deviation = h.length_deviation;
    }
}
