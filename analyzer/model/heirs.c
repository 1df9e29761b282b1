/* SPDX-License-Identifier: MIT */
#include "analyzer/model/heirs.h"

#define LEFT_MAX 16 /* of one file in one world; the newest are kept */

void heirs_leave(struct model *model, struct lock_table *table, const struct held *held,
		 uint32_t count, uint64_t time)
{
	model->leaves++;
	for (uint32_t i = 0; i < count; i++) {
		struct left_lock left = { held[i], model->leaves, model->losses };

		if (table->left.count == LEFT_MAX)
			vec_remove(&table->left, 0);
		left.held.hold.released = time;
		left.held.weakened = 0;
		vec_push(&table->left, left);
	}
}

/* Most files are locked again and again, by few. */
static void forget(struct lock_table *table, uint32_t at)
{
	vec_remove(&table->left, at);
	if (!table->left.count)
		vec_free(&table->left);
}

static bool overlaps(const struct hold *hold, uint64_t start, uint64_t end)
{
	return hold->start < end && start < hold->end;
}

void heirs_settle(struct lock_table *table, enum mode mode, uint64_t start, uint64_t end)
{
	for (uint32_t i = table->left.count; i-- > 0;)
		if (overlaps(&table->left.items[i].held.hold, start, end) &&
		    held_conflicts(&table->left.items[i].held, mode))
			forget(table, i);
}

void heirs_forget(struct lock_table *table, uint64_t id)
{
	for (uint32_t i = table->left.count; i-- > 0;)
		if (table->left.items[i].held.hold.id == id)
			forget(table, i);
}

/* ---- Which it is */

/* Some of those that one owner has left: neighbours in the list, by start. */
struct estate {
	uint32_t first, count;
};

static struct estate next_estate(const struct lock_table *table, struct estate last)
{
	struct estate next = { .first = last.first + last.count };

	while (next.first + next.count < table->left.count &&
	       table->left.items[next.first + next.count].leave ==
		       table->left.items[next.first].leave)
		next.count++;
	return next;
}

static bool is_waited_for(const struct lock_table *table, const struct held *held)
{
	for (const struct flight *flight = table->pending; flight; flight = flight->next)
		if (flight->may_block && flight->begin <= held->hold.released &&
		    overlaps(&held->hold, flight->start, flight->end) &&
		    held_conflicts(held, flight->mode))
			return true;
	return false;
}

static bool is_same_lock(const struct model *model, const struct lock_table *table,
			 const struct left_lock *left, const struct event *event)
{
	if (left->losses != model->losses || left->held.hold.mode != event->lock.mode)
		return false;
	if (event->lock.taker && left->held.taker)
		return left->held.taker == event->lock.taker;
	return is_waited_for(table, &left->held);
}

/* The kernel shows neighbours of one mode as one lock. */
static bool is_estate_of(const struct model *model, const struct lock_table *table,
			 struct estate estate, const struct event *event)
{
	uint64_t at = event->lock.start;

	for (uint32_t i = 0; i < estate.count && at < event->lock.end; i++) {
		const struct left_lock *left = &table->left.items[estate.first + i];

		if (left->held.hold.end <= at)
			continue;
		if (left->held.hold.start > at || !is_same_lock(model, table, left, event))
			return false;
		at = left->held.hold.end;
	}
	return at >= event->lock.end;
}

/* One without any: none, or several, and each might be it. */
static struct estate find(const struct model *model, const struct lock_table *table,
			  const struct event *event)
{
	struct estate found = { 0 }, estate = next_estate(table, found);

	for (; estate.count; estate = next_estate(table, estate)) {
		if (!is_estate_of(model, table, estate, event))
			continue;
		if (found.count)
			return (struct estate){ 0 };
		found = estate;
	}
	return found;
}

static struct held go_on(struct model *model, struct held held, const struct event *event)
{
	held.hold.id = ++model->last_hold;
	held.hold.start = held.hold.start > event->lock.start ? held.hold.start : event->lock.start;
	held.hold.end = held.hold.end < event->lock.end ? held.hold.end : event->lock.end;
	held.hold.keeper = event->process;
	held.hold.kept_since = held.hold.taker_until = held.hold.released;
	held.hold.granted = held.hold.asked = held.hold.released;
	return held;
}

bool heirs_find(struct model *model, struct lock_table *table, const struct event *event,
		struct held_list *out)
{
	struct estate estate = find(model, table, event);

	for (uint32_t i = estate.count; i-- > 0;) {
		const struct held *held = &table->left.items[estate.first + i].held;

		if (!overlaps(&held->hold, event->lock.start, event->lock.end))
			continue;
		vec_push(out, go_on(model, *held, event));
		forget(table, estate.first + i);
	}
	return estate.count;
}
