/* SPDX-License-Identifier: MIT */
#include "analyzer/read/known.h"

#include <stdlib.h>

#include "analyzer/base/map.h"
#include "analyzer/base/memory.h"
#include "analyzer/read/raw.h"

static uint64_t hash_call(uint32_t process, uint32_t tid, uint64_t time)
{
	return hash_u64((uint64_t)process << 32 | tid, time);
}

/* Asked once per result of a long ring, about a short list that does not change. */
struct table {
	uint32_t *index; /* into the list + 1, 0: free */
	uint64_t mask;
};

static struct table make_table(const struct known_call *calls, uint32_t count)
{
	struct table table = { .mask = 63 };

	while (table.mask < 2 * (uint64_t)count)
		table.mask = 2 * table.mask + 1;
	table.index = xcalloc(table.mask + 1, sizeof(*table.index));
	for (uint32_t i = 0; i < count; i++) {
		const struct known_call *call = &calls[i];
		uint64_t at = hash_call(call->process, call->tid, call->time) & table.mask;

		while (table.index[at])
			at = (at + 1) & table.mask;
		table.index[at] = i + 1;
	}
	return table;
}

static void mark(struct known_call *calls, const struct table *table,
		 const struct record_lock *record)
{
	uint64_t at = hash_call(record->process, record->tid, record->time) & table->mask;

	for (; table->index[at]; at = (at + 1) & table->mask) {
		struct known_call *call = &calls[table->index[at] - 1];

		if (call->process == record->process && call->tid == record->tid &&
		    call->time == record->time)
			call->in_ring = true;
	}
}

void known_in_ring(struct known_call *calls, uint32_t count, const struct trace_file *file)
{
	struct raw_record record;
	struct table table;
	struct raw raw;

	if (!count)
		return;
	table = make_table(calls, count);
	raw_open_ring(&raw, file);
	while (raw_next(&raw, &record)) {
		if (!record.gap && record.kind == RECORD_RESULT)
			mark(calls, &table, &record.lock);
	}
	raw_close(&raw);
	free(table.index);
}
