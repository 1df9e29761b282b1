/* SPDX-License-Identifier: MIT */
#include "analyzer/read/references.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/base/memory.h"
#include "trace/ring.h"

struct reference_entry {
	uint64_t position; /* 0: free */
	uint32_t index;
	uint32_t kind;
};

static uint32_t start_at(const struct references *references, uint64_t position)
{
	uint32_t hash = (uint32_t)position * UINT32_C(0x9e3779b1);

	return (hash ^ hash >> 15) & (references->room - 1);
}

/* The entry with this 32-bit reference, or the free one where it belongs. */
static struct reference_entry *place(const struct references *references, uint64_t position)
{
	uint32_t at = start_at(references, position);

	while (references->entries[at].position &&
	       (uint32_t)references->entries[at].position != (uint32_t)position)
		at = (at + 1) & (references->room - 1);
	return &references->entries[at];
}

/* Makes room, by forgetting if that is enough. */
static void make_room(struct references *references, uint64_t now)
{
	struct references old = *references;
	uint32_t young = 0;

	for (uint32_t i = 0; i < old.room; i++)
		young += old.entries[i].position && old.entries[i].position + old.reach >= now;
	references->room = old.room ? old.room : 256;
	while (2 * (uint64_t)young >= references->room)
		references->room *= 2;
	references->entries = xcalloc(references->room, sizeof(*references->entries));
	references->used = young;
	for (uint32_t i = 0; i < old.room; i++) {
		const struct reference_entry *entry = &old.entries[i];

		if (entry->position && entry->position + old.reach >= now)
			*place(references, entry->position) = *entry;
	}
	free(old.entries);
}

void references_add(struct references *references, uint64_t position, enum record_kind kind,
		    uint32_t index)
{
	struct reference_entry *entry;

	if (4 * (uint64_t)references->used >= 3 * (uint64_t)references->room)
		make_room(references, position);
	entry = place(references, position);
	references->used += !entry->position;
	*entry = (struct reference_entry){ position, index, kind };
}

uint32_t references_find(const struct references *references, reference ref, uint64_t user,
			 enum record_kind kind)
{
	const struct reference_entry *entry;
	uint64_t position;

	if (!ref || !references->room)
		return UINT32_MAX;
	position = reference_position(ref, user);
	entry = place(references, position);
	return entry->position == position && entry->kind == kind ? entry->index : UINT32_MAX;
}

void references_free(struct references *references)
{
	free(references->entries);
	references->entries = NULL;
	references->used = references->room = 0;
}
