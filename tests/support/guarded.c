/* SPDX-License-Identifier: MIT */
/* Blocks between two pages without any access rights. */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include "support/guarded.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef struct guarded_map {
    struct guarded_map *next;
    void *base;
    size_t size;
} guarded_map;

static guarded_map *maps;

static void fail(const char *what)
{
    perror(what);
    exit(99);
}

void *guarded_new(size_t size, size_t alignment, guarded_side side)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), used;
    guarded_map *map = malloc(sizeof *map);
    if (!map)
        fail("guarded_new");
    size = (size + alignment - 1) / alignment * alignment;
    used = (size + page - 1) / page * page;
    map->size = used + 2 * page;
    map->base = mmap(NULL, map->size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map->base == MAP_FAILED ||
        (used && mprotect((char *)map->base + page, used, PROT_READ | PROT_WRITE) != 0))
        fail("guarded_new");
    map->next = maps;
    maps = map;
    memset((char *)map->base + page, 0xa5, used);
    return (char *)map->base + page + (side == GUARDED_ABOVE ? used - size : 0);
}

void guarded_release_all(void)
{
    while (maps) {
        guarded_map *map = maps;
        maps = map->next;
        munmap(map->base, map->size);
        free(map);
    }
}
