/* SPDX-License-Identifier: MIT */
#include "analyzer/base/map.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/base/memory.h"

struct map_entry {
	uint64_t hash;
	uint32_t index;
	bool used;
};

static void grow(struct map *map)
{
	struct map old = *map;

	map->room = old.room ? 2 * old.room : 64;
	map->entries = xcalloc(map->room, sizeof(*map->entries));
	for (uint32_t i = 0; i < old.room; i++) {
		uint32_t at;

		if (!old.entries[i].used)
			continue;
		at = old.entries[i].hash & (map->room - 1);
		while (map->entries[at].used)
			at = (at + 1) & (map->room - 1);
		map->entries[at] = old.entries[i];
	}
	free(old.entries);
}

uint32_t *map_find(struct map *map, uint64_t hash,
		   bool (*equal)(const void *context, uint32_t index), const void *context)
{
	uint32_t at;

	if (4 * (uint64_t)map->used >= 3 * (uint64_t)map->room)
		grow(map);
	at = hash & (map->room - 1);
	while (map->entries[at].used) {
		if (map->entries[at].hash == hash && equal(context, map->entries[at].index))
			return &map->entries[at].index;
		at = (at + 1) & (map->room - 1);
	}
	map->entries[at] = (struct map_entry){ .hash = hash, .index = MAP_NEW, .used = true };
	map->used++;
	return &map->entries[at].index;
}

uint32_t map_peek(const struct map *map, uint64_t hash,
		  bool (*equal)(const void *context, uint32_t index), const void *context)
{
	if (!map->room)
		return MAP_NEW;
	for (uint32_t at = hash & (map->room - 1); map->entries[at].used;
	     at = (at + 1) & (map->room - 1))
		if (map->entries[at].hash == hash && equal(context, map->entries[at].index))
			return map->entries[at].index;
	return MAP_NEW;
}

void map_free(struct map *map)
{
	free(map->entries);
	memset(map, 0, sizeof(*map));
}

uint64_t hash_u64(uint64_t a, uint64_t b)
{
	uint64_t h = (a ^ b >> 32 ^ b << 32) * UINT64_C(0x9e3779b97f4a7c15);

	h = (h ^ h >> 32 ^ b) * UINT64_C(0xbf58476d1ce4e5b9);
	return h ^ h >> 29;
}

uint64_t hash_bytes(const void *bytes, size_t length)
{
	const unsigned char *at = bytes;
	uint64_t h = length;

	for (; length >= 8; at += 8, length -= 8) {
		uint64_t word;

		memcpy(&word, at, 8);
		h = hash_u64(h, word);
	}
	if (length) {
		uint64_t word = 0;

		memcpy(&word, at, length);
		h = hash_u64(h, word);
	}
	return h;
}
