/* SPDX-License-Identifier: MIT */
#include "analyzer/model/kept.h"

#include "analyzer/model/descriptors.h"
#include "analyzer/model/flights.h"
#include "analyzer/model/heirs.h"
#include "analyzer/model/last_words.h"
#include "analyzer/model/lock_table.h"

/* All of the range is held in that mode; neighbours are one lock to the kernel. */
static bool covers(const struct range_set *set, const struct event *event)
{
	uint64_t at = event->lock.start;

	for (uint32_t i = set ? set_first(set, at) : 0; set && i < set->pieces.count; i++) {
		const struct hold *hold = &set->pieces.items[i].hold;

		if (hold->start > at || hold->mode != event->lock.mode)
			return false;
		at = hold->end;
		if (at >= event->lock.end)
			return true;
	}
	return false;
}

/* By the pid of who took it: 0 is any. */
static bool may_be_taken_by(const struct range_set *set, const struct event *event)
{
	int32_t taker = set->pieces.items[set_first(set, event->lock.start)].taker;

	return !taker || !event->lock.taker || taker == event->lock.taker;
}

/* Whose lock it may be, of those that the model knows. */
struct owners {
	uint32_t any, gone;	      /* how many; and nobody else may be left to have it */
	uint32_t last_any, last_gone; /* one of them */
};

static struct owners list_owners(const struct model *model, const struct lock_table *table,
				 const struct event *event)
{
	struct owners owners = { 0 };

	for (uint32_t i = 0; i < table->sets.count; i++) {
		const struct range_set *set = &table->sets.items[i];

		if (!owner_is_description(set->owner) || !covers(set, event) ||
		    !may_be_taken_by(set, event))
			continue;
		owners.any++;
		owners.last_any = set->owner;
		if (!owner_may_be_gone(model, set->owner))
			continue;
		owners.gone++;
		owners.last_gone = set->owner;
	}
	return owners;
}

/*
 * There is but one exclusive lock. Of shared ones it is that of the taker whom the kernel names;
 * or else that which nobody else is left to keep, if it is one alone. NO_OWNER: it can't be told.
 */
static uint32_t owner_among(const struct owners *owners, const struct event *event)
{
	if (owners->any == 1 && (event->lock.mode == MODE_EXCLUSIVE || event->lock.taker))
		return owners->last_any;
	return owners->gone == 1 ? owners->last_gone : NO_OWNER;
}

/* Since it was found, before it was told, a request of its description may have changed it: that
 * tells what it is now. */
static bool is_outdated(const struct model *model, const struct lock_table *table,
			const struct event *event, uint32_t description)
{
	if (model->descriptions.items[description].weakenings.latest >= event->time)
		return true;
	for (const struct flight *flight = table->pending; flight; flight = flight->next)
		if (flight->owner == owner_description(description))
			return true;
	return false;
}

/* Its taker is who the kernel says, not who tells; somebody else may have been given it since. */
static void hold_from_now_on(struct model *model, struct lock_table *table,
			     const struct event *event, uint32_t owner)
{
	struct flight *flight = flight_new(model);
	struct range_set *set;

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
	flight->doubtful = true;
	description_pin(model, owner_index(owner));
	table_grant(model, flight, event->time);
	flight_free(model, flight);
	set = table_set(table, owner);
	for (uint32_t i = 0; set && i < set->pieces.count; i++)
		if (set->pieces.items[i].hold.id == model->last_hold)
			set->pieces.items[i].taker = event->lock.taker;
}

/* Its taker, and all that had it, went before the heir spoke. */
static bool hold_on(struct model *model, struct lock_table *table, const struct event *event,
		    uint32_t owner)
{
	struct held_list list = { 0 };

	if (!heirs_find(model, table, event, &list))
		return false;
	for (uint32_t i = 0; i < list.count; i++)
		list.items[i].owner = owner;
	table_restore(model, &list, event->time);
	vec_free(&list);
	return true;
}

void kept_found(struct model *model, const struct event *event)
{
	struct process *process = process_get(model, event->process);
	const struct descriptor *descriptor;
	struct lock_table *table;
	struct owners owners;
	uint32_t owner, known;

	thread_speaks(model, process, event);
	if (event->file == NONE || event->lock.bad_range)
		return;
	descriptor =
		descriptor_locked(model, process, event->lock.fd, event->file, false, event->time);
	if (!descriptor)
		return;
	owner = owner_description(descriptor->description);
	table = table_get(model, event->file, event->lock.world);
	if (covers(table_set(table, owner), event) ||
	    is_outdated(model, table, event, descriptor->description))
		return;
	owners = list_owners(model, table, event);
	known = owner_among(&owners, event);
	if (known != NO_OWNER)
		description_merge(model, owner_index(owner), owner_index(known), event->time);
	else if (!hold_on(model, table, event, owner) && !owners.any)
		hold_from_now_on(model, table, event, owner);
}
