/* SPDX-License-Identifier: MIT */
/* The table of resources while events come in: counts and times per file, world and range. */
#ifndef ANALYZER_STATS_RESOURCES_H
#define ANALYZER_STATS_RESOURCES_H

#include "analyzer/base/map.h"
#include "analyzer/base/vec.h"
#include "analyzer/stats/histogram.h"
#include "analyzer/stats/report.h"
#include "analyzer/stats/usage.h"

struct resource_entry {
	struct resource counts;
	struct histogram wait, hold;
	struct usage usage;
	struct doing_looks *doing; /* NULL: none */
	uint32_t next;		   /* the next one of the same file and world, or NONE */
};

/* A range that was seen, and the resource that it counts for. */
struct resource_range {
	uint32_t file;
	enum world world;
	uint64_t start, end;
	uint32_t entry;
};

/* All ranges of one file in one world. */
struct resource_file {
	uint32_t file;
	enum world world;
	uint32_t ranges; /* distinct ones so far */
	uint32_t first;	 /* entry, or NONE */
	uint32_t others; /* the entry of all ranges beyond RESOURCES_PER_FILE, or NONE */
};

struct resources {
	VEC(struct resource_entry) entries;
	VEC(struct resource_range) ranges;
	VEC(struct resource_file) files;
	struct map range_map, file_map;
};

/* The entry (index) of a range that was asked for; made when new. */
uint32_t resources_find(struct resources *resources, uint32_t file, enum world world,
			uint64_t start, uint64_t end);
/*
 * The entry of a range that is held. Split locks leave ranges that nobody asked for: they count for
 * the narrowest range around them that somebody did ask for.
 */
uint32_t resources_find_held(struct resources *resources, uint32_t file, enum world world,
			     uint64_t start, uint64_t end);
/*
 * The finished resources in their order (resource_count of them, for the caller to free);
 * new_index[entry] says where each entry went, for the caller to free.
 */
struct resource *resources_finish(struct resources *resources, const struct catalog *catalog,
				  uint32_t **new_index);
void resources_free(struct resources *resources);

#endif
