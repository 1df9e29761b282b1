/* SPDX-License-Identifier: MIT */
/*
 * Finds the index of an item in a caller's array by its hash. Holds indexes only; the caller
 * compares the items:
 *
 *     uint32_t *at = map_find(&map, hash, same_file, &wanted);
 *     if (*at == MAP_NEW) { *at = files.count; vec_push(&files, wanted); }
 */
#ifndef ANALYZER_BASE_MAP_H
#define ANALYZER_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAP_NEW UINT32_MAX

struct map {
	struct map_entry *entries;
	uint32_t used, room; /* room: a power of two */
};

/*
 * The place of the item with this hash for which equal(context, index) holds, or a new place that
 * holds MAP_NEW: then the caller stores an index there before the next call. The pointer is valid
 * until then.
 */
uint32_t *map_find(struct map *map, uint64_t hash,
		   bool (*equal)(const void *context, uint32_t index), const void *context);
/* The index of that item, or MAP_NEW: adds nothing. */
uint32_t map_peek(const struct map *map, uint64_t hash,
		  bool (*equal)(const void *context, uint32_t index), const void *context);
void map_free(struct map *map);

uint64_t hash_bytes(const void *bytes, size_t length);
uint64_t hash_u64(uint64_t a, uint64_t b);

#endif
