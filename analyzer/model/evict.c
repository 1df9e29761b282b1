/* SPDX-License-Identifier: MIT */
#include "analyzer/model/evict.h"

#include "analyzer/model/lock_table.h"
#include "analyzer/model/waits.h"

void hold_tell_end(struct model *model, const struct held *held, uint64_t time, enum hold_end how)
{
	struct hold hold = held->hold;

	hold.released = later_of(time, hold.granted);
	hold.gone = later_of(model->now, hold.released);
	hold.how = how;
	model->quality.implied_ends += how == HOLD_IMPLIED || how == HOLD_DIED;
	if (model->callbacks.hold)
		model->callbacks.hold(model->callbacks.context, &hold);
}

/* Nobody needs wonder that the end of such a hold was not seen. */
static bool is_vague(const struct model *model, const struct held *held)
{
	return held->doubtful || held->hold.id <= model->holds_before_loss;
}

void hold_contradict(struct model *model, const struct held *held, struct unseen_end end)
{
	struct process *process = process_known(model, held->hold.keeper);

	if (is_vague(model, held)) {
		/* it may have ended before */
	} else if (owner_may_be_gone(model, held->owner)) {
		model->quality.unknown_ends += end.unknown;
	} else {
		model->quality.overlaps++;
		if (process) {
			process->contradicted++;
			process->unknown_ends += end.unknown;
		}
	}
	hold_tell_end(model, held, end.time, HOLD_IMPLIED);
}

/*
 * A grant is told when its call returns. If others of its owner were at work meanwhile, they may
 * have given it up, and somebody else may have got the lock, all before that.
 */
static bool may_be_outdated(const struct flight *flight)
{
	return flight->doubtful || flight->unknown_start < flight->unknown_end;
}

static bool got_it_since(const struct held *held, const struct flight *flight)
{
	return held_conflicts(held, flight->mode) && held->hold.granted > flight->begin;
}

/*
 * Whenever somebody goes out of the way of a flock request that waits, it is tried again, and
 * first drops what the description was given meanwhile in another mode, even if it waits on.
 */
static bool may_be_dropped(const struct lock_table *table, const struct flight *flight)
{
	if (flight->world != FLOCK_LOCKS)
		return false;
	for (const struct flight *other = table->pending; other; other = other->next)
		if (other != flight && other->owner == flight->owner && other->may_block &&
		    other->mode != flight->mode)
			return true;
	return false;
}

bool grant_is_outdated(const struct lock_table *table, const struct flight *flight)
{
	if (may_be_dropped(table, flight))
		return true;
	if (!may_be_outdated(flight))
		return false;
	for (uint32_t i = 0; i < table->sets.count; i++) {
		const struct range_set *set = &table->sets.items[i];

		if (set->owner == flight->owner)
			continue;
		for (uint32_t j = set_first(set, flight->start);
		     j < set->pieces.count && set->pieces.items[j].hold.start < flight->end; j++)
			if (got_it_since(&set->pieces.items[j], flight))
				return true;
	}
	return false;
}

/* A hold that cannot be there beside the grant. */
static bool must_have_ended(const struct held *held, const struct flight *flight)
{
	return held_conflicts(held, flight->mode) &&
	       !(may_be_outdated(flight) && got_it_since(held, flight));
}

static bool any_must_have_ended(const struct range_set *set, const struct flight *flight)
{
	for (uint32_t i = set_first(set, flight->start);
	     i < set->pieces.count && set->pieces.items[i].hold.start < flight->end; i++)
		if (must_have_ended(&set->pieces.items[i], flight))
			return true;
	return false;
}

static void evict_from(struct model *model, struct range_set *set, const struct flight *flight,
		       struct unseen_end end)
{
	for (uint32_t i = set_first(set, flight->start);
	     i < set->pieces.count && set->pieces.items[i].hold.start < flight->end;) {
		struct held held = set->pieces.items[i];

		if (!must_have_ended(&held, flight)) {
			i++;
			continue;
		}
		vec_remove(&set->pieces, i);
		hold_contradict(model, &held, end);
	}
}

void table_evict(struct model *model, struct lock_table *table, const struct flight *flight,
		 uint64_t time)
{
	if (flight->mode == MODE_SHARED && !table->writers)
		return;
	for (uint32_t i = table->sets.count; i-- > 0;) {
		struct range_set *set = &table->sets.items[i];
		uint32_t owner = set->owner;
		struct unseen_end end;

		if (owner == flight->owner || !any_must_have_ended(set, flight))
			continue;
		end = unseen_end(model, flight, owner, time, true);
		evict_from(model, set, flight, end);
		table_drop_if_empty(model, table, set, flight->file);
		waits_changed(table, owner, end.time, HOLD_IMPLIED);
	}
}
