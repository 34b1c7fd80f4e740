/* SPDX-License-Identifier: MIT */
/* The list of pairs of a verification protocol. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/text.h"
#include "complain.h"
#include "pairs.h"

#define MAX_LINE   4096
#define MAX_FOLDS  1000u
#define MAX_NUMBER 9999999u
#define MAX_PAIRS  50000000u

/* Picture and person numbers by name: open addressing, the value is number + 1. */
typedef struct name_table {
    char **keys;
    uint32_t *values;
    size_t capacity, count;
} name_table;

typedef struct reader {
    const char *path;
    size_t line;
    FILE *file;
    pair_list *list;
    picture_set *set;
    name_table pictures, people;
    int allow_missing;
    unsigned long per_fold; /* pairs of one kind */
} reader;

static int wrong(const reader *r, const char *what)
{
    return complain("%s: line %zu: %s", r->path, r->line, what);
}

static size_t hash_of(const char *text)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 1099511628211u;
    return (size_t)(hash ^ hash >> 32);
}

/* The slot of a key, or the free one where it belongs. */
static size_t slot_of(const name_table *table, const char *key)
{
    size_t at = hash_of(key) & (table->capacity - 1);
    while (table->keys[at] && strcmp(table->keys[at], key) != 0)
        at = (at + 1) & (table->capacity - 1);
    return at;
}

static int table_grow(name_table *table)
{
    name_table larger = {NULL, NULL, table->capacity ? 2 * table->capacity : 1024, table->count};
    larger.keys = calloc(larger.capacity, sizeof *larger.keys);
    larger.values = calloc(larger.capacity, sizeof *larger.values);
    if (!larger.keys || !larger.values) {
        free(larger.keys);
        free(larger.values);
        return complain_memory("the list of names");
    }
    for (size_t i = 0; i < table->capacity; i++)
        if (table->keys[i]) {
            size_t at = slot_of(&larger, table->keys[i]);
            larger.keys[at] = table->keys[i];
            larger.values[at] = table->values[i];
        }
    free(table->keys);
    free(table->values);
    *table = larger;
    return 0;
}

/* Where the key's value stands; 0 there for a new key. NULL without memory. */
static uint32_t *table_at(name_table *table, const char *key)
{
    if (2 * (table->count + 1) > table->capacity && table_grow(table) != 0)
        return NULL;
    size_t at = slot_of(table, key);
    if (!table->keys[at]) {
        if (!(table->keys[at] = strdup(key))) {
            complain_memory("a name");
            return NULL;
        }
        table->count++;
    }
    return &table->values[at];
}

static void table_free(name_table *table)
{
    for (size_t i = 0; i < table->capacity; i++)
        free(table->keys[i]);
    free(table->keys);
    free(table->values);
}

/* Completes "PERSON/PERSON_0001" by the ending of the file that is there. */
static int find_file(reader *r, char *name, size_t capacity)
{
    static const char *const endings[] = {".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".JPG", ".JPEG", ".PNG"};
    struct stat about;
    char path[MAX_LINE * 3];
    size_t length = strlen(name);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        snprintf(name + length, capacity - length, "%s", endings[i]);
        snprintf(path, sizeof path, "%s/%s", r->set->folder, name);
        if (stat(path, &about) == 0)
            return 0;
    }
    name[length] = '\0';
    if (!r->allow_missing)
        return complain(
            "%s: line %zu: no picture %s/%s.jpg, .png, .ppm or .bmp (--allow-missing counts it as a "
            "failure to enrol)",
            r->path, r->line, r->set->folder, name);
    r->list->missing++;
    snprintf(name + length, capacity - length, ".?");
    return 0;
}

static int add_new_picture(reader *r, const char *person, char *name, size_t capacity, uint32_t *picture)
{
    uint32_t *person_at = table_at(&r->people, person), number;
    if (!person_at || (*person_at == 0 && set_add_person(r->set, person, &number) != 0))
        return -1;
    if (*person_at == 0)
        *person_at = number + 1;
    if (find_file(r, name, capacity) != 0)
        return -1;
    return set_add(r->set, name, *person_at - 1, picture);
}

static int take_picture(reader *r, const char *person, const char *number_text, uint32_t *picture)
{
    unsigned long number;
    char name[2 * MAX_LINE + 32];
    if (text_read_number(number_text, 0, MAX_NUMBER, &number) != 0)
        return wrong(r, "the number of a picture is not one");
    if (strchr(person, '/') || person[0] == '.' || person[0] == '\0')
        return wrong(r, "a person's name is no folder's name");
    snprintf(name, sizeof name, "%s/%s_%04lu", person, person, number);
    uint32_t *at = table_at(&r->pictures, name);
    if (!at)
        return -1;
    if (*at == 0) {
        if (add_new_picture(r, person, name, sizeof name, picture) != 0)
            return -1;
        *at = *picture + 1;
    }
    *picture = *at - 1;
    return 0;
}

/* Cuts a line into at most five fields; how many. */
static int split(char *line, char *fields[5])
{
    int count = 0;
    const char *gaps = strchr(line, '\t') ? "\t" : " ";
    for (char *field = strtok(line, gaps); field && count < 5; field = strtok(NULL, gaps))
        fields[count++] = field;
    return count;
}

/* The next line that is not empty: 1, 0 at the end, -1 with a message. */
static int next_line(reader *r, char line[MAX_LINE])
{
    while (fgets(line, MAX_LINE, r->file)) {
        r->line++;
        size_t length = strlen(line);
        if (length == MAX_LINE - 1 && line[length - 1] != '\n')
            return wrong(r, "too long");
        while (length > 0 && strchr(" \t\r\n", line[length - 1]))
            line[--length] = '\0';
        if (length > 0)
            return 1;
    }
    return ferror(r->file) ? complain("%s: %s", r->path, strerror(errno)) : 0;
}

static int read_header(reader *r)
{
    char line[MAX_LINE], *fields[5];
    unsigned long folds = 1;
    int found = next_line(r, line);
    if (found <= 0)
        return found < 0 ? -1 : complain("%s: empty", r->path);
    int count = split(line, fields);
    if (count < 1 || count > 2 || text_read_number(fields[count - 1], 1, MAX_PAIRS, &r->per_fold) != 0 ||
        (count == 2 && text_read_number(fields[0], 1, MAX_FOLDS, &folds) != 0))
        return wrong(r, "want the number of folds and of pairs of each kind in a fold: 10 300");
    if (2 * folds * r->per_fold > MAX_PAIRS)
        return wrong(r, "too many pairs");
    r->list->folds = (uint32_t)folds;
    r->list->pairs = calloc(2 * folds * r->per_fold, sizeof *r->list->pairs);
    return r->list->pairs ? 0 : complain_memory("the pairs");
}

/* One pair. The line must be of the kind that its place in the fold asks for. */
static int read_pair(reader *r, eval_pair *pair)
{
    char line[MAX_LINE], *fields[5];
    int found = next_line(r, line);
    if (found < 0)
        return -1;
    if (found == 0)
        return complain("%s: ends after %zu of %zu pairs", r->path, r->list->count,
                        (size_t)(2 * r->list->folds * r->per_fold));
    int count = split(line, fields);
    if (count != (pair->is_same ? 3 : 4))
        return wrong(r, pair->is_same ? "want a pair of one person here: NAME i j"
                                      : "want a pair of two people here: NAME i NAME j");
    const char *other = pair->is_same ? fields[0] : fields[2];
    if (take_picture(r, fields[0], fields[1], &pair->first) != 0 ||
        take_picture(r, other, fields[count - 1], &pair->second) != 0)
        return -1;
    if (pair->first == pair->second)
        return wrong(r, "a picture paired with itself");
    if (!pair->is_same && r->set->pictures[pair->first].person == r->set->pictures[pair->second].person)
        return wrong(r, "a pair of two people names one person twice");
    return 0;
}

static int read_all(reader *r)
{
    char line[MAX_LINE];
    int more;
    if (read_header(r) != 0)
        return -1;
    size_t all = 2 * r->list->folds * r->per_fold;
    for (; r->list->count < all; r->list->count++) {
        eval_pair *pair = &r->list->pairs[r->list->count];
        pair->fold = (uint32_t)(r->list->count / (2 * r->per_fold));
        pair->is_same = r->list->count / r->per_fold % 2 == 0;
        if (read_pair(r, pair) != 0)
            return -1;
    }
    more = next_line(r, line);
    return more > 0 ? wrong(r, "more pairs than the first line announces") : more;
}

int pairs_read(pair_list *list, picture_set *set, const char *path, const char *folder, int allow_missing)
{
    struct stat about;
    reader r = {.path = path, .list = list, .set = set, .allow_missing = allow_missing};
    memset(list, 0, sizeof *list);
    if (set_begin(set, folder) != 0)
        return -1;
    if (stat(folder, &about) != 0 || !S_ISDIR(about.st_mode))
        return complain("%s: no such folder", folder);
    if (!(r.file = fopen(path, "r")))
        return complain("%s: %s", path, strerror(errno));
    int result = read_all(&r);
    fclose(r.file);
    table_free(&r.pictures);
    table_free(&r.people);
    return result;
}

void pairs_free(pair_list *list)
{
    free(list->pairs);
    memset(list, 0, sizeof *list);
}
