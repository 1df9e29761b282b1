/* SPDX-License-Identifier: MIT */
#include "analyzer/stats/resources.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/stats/doings.h"

static bool same_file(const void *context, uint32_t index)
{
	const struct resource_file *wanted = ((const void *const *)context)[0];
	const struct resources *resources = ((const void *const *)context)[1];
	const struct resource_file *file = &resources->files.items[index];

	return file->file == wanted->file && file->world == wanted->world;
}

static struct resource_file *find_file(struct resources *resources, uint32_t file, enum world world)
{
	struct resource_file wanted = {
		.file = file,
		.world = world,
		.first = NONE,
		.others = NONE,
	};
	const void *context[] = { &wanted, resources };
	uint32_t *at = map_find(&resources->file_map, hash_u64(file, world), same_file, context);

	if (*at == MAP_NEW) {
		*at = resources->files.count;
		vec_push(&resources->files, wanted);
	}
	return &resources->files.items[*at];
}

static bool same_range(const void *context, uint32_t index)
{
	const struct resource_range *wanted = ((const void *const *)context)[0];
	const struct resources *resources = ((const void *const *)context)[1];
	const struct resource_range *range = &resources->ranges.items[index];

	return range->start == wanted->start && range->end == wanted->end &&
	       range->file == wanted->file && range->world == wanted->world;
}

static uint32_t new_entry(struct resources *resources, struct resource_file *file, uint64_t start,
			  uint64_t end)
{
	struct resource_entry entry = {
		.counts = { .file = file->file, .world = file->world, .start = start, .end = end },
		.next = file->first,
	};

	file->first = resources->entries.count;
	vec_push(&resources->entries, entry);
	return file->first;
}

/*
 * Programs that lock random ranges have no end of distinct ones; memory must not grow with them. So
 * the first RESOURCES_PER_FILE ranges of a file keep their own line, all later ones share one that
 * says so (`folded`). Which ranges came first depends on the trace alone.
 */
static uint32_t find_others(struct resources *resources, struct resource_file *file, uint64_t start,
			    uint64_t end)
{
	struct resource *others;

	if (file->others == NONE) {
		file->others = new_entry(resources, file, start, end);
		resources->entries.items[file->others].counts.folded = true;
	}
	others = &resources->entries.items[file->others].counts;
	if (start < others->start)
		others->start = start;
	if (end > others->end)
		others->end = end;
	return file->others;
}

static uint32_t narrowest_around(const struct resources *resources,
				 const struct resource_file *file, uint64_t start, uint64_t end)
{
	uint32_t best = NONE;
	uint64_t best_size = 0;

	for (uint32_t at = file->first; at != NONE; at = resources->entries.items[at].next) {
		const struct resource *counts = &resources->entries.items[at].counts;

		if (counts->folded || counts->start > start || counts->end < end)
			continue;
		if (best == NONE || counts->end - counts->start <= best_size) {
			best = at;
			best_size = counts->end - counts->start;
		}
	}
	return best;
}

/* A range that was only held so far, as part of another one, is asked for by itself now. */
static uint32_t own_entry(struct resources *resources, struct resource_file *file,
			  struct resource_range *range)
{
	const struct resource *counts = &resources->entries.items[range->entry].counts;

	if (counts->start != range->start || counts->end != range->end)
		range->entry = new_entry(resources, file, range->start, range->end);
	return range->entry;
}

static uint32_t find(struct resources *resources, uint32_t file_index, enum world world,
		     uint64_t start, uint64_t end, bool held)
{
	struct resource_file *file = find_file(resources, file_index, world);
	struct resource_range wanted = {
		.file = file_index,
		.world = world,
		.start = start,
		.end = end,
	};
	const void *context[] = { &wanted, resources };
	uint64_t hash = hash_u64(hash_u64(start, end), hash_u64(file_index, world));
	uint32_t *at;

	/* Nothing may enter the map any more once a file has its share: look without adding. */
	if (file->ranges >= RESOURCES_PER_FILE) {
		uint32_t known = map_peek(&resources->range_map, hash, same_range, context);

		if (known == MAP_NEW)
			return find_others(resources, file, start, end);
		return held ? resources->ranges.items[known].entry
			    : own_entry(resources, file, &resources->ranges.items[known]);
	}
	at = map_find(&resources->range_map, hash, same_range, context);
	if (*at != MAP_NEW)
		return held ? resources->ranges.items[*at].entry
			    : own_entry(resources, file, &resources->ranges.items[*at]);
	*at = resources->ranges.count;
	file->ranges++;
	wanted.entry = held ? narrowest_around(resources, file, start, end) : NONE;
	if (wanted.entry == NONE)
		wanted.entry = new_entry(resources, file, start, end);
	vec_push(&resources->ranges, wanted);
	return wanted.entry;
}

uint32_t resources_find(struct resources *resources, uint32_t file, enum world world,
			uint64_t start, uint64_t end)
{
	return find(resources, file, world, start, end, false);
}

uint32_t resources_find_held(struct resources *resources, uint32_t file, enum world world,
			     uint64_t start, uint64_t end)
{
	return find(resources, file, world, start, end, true);
}

struct ordering {
	const struct resource *resource;
	const char *path;
	uint32_t entry;
};

static int by_wait(const void *left, const void *right)
{
	const struct ordering *a = left, *b = right;
	const struct resource *x = a->resource, *y = b->resource;
	int paths = strcmp(a->path, b->path);

	if (x->wait.total != y->wait.total)
		return x->wait.total > y->wait.total ? -1 : 1;
	if (paths)
		return paths;
	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	if (x->end != y->end)
		return x->end < y->end ? -1 : 1;
	if (x->world != y->world)
		return x->world < y->world ? -1 : 1;
	return (a->entry > b->entry) - (a->entry < b->entry);
}

struct resource *resources_finish(struct resources *resources, const struct catalog *catalog,
				  uint32_t **new_index)
{
	uint32_t count = resources->entries.count;
	struct ordering *order = xcalloc(count, sizeof(*order));
	struct resource *sorted = xcalloc(count, sizeof(*sorted));

	for (uint32_t i = 0; i < count; i++) {
		struct resource_entry *entry = &resources->entries.items[i];
		uint32_t file = entry->counts.file;

		entry->counts.wait = histogram_distribution(&entry->wait);
		entry->counts.busy = usage_busy(&entry->usage);
		entry->counts.hold = histogram_distribution(&entry->hold);
		doing_sort(entry->doing);
		entry->counts.doing = entry->doing;
		order[i] = (struct ordering){
			.resource = &entry->counts,
			.path = file < catalog->file_count ? catalog->files[file].path : "",
			.entry = i,
		};
	}
	qsort(order, count, sizeof(*order), by_wait);
	*new_index = xcalloc(count, sizeof(**new_index));
	for (uint32_t i = 0; i < count; i++) {
		sorted[i] = *order[i].resource;
		(*new_index)[order[i].entry] = i;
	}
	free(order);
	return sorted;
}

void resources_free(struct resources *resources)
{
	for (uint32_t i = 0; i < resources->entries.count; i++) {
		histogram_free(&resources->entries.items[i].wait);
		histogram_free(&resources->entries.items[i].hold);
		usage_free(&resources->entries.items[i].usage);
		free(resources->entries.items[i].doing);
	}
	vec_free(&resources->entries);
	vec_free(&resources->ranges);
	vec_free(&resources->files);
	map_free(&resources->range_map);
	map_free(&resources->file_map);
}
