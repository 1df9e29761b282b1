/* SPDX-License-Identifier: MIT */
#include "analyzer/names/names.h"

#include <inttypes.h>
#include <stdio.h>

#include "analyzer/base/path_pattern.h"
#include "analyzer/names/table.h"

static const struct named_range table[] = {
#define X(kind, paths, start, end, step, name) \
	{ kind, RECORD_LOCKS, paths, start, end, step, name },
#include "analyzer/names/names.def"
#undef X
};

#define ROWS	     (sizeof(table) / sizeof(*table))
#define SQLITE_START UINT64_C(0x40000002) /* its SHARED range: nobody else's */
#define SQLITE_END   UINT64_C(0x40000200)
#define SHM_DMS	     128 /* every connection begins with it */

struct range_names *range_names_new(const struct catalog *catalog)
{
	struct range_names *names = xcalloc(1, sizeof(*names));

	names->catalog = catalog;
	return names;
}

void range_names_free(struct range_names *names)
{
	if (!names)
		return;
	for (uint32_t i = 0; i < names->texts.count; i++)
		free(names->texts.items[i]);
	vec_free(&names->texts);
	vec_free(&names->own);
	vec_free(&names->files);
	free(names);
}

static struct named_file *file_of(struct range_names *names, uint32_t file)
{
	while (names->files.count <= file)
		vec_push(&names->files, (struct named_file){ 0 });
	return &names->files.items[file];
}

void range_names_saw(struct range_names *names, uint32_t file, enum world world, uint64_t start,
		     uint64_t end)
{
	if (file >= names->catalog->file_count || world != RECORD_LOCKS)
		return;
	if (start == SQLITE_START && end == SQLITE_END)
		file_of(names, file)->saw_sqlite = true;
	if (start == SHM_DMS && end == SHM_DMS + 1)
		file_of(names, file)->saw_shm = true;
}

/* Where the content can be read it decides: it may be another program's that locks there too. */
static bool is_kind(struct range_names *names, uint32_t index, enum file_kind kind)
{
	struct named_file *file = file_of(names, index);

	if (kind == ANY_FILE)
		return true;
	if (!file->asked)
		file->contents = contents_of(&names->catalog->files[index]);
	file->asked = true;
	if (file->contents.known && !file->contents.empty)
		return file->contents.kinds[kind];
	return (kind == SQLITE_DATABASE && file->saw_sqlite) ||
	       (kind == SQLITE_SHM && file->saw_shm);
}

/* One of a row of ranges of one byte each, as many as the file's header says. */
static bool in_row(struct range_names *names, uint32_t file, const struct named_range *row,
		   uint64_t start, uint64_t end)
{
	return row->step && start >= row->start && end == start + 1 &&
	       (start - row->start) % row->step == 0 && is_kind(names, file, row->kind) &&
	       (start - row->start) / row->step < file_of(names, file)->contents.chains;
}

static bool fits(struct range_names *names, uint32_t file, const struct named_range *row)
{
	return path_matches(row->paths, names->catalog->files[file].path) &&
	       is_kind(names, file, row->kind);
}

/* Several that touch: locked with one call, or one after the other. */
static const char *name_of_several(struct range_names *names, uint32_t file, uint64_t start,
				   uint64_t end, char room[NAMES_ROOM])
{
	const struct named_range *first = NULL, *last = NULL;

	for (const struct named_range *row = table; row < table + ROWS; row++) {
		if (row->step || row->kind == ANY_FILE)
			continue;
		if (last ? row->kind != last->kind || row->start != last->end : row->start != start)
			continue;
		if (row->end > end || !fits(names, file, row))
			continue;
		first = first ? first : row;
		last = row;
	}
	if (!last || last->end != end || first == last)
		return NULL;
	snprintf(room, NAMES_ROOM, "%s to %s", first->name, last->name);
	return room;
}

static const char *name_in_table(struct range_names *names, uint32_t file, uint64_t start,
				 uint64_t end, char room[NAMES_ROOM])
{
	for (const struct named_range *row = table; row < table + ROWS; row++) {
		if (in_row(names, file, row, start, end)) {
			snprintf(room, NAMES_ROOM, "%s %" PRIu64, row->name,
				 (start - row->start) / row->step);
			return room;
		}
		if (!row->step && row->start == start && row->end == end && fits(names, file, row))
			return row->name;
	}
	return name_of_several(names, file, start, end, room);
}

const char *range_names_of(struct range_names *names, uint32_t file, enum world world,
			   uint64_t start, uint64_t end, char room[NAMES_ROOM])
{
	if (!names || file >= names->catalog->file_count)
		return NULL;
	if (end > RANGE_TO_EOF)
		end = RANGE_TO_EOF;
	for (uint32_t i = 0; i < names->own.count; i++) {
		const struct named_range *row = &names->own.items[i];

		if (row->world == world &&
		    (world == FLOCK_LOCKS || (row->start == start && row->end == end)) &&
		    path_matches(row->paths, names->catalog->files[file].path))
			return row->name;
	}
	return world == RECORD_LOCKS ? name_in_table(names, file, start, end, room) : NULL;
}

bool range_names_sqlite(struct range_names *names, uint32_t file)
{
	return names && file < names->catalog->file_count && is_kind(names, file, SQLITE_DATABASE);
}
