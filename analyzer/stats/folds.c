/* SPDX-License-Identifier: MIT */
#include "analyzer/stats/folds.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/base/path_pattern.h"

/* One resource on its way into a group. */
struct candidate {
	uint32_t entry, file;
	char *path; /* folded */
	bool named;
	const struct resource *counts;
};

static int order_of_paths(const struct candidate *a, const struct candidate *b)
{
	int order = strcmp(a->path, b->path);

	/* Files of unknown path are no files of one pattern. */
	if (!order && !*a->path)
		order = (a->file > b->file) - (a->file < b->file);
	return order ? order : (int)a->counts->world - (int)b->counts->world;
}

static bool without_pattern(const struct candidate *one)
{
	return !one->named && one->counts->world == RECORD_LOCKS &&
	       !(one->counts->start == 0 && one->counts->end >= RANGE_TO_EOF);
}

/* By pattern and world; those that may fold by range come last, all together. */
static int by_pattern(const void *left, const void *right)
{
	const struct candidate *a = left, *b = right;
	const struct resource *x = a->counts, *y = b->counts;
	int order = order_of_paths(a, b);

	if (!order)
		order = (int)without_pattern(a) - (int)without_pattern(b);
	if (!order)
		order = (x->start > y->start) - (x->start < y->start);
	if (!order)
		order = (x->end > y->end) - (x->end < y->end);
	return order ? order : (a->entry > b->entry) - (a->entry < b->entry);
}

static bool same_range(const struct candidate *a, const struct candidate *b)
{
	return !order_of_paths(a, b) && a->counts->start == b->counts->start &&
	       a->counts->end == b->counts->end && !a->counts->folded && !b->counts->folded;
}

struct folding {
	struct groups *folds;
	const struct resources *resources;
	struct resource *finished;
	const uint32_t *new_index;
};

static int by_file(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return (a > b) - (a < b);
}

static uint32_t distinct_files(const struct candidate *items, uint32_t count)
{
	uint32_t *files = xcalloc(count, sizeof(*files)), distinct = 0;

	for (uint32_t i = 0; i < count; i++)
		files[i] = items[i].file;
	qsort(files, count, sizeof(*files), by_file);
	for (uint32_t i = 0; i < count; i++)
		distinct += !i || files[i] != files[i - 1];
	free(files);
	return distinct;
}

static uint32_t distinct_ranges(const struct candidate *items, uint32_t count)
{
	uint32_t distinct = 0;

	for (uint32_t i = 0; i < count; i++)
		distinct += !i || !same_range(&items[i - 1], &items[i]) || items[i].counts->folded;
	return distinct;
}

static void add_member(struct folding *folding, struct group_entry *group,
		       const struct candidate *one)
{
	const struct resource_entry *entry = &folding->resources->entries.items[one->entry];
	struct group_entry member = {
		.group = { .counts = entry->counts, .members = 1 },
		.wait = entry->wait,
		.hold = entry->hold,
	};
	struct resource *counts = &group->group.counts;

	if (entry->counts.start < counts->start)
		counts->start = entry->counts.start;
	if (entry->counts.end > counts->end)
		counts->end = entry->counts.end;
	counts->folded |= entry->counts.folded;
	group_merge(group, &member);
	folding->finished[folding->new_index[one->entry]].fold = folding->folds->entries.count;
}

static void fold(struct folding *folding, const struct candidate *items, uint32_t count)
{
	struct group_entry group = {
		.group = {
			.process = NONE,
			.stack = NONE,
			.files = distinct_files(items, count),
			.ranges = distinct_ranges(items, count),
			.counts = {
				.file = items->file,
				.world = items->counts->world,
				.start = items->counts->start,
				.end = items->counts->end,
			},
		},
	};

	vec_push(&folding->folds->entries, group);
	for (uint32_t i = 0; i < count; i++)
		add_member(folding,
			   &folding->folds->entries.items[folding->folds->entries.count - 1],
			   &items[i]);
}

/* Those of one pattern whose ranges have a meaning, or are few: range by range. */
static void fold_files(struct folding *folding, const struct candidate *items, uint32_t count)
{
	for (uint32_t begin = 0, end; begin < count; begin = end) {
		for (end = begin + 1; end < count && same_range(&items[begin], &items[end]);)
			end++;
		if (end - begin >= FOLD_FILES)
			fold(folding, items + begin, end - begin);
	}
}

static int by_file_and_range(const void *left, const void *right)
{
	const struct candidate *a = left, *b = right;
	int order = (a->file > b->file) - (a->file < b->file);

	return order ? order : by_pattern(left, right);
}

/* Too few files to be one line, but each with ranges without end. */
static void fold_ranges(struct folding *folding, struct candidate *items, uint32_t count)
{
	qsort(items, count, sizeof(*items), by_file_and_range);
	for (uint32_t begin = 0, end; begin < count; begin = end) {
		for (end = begin + 1; end < count && items[end].file == items[begin].file;)
			end++;
		if (distinct_ranges(items + begin, end - begin) >= FOLD_RANGES)
			fold(folding, items + begin, end - begin);
	}
}

static void fold_pattern(struct folding *folding, struct candidate *items, uint32_t count)
{
	uint32_t plain = 0;

	while (plain < count && !without_pattern(&items[plain]))
		plain++;
	fold_files(folding, items, plain);
	items += plain;
	count -= plain;
	if (!count)
		return;
	if (distinct_ranges(items, count) < FOLD_RANGES) {
		fold_files(folding, items, count);
	} else if (distinct_files(items, count) >= FOLD_FILES) {
		fold(folding, items, count);
	} else {
		fold_ranges(folding, items, count);
	}
}

void folds_make(struct groups *folds, const struct resources *resources,
		const struct catalog *catalog, struct resource *finished, const uint32_t *new_index,
		bool (*named)(void *context, const struct resource *resource), void *context)
{
	struct folding folding = { folds, resources, finished, new_index };
	uint32_t count = resources->entries.count;
	struct candidate *items = xcalloc((size_t)count + 1, sizeof(*items));

	for (uint32_t i = 0; i < count; i++) {
		const struct resource *counts = &resources->entries.items[i].counts;

		items[i] = (struct candidate){
			.entry = i,
			.file = counts->file,
			.path = fold_path(counts->file < catalog->file_count
						  ? catalog->files[counts->file].path
						  : ""),
			.counts = counts,
			.named = named && named(context, counts),
		};
	}
	qsort(items, count, sizeof(*items), by_pattern);
	for (uint32_t begin = 0, end; begin < count; begin = end) {
		for (end = begin + 1; end < count && !order_of_paths(&items[begin], &items[end]);)
			end++;
		fold_pattern(&folding, items + begin, end - begin);
	}
	for (uint32_t i = 0; i < count; i++)
		free(items[i].path);
	free(items);
	groups_finish(folds, BY_RESOURCE, catalog);
}
