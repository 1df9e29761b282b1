/* SPDX-License-Identifier: MIT */
#include "analyzer/model/lock_table.h"

#include "analyzer/model/evict.h"
#include "analyzer/model/heirs.h"
#include "analyzer/model/waits.h"

/* ---- Sets */

static void list_files(struct model *model, uint32_t owner, uint32_t file, bool add)
{
	struct process *process;

	if (owner_is_description(owner))
		return;
	process = process_get(model, owner_index(owner));
	if (add) {
		vec_push(&process->files, file);
		return;
	}
	for (uint32_t i = process->files.count; i-- > 0;) {
		if (process->files.items[i] == file) {
			vec_remove(&process->files, i);
			return;
		}
	}
}

struct range_set *table_set(struct lock_table *table, uint32_t owner)
{
	for (uint32_t i = 0; i < table->sets.count; i++)
		if (table->sets.items[i].owner == owner)
			return &table->sets.items[i];
	return NULL;
}

static struct range_set *set_make(struct model *model, struct lock_table *table, uint32_t owner,
				  uint32_t file)
{
	struct range_set *set = table_set(table, owner);
	struct range_set new = { .owner = owner };

	if (set)
		return set;
	if (model->spare_lists.count)
		new.pieces = model->spare_lists.items[--model->spare_lists.count];
	vec_push(&table->sets, new);
	list_files(model, owner, file, true);
	return &table->sets.items[table->sets.count - 1];
}

void table_drop_if_empty(struct model *model, struct lock_table *table, struct range_set *set,
			 uint32_t file)
{
	if (set->pieces.count)
		return;
	list_files(model, set->owner, file, false);
	vec_push(&model->spare_lists, set->pieces);
	table->writers -= set->writes;
	*set = table->sets.items[--table->sets.count];
}

/* ---- Ends */

void table_end(struct model *model, struct held_list *stash, uint64_t time, enum hold_end how)
{
	for (uint32_t i = 0; i < stash->count; i++)
		hold_tell_end(model, &stash->items[i], time, how);
	stash->count = 0;
}

/* ---- Weakening */

/* Exclusive holds count as shared from now on: all, or those of one id. Returns whether any did. */
static bool weaken(struct model *model, struct range_set *set, uint64_t start, uint64_t end,
		   uint64_t id)
{
	bool any;

	set_cut_other_modes(set, start, end, MODE_SHARED, &model->scratch);
	any = model->scratch.count;
	for (uint32_t i = 0; i < model->scratch.count; i++) {
		struct held *held = &model->scratch.items[i];

		held->weakened += !id || held->hold.id == id;
		set_fill(set, held, held->hold.start, held->hold.end);
	}
	model->scratch.count = 0;
	return any;
}

/* Fills what is free. Shared requests of the same owner that are under way weaken it at once. */
static void fill(struct model *model, struct lock_table *table, struct range_set *set,
		 struct held held, uint64_t start, uint64_t end)
{
	held.weakened = 0;
	set_fill(set, &held, start, end);
	if (held.hold.mode != MODE_EXCLUSIVE)
		return;
	table->writers += !set->writes;
	set->writes = true;
	if (held.hold.world != RECORD_LOCKS)
		return;
	for (const struct flight *other = table->pending; other; other = other->next)
		if (other->owner == held.owner && other->mode == MODE_SHARED && other->weakens)
			weaken(model, set, later_of(start, other->weak_start),
			       earlier_of(end, other->weak_end), held.hold.id);
}

/* ---- Grants */

/* A shared lock over an exclusive one ended it when it was asked for, any other one now. */
static void end_converted(struct model *model, const struct flight *flight, uint64_t time)
{
	for (uint32_t i = 0; i < model->scratch.count; i++) {
		const struct held *held = &model->scratch.items[i];

		hold_tell_end(model, held, held->weakened && flight->weakens ? flight->begin : time,
			      HOLD_RELEASED);
	}
	model->scratch.count = 0;
}

static struct held new_hold(struct model *model, const struct flight *flight, uint64_t time)
{
	const struct process *taker = process_known(model, flight->process);

	return (struct held){
		.hold = {
			.id = ++model->last_hold,
			.file = flight->file,
			.world = flight->world,
			.ownership = flight->ownership,
			.mode = flight->mode,
			.process = flight->process,
			.tid = flight->tid,
			.keeper = flight->process,
			.stack = flight->stack,
			.fd = flight->fd,
			.granted = time,
			.asked = earlier_of(flight->begin, time),
			.how = HOLD_OPEN,
		},
		.owner = flight->owner,
		.taker = taker ? taker->pid : 0,
		.doubtful = flight->doubtful,
	};
}

void table_grant(struct model *model, const struct flight *flight, uint64_t time)
{
	struct lock_table *table = table_get(model, flight->file, flight->world);
	uint64_t hole_start = later_of(flight->start, flight->unknown_start);
	uint64_t hole_end = earlier_of(flight->end, flight->unknown_end);
	struct range_set *set;
	struct held held;

	table_evict(model, table, flight, time);
	heirs_settle(table, flight->mode, flight->start, flight->end);
	if (flight->owner == NO_OWNER)
		return;
	set = set_make(model, table, flight->owner, flight->file);
	set_cut_other_modes(set, flight->start, flight->end, flight->mode, &model->scratch);
	held = new_hold(model, flight, time);
	if (grant_is_outdated(table, flight)) {
		unknown_range(model, flight->owner, flight->file, flight->world, flight->start,
			      flight->end);
		set_cut(set, flight->start, flight->end, &model->scratch);
		end_converted(model, flight, time);
	} else if (hole_start < hole_end) {
		unknown_range(model, flight->owner, flight->file, flight->world, hole_start,
			      hole_end);
		set_cut(set, hole_start, hole_end, &model->scratch);
		end_converted(model, flight, time);
		fill(model, table, set, held, flight->start, hole_start);
		fill(model, table, set, held, hole_end, flight->end);
	} else {
		end_converted(model, flight, time);
		fill(model, table, set, held, flight->start, flight->end);
	}
	table_drop_if_empty(model, table, set, flight->file);
	waits_changed(table, flight->owner, time, HOLD_RELEASED);
}

/* ---- What may be given up, and taken back */

void table_take(struct model *model, struct lock_table *table, uint32_t owner, uint64_t start,
		uint64_t end, uint64_t time, enum hold_end how, struct held_list *stash)
{
	struct range_set *set = table_set(table, owner);
	uint32_t before = stash->count;

	if (!set)
		return;
	set_cut(set, start, end, stash);
	if (stash->count == before)
		return;
	table_drop_if_empty(model, table, set, stash->items[before].hold.file);
	waits_changed(table, owner, time, how);
}

static bool conflicts_with_others(const struct lock_table *table, const struct held *held)
{
	for (uint32_t i = 0; i < table->sets.count; i++) {
		const struct range_set *set = &table->sets.items[i];

		if (set->owner == held->owner)
			continue;
		for (uint32_t j = set_first(set, held->hold.start);
		     j < set->pieces.count && set->pieces.items[j].hold.start < held->hold.end; j++)
			if (held_conflicts(&set->pieces.items[j], held_mode(held)))
				return true;
	}
	return false;
}

static bool overlaps_own(const struct range_set *set, const struct held *held)
{
	uint32_t at = set_first(set, held->hold.start);

	return at < set->pieces.count && set->pieces.items[at].hold.start < held->hold.end;
}

static void restore(struct model *model, const struct held *held, uint64_t taken)
{
	struct lock_table *table = table_get(model, held->hold.file, held->hold.world);
	struct range_set *set;

	if (conflicts_with_others(table, held)) {
		hold_contradict(model, held, (struct unseen_end){ taken, false });
		return;
	}
	set = set_make(model, table, held->owner, held->hold.file);
	if (overlaps_own(set, held)) {
		hold_tell_end(model, held, taken, HOLD_RELEASED);
		return;
	}
	fill(model, table, set, *held, held->hold.start, held->hold.end);
	heirs_forget(table, held->hold.id);
	waits_changed(table, held->owner, taken, HOLD_RELEASED);
}

void table_restore(struct model *model, struct held_list *stash, uint64_t taken)
{
	for (uint32_t i = 0; i < stash->count; i++)
		restore(model, &stash->items[i], taken);
	stash->count = 0;
}

void table_weaken(struct model *model, struct lock_table *table, const struct flight *flight)
{
	struct range_set *set = table_set(table, flight->owner);

	if (set && weaken(model, set, flight->weak_start, flight->weak_end, 0))
		waits_changed(table, flight->owner, flight->begin, HOLD_RELEASED);
}

void table_strengthen(struct model *model, struct lock_table *table, const struct flight *flight,
		      uint64_t time)
{
	struct range_set *set = table_set(table, flight->owner);

	if (!set)
		return;
	for (uint32_t i = set_first(set, flight->weak_start);
	     i < set->pieces.count && set->pieces.items[i].hold.start < flight->weak_end;) {
		struct held held = set->pieces.items[i];

		if (held.weakened) {
			held.weakened--;
			set->pieces.items[i].weakened--;
			if (conflicts_with_others(table, &held)) {
				vec_remove(&set->pieces, i);
				hold_contradict(model, &held, (struct unseen_end){ time, false });
				continue;
			}
		}
		i++;
	}
	table_drop_if_empty(model, table, set, flight->file);
	waits_changed(table, flight->owner, time, HOLD_IMPLIED);
}

void table_stay_weakened(struct model *model, struct lock_table *table, const struct flight *flight)
{
	struct range_set *set = table_set(table, flight->owner);
	bool any = false;

	if (!set)
		return;
	for (uint32_t i = set_first(set, flight->weak_start);
	     i < set->pieces.count && set->pieces.items[i].hold.start < flight->weak_end; i++) {
		struct held *held = &set->pieces.items[i];

		if (!held->weakened)
			continue;
		any = true;
		hold_tell_end(model, held, flight->begin, HOLD_RELEASED);
		held->weakened = 0;
		held->hold.id = ++model->last_hold;
		held->hold.mode = MODE_SHARED;
		held->hold.granted = later_of(held->hold.granted, flight->begin);
	}
	if (any)
		unknown_range(model, flight->owner, flight->file, flight->world, flight->weak_start,
			      flight->weak_end);
	waits_changed(table, flight->owner, flight->begin, HOLD_RELEASED);
}

void table_merge_owners(struct model *model, struct lock_table *table, uint32_t from, uint32_t to,
			uint64_t time)
{
	struct held_list moved = { 0 };
	struct range_set *set = table_set(table, from);
	uint32_t file;

	if (!set)
		return;
	set_cut(set, 0, RANGE_TO_EOF, &moved);
	file = moved.items[0].hold.file;
	table_drop_if_empty(model, table, set, file);
	waits_changed(table, from, time, HOLD_RELEASED);
	for (uint32_t i = 0; i < moved.count; i++) {
		moved.items[i].owner = to;
		restore(model, &moved.items[i], time);
	}
	vec_free(&moved);
}
