/* SPDX-License-Identifier: MIT */
/* People in the store. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "people.h"

#define TIME_FORMAT "%Y-%m-%dT%H:%M:%SZ"

int people_path(const auth_settings *settings, char *path, size_t capacity)
{
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    int length;
    if (settings->store)
        length = snprintf(path, capacity, "%s", settings->store);
    else if (data && *data == '/') /* the XDG specification: a relative path is to be ignored */
        length = snprintf(path, capacity, "%s/visembed/faces.ves", data);
    else if (home && *home)
        length = snprintf(path, capacity, "%s/.local/share/visembed/faces.ves", home);
    else
        return -1;
    return length > 0 && (size_t)length < capacity ? 0 : -1;
}

/* Makes the folders above a file, as far as they are missing, for the user alone. What cannot be made shows
 * when the store is opened. */
static void make_folders(const char *path)
{
    char folder[4096];
    if (strlen(path) >= sizeof folder)
        return;
    strcpy(folder, path);
    for (char *slash = strchr(folder + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(folder, 0700) != 0 && errno != EEXIST)
            return;
        *slash = '/';
    }
}

ve_status people_open(const char *path, people_mode mode, const ve_model_info *info, const char *compatible,
                      ve_store **store)
{
    ve_store_options options = VE_STORE_OPTIONS_INIT;
    options.flags = mode == PEOPLE_READ     ? VE_STORE_READ_ONLY
                    : mode == PEOPLE_CHANGE ? VE_STORE_EXCLUSIVE
                                            : VE_STORE_EXCLUSIVE | VE_STORE_CREATE;
    if (info) {
        options.dim = info->dim;
        options.metric = VE_METRIC_COSINE;
        options.fingerprint = info->fingerprint;
        options.compatible = compatible;
        options.model_name = info->name;
    }
    if (mode == PEOPLE_CREATE)
        make_folders(path);
    return ve_store_open(path, &options, store);
}

ve_status people_count(ve_store *store, const char *name, size_t *count)
{
    ve_store_record record;
    ve_status status;
    uint64_t id = 0;
    size_t found = 0;
    while ((status = ve_store_next(store, id, &record, NULL)) == VE_OK) {
        found += strcmp(record.label, name) == 0;
        id = record.id;
    }
    if (status != VE_ERR_NOT_FOUND)
        return status;
    *count = found;
    return VE_OK;
}

static ve_status best_single(ve_store *store, const float *template, const char *name, float *score)
{
    ve_store_search_options options = VE_STORE_SEARCH_OPTIONS_INIT;
    ve_match match;
    size_t found = 0;
    options.label = name;
    ve_status status = ve_store_search(store, template, 1, &options, &match, &found);
    if (status == VE_OK)
        *score = found ? match.score : -1.0f;
    return status;
}

/* mean: of name's templates; *count: how many there are. */
static ve_status combine(ve_store *store, const char *name, size_t dim, float *mean, size_t *count)
{
    ve_store_record record;
    ve_status status;
    float vector[VE_MAX_DIM];
    uint64_t id = 0;
    memset(mean, 0, dim * sizeof *mean);
    *count = 0;
    while ((status = ve_store_next(store, id, &record, vector)) == VE_OK) {
        id = record.id;
        if (strcmp(record.label, name) != 0)
            continue;
        *count += 1;
        for (size_t d = 0; d < dim; d++)
            mean[d] += vector[d];
    }
    ve_wipe(vector, sizeof vector);
    return status == VE_ERR_NOT_FOUND ? VE_OK : status;
}

ve_status people_score(ve_store *store, const float *template, const char *name, float *score)
{
    ve_store_info info = VE_STORE_INFO_INIT;
    float mean[VE_MAX_DIM];
    size_t count = 0;
    ve_status status = best_single(store, template, name, score);
    if (status == VE_OK)
        status = ve_store_get_info(store, &info);
    if (status == VE_OK)
        status = combine(store, name, info.dim, mean, &count);
    if (status == VE_OK && count > 1) {
        float whole = ve_similarity(template, mean, info.dim);
        *score = whole > *score ? whole : *score;
    }
    ve_wipe(mean, sizeof mean);
    return status;
}

/* Among one more than a person can have, somebody else must be. */
ve_status people_nearest(ve_store *store, const float *template, const char *besides, char name[256],
                         float *score)
{
    ve_store_search_options options = VE_STORE_SEARCH_OPTIONS_INIT;
    ve_match matches[MAX_TEMPLATES + 1];
    ve_store_record record;
    size_t found = 0;
    options.k = MAX_TEMPLATES + 1;
    ve_status status = ve_store_search(store, template, 1, &options, matches, &found);
    *score = -1.0f;
    for (size_t i = 0; i < found && status == VE_OK; i++) {
        status = ve_store_get(store, matches[i].id, &record, NULL);
        if (status == VE_OK && !(besides && strcmp(record.label, besides) == 0)) {
            strcpy(name, record.label);
            *score = matches[i].score;
            break;
        }
    }
    return status;
}

ve_status people_add(ve_store *store, const char *name, const float *templates, size_t count, size_t dim)
{
    ve_store_entry entries[MAX_TEMPLATES];
    char added[32];
    struct tm calendar;
    time_t now = time(NULL);
    size_t added_size = gmtime_r(&now, &calendar) ? strftime(added, sizeof added, TIME_FORMAT, &calendar) : 0;
    memset(entries, 0, sizeof entries);
    for (size_t i = 0; i < count && i < MAX_TEMPLATES; i++) {
        entries[i].vector = templates + i * dim;
        entries[i].dim = dim;
        entries[i].label = name;
        entries[i].metadata = added;
        entries[i].metadata_size = added_size;
    }
    return ve_store_add_many(store, entries, count, NULL);
}

/* Ids rise with time: the first record of that name is the oldest. */
ve_status people_added(ve_store *store, const char *name, char added[32])
{
    ve_store_record record;
    uint64_t id = 0;
    size_t size = 0;
    added[0] = '\0';
    do {
        ve_status status = ve_store_next(store, id, &record, NULL);
        if (status != VE_OK)
            return status;
        id = record.id;
    } while (strcmp(record.label, name) != 0);
    if (record.metadata_size > 31)
        return VE_OK;
    ve_status status = ve_store_get_metadata(store, id, added, 31, &size);
    added[status == VE_OK ? size : 0] = '\0';
    return status;
}
