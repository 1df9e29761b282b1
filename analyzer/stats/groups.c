/* SPDX-License-Identifier: MIT */
#include "analyzer/stats/groups.h"

#include <string.h>

static uint32_t new_entry(struct groups *groups, uint32_t process, uint32_t stack)
{
	struct group_entry entry = {
		.group = {
			.process = process,
			.stack = stack,
			.counts = { .file = NONE },
			.members = 1,
		},
	};

	vec_push(&groups->entries, entry);
	return groups->entries.count - 1;
}

struct group_entry *groups_find(struct groups *groups, enum view_by by, uint32_t process,
				uint32_t stack)
{
	uint32_t key = by == BY_SITE ? stack : process;

	if (by == BY_SITE)
		process = NONE;
	else
		stack = NONE;
	if (key == NONE) {
		if (!groups->unknown)
			groups->unknown = new_entry(groups, process, stack) + 1;
		return &groups->entries.items[groups->unknown - 1];
	}
	while (groups->of.count <= key)
		vec_push(&groups->of, NONE);
	if (groups->of.items[key] == NONE)
		groups->of.items[key] = new_entry(groups, process, stack);
	return &groups->entries.items[groups->of.items[key]];
}

void group_merge(struct group_entry *into, const struct group_entry *from)
{
	struct resource *to = &into->group.counts;
	const struct resource *counts = &from->group.counts;

	to->ops |= counts->ops;
	to->acquisitions += counts->acquisitions;
	to->contended += counts->contended;
	to->waits_at_most += counts->waits_at_most;
	to->failed_tries += counts->failed_tries;
	to->errors += counts->errors;
	into->group.members += from->group.members;
	histogram_merge(&into->wait, &from->wait);
	histogram_merge(&into->hold, &from->hold);
}

static const char *command_of(const struct catalog *catalog, const struct group_entry *entry)
{
	uint32_t process = entry->group.process;

	return process < catalog->process_count ? catalog->processes[process].command : "";
}

static void merge_commands(struct groups *groups, const struct catalog *catalog)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < groups->entries.count; i++) {
		struct group_entry *entry = &groups->entries.items[i];
		uint32_t same = 0;

		while (same < kept && strcmp(command_of(catalog, &groups->entries.items[same]),
					     command_of(catalog, entry)) != 0)
			same++;
		if (same == kept) {
			groups->entries.items[kept++] = *entry;
			continue;
		}
		group_merge(&groups->entries.items[same], entry);
		histogram_free(&entry->wait);
		histogram_free(&entry->hold);
	}
	groups->entries.count = kept;
}

void groups_finish(struct groups *groups, enum view_by by, const struct catalog *catalog)
{
	if (by == BY_COMMAND)
		merge_commands(groups, catalog);
	for (uint32_t i = 0; i < groups->entries.count; i++) {
		struct group_entry *entry = &groups->entries.items[i];

		entry->group.counts.wait = histogram_distribution(&entry->wait);
		entry->group.counts.hold = histogram_distribution(&entry->hold);
	}
}

struct report_group *groups_list(const struct groups *groups)
{
	struct report_group *list = xcalloc((size_t)groups->entries.count + 1, sizeof(*list));

	for (uint32_t i = 0; i < groups->entries.count; i++)
		list[i] = groups->entries.items[i].group;
	return list;
}

void groups_free(struct groups *groups)
{
	for (uint32_t i = 0; i < groups->entries.count; i++) {
		histogram_free(&groups->entries.items[i].wait);
		histogram_free(&groups->entries.items[i].hold);
	}
	vec_free(&groups->entries);
	vec_free(&groups->of);
}
