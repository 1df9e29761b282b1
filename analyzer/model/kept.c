/* SPDX-License-Identifier: MIT */
#include "analyzer/model/kept.h"

#include "analyzer/model/descriptors.h"
#include "analyzer/model/flights.h"
#include "analyzer/model/heirs.h"
#include "analyzer/model/last_words.h"
#include "analyzer/model/lock_table.h"

static bool covers(const struct range_set *set, const struct event *event)
{
	for (uint32_t i = 0; i < set->pieces.count; i++) {
		const struct hold *hold = &set->pieces.items[i].hold;

		if (hold->mode == event->lock.mode && hold->start <= event->lock.start &&
		    hold->end >= event->lock.end)
			return true;
	}
	return false;
}

/*
 * The description that was given this lock. There is but one exclusive lock; of shared ones it is
 * that which nobody else is left to keep, if it is one alone. NO_OWNER: not known.
 */
static uint32_t find_owner(const struct model *model, const struct lock_table *table,
			   const struct event *event)
{
	uint32_t found = NO_OWNER;

	for (uint32_t i = 0; i < table->sets.count; i++) {
		const struct range_set *set = &table->sets.items[i];

		if (!owner_is_description(set->owner) || !covers(set, event))
			continue;
		if (event->lock.mode == MODE_EXCLUSIVE)
			return set->owner;
		if (!owner_may_be_gone(model, set->owner))
			continue;
		if (found != NO_OWNER)
			return NO_OWNER;
		found = set->owner;
	}
	return found;
}

static void hold_from_now_on(struct model *model, const struct event *event, uint32_t owner)
{
	struct flight *flight = flight_new(model);

	flight->world = event->lock.world;
	flight->ownership = OWNED_BY_DESCRIPTION;
	flight->mode = event->lock.mode;
	flight->process = event->process;
	flight->tid = event->tid;
	flight->file = event->file;
	flight->stack = NONE;
	flight->fd = event->lock.fd;
	flight->start = event->lock.start;
	flight->end = event->lock.end;
	flight->begin = event->time;
	flight->owner = owner;
	description_pin(model, owner_index(owner));
	table_grant(model, flight, event->time);
	flight_free(model, flight);
}

/* Its taker, and all that had it, went before the heir spoke. */
static bool hold_on(struct model *model, const struct event *event, uint32_t owner)
{
	struct held_list list = { 0 };
	struct held held;

	if (!heirs_find(model, table_get(model, event->file, event->lock.world), event, &held))
		return false;
	held.owner = owner;
	vec_push(&list, held);
	table_restore(model, &list, event->time);
	vec_free(&list);
	return true;
}

void kept_found(struct model *model, const struct event *event)
{
	struct process *process = process_get(model, event->process);
	const struct descriptor *descriptor;
	uint32_t owner, known;

	thread_speaks(model, process, event);
	if (event->file == NONE || event->lock.bad_range)
		return;
	descriptor =
		descriptor_locked(model, process, event->lock.fd, event->file, false, event->time);
	if (!descriptor)
		return;
	owner = owner_description(descriptor->description);
	known = find_owner(model, table_get(model, event->file, event->lock.world), event);
	if (known == NO_OWNER && !hold_on(model, event, owner))
		hold_from_now_on(model, event, owner);
	if (known != NO_OWNER && known != owner)
		description_merge(model, owner_index(owner), owner_index(known), event->time);
}
