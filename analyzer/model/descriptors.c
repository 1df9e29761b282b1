/* SPDX-License-Identifier: MIT */
#include "analyzer/model/descriptors.h"

#include "analyzer/model/heirs.h"
#include "analyzer/model/keepers.h"
#include "analyzer/model/lock_table.h"
#include "analyzer/model/weakenings.h"

/* ---- Descriptions */

uint32_t description_new(struct model *model, uint32_t file)
{
	struct description new = { .file = file };
	uint32_t at;

	if (model->free_descriptions.count) {
		at = model->free_descriptions.items[--model->free_descriptions.count];
		model->descriptions.items[at] = new;
		return at;
	}
	vec_push(&model->descriptions, new);
	return model->descriptions.count - 1;
}

static void free_if_unused(struct model *model, uint32_t at)
{
	const struct description *description = &model->descriptions.items[at];

	if (!description->refs && !description->pins)
		vec_push(&model->free_descriptions, at);
}

void description_pin(struct model *model, uint32_t at)
{
	model->descriptions.items[at].pins++;
}

void description_unpin(struct model *model, uint32_t at)
{
	model->descriptions.items[at].pins--;
	free_if_unused(model, at);
}

static void refer(struct model *model, uint32_t at, bool quiet)
{
	model->descriptions.items[at].refs++;
	model->descriptions.items[at].quiet += quiet;
}

static void leave(struct model *model, struct lock_table *table, uint32_t owner, uint64_t time,
		  enum hold_end how, struct held_list *stash)
{
	uint32_t before = stash->count;

	table_take(model, table, owner, 0, RANGE_TO_EOF, time, how, stash);
	if (stash->count > before)
		heirs_leave(model, table, &stash->items[before], stash->count - before, time);
}

/* Its locks end with the last reference. */
static void unrefer(struct model *model, uint32_t at, bool quiet, uint64_t time, enum hold_end how,
		    struct held_list *stash)
{
	struct description *description = &model->descriptions.items[at];

	description->quiet -= quiet;
	description->kept_until = later_of(description->kept_until, time);
	if (--description->refs)
		return;
	if (description->file != NONE)
		for (int world = RECORD_LOCKS; world <= FLOCK_LOCKS; world++)
			leave(model, table_get(model, description->file, world),
			      owner_description(at), time, how, stash);
	free_if_unused(model, at);
}

/* ---- Descriptors */

uint32_t descriptor_first(const struct descriptor_table *table, int32_t fd)
{
	uint32_t low = 0, high = table->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (table->items[middle].fd >= fd)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

struct descriptor *descriptor_find(const struct descriptor_table *table, int32_t fd)
{
	uint32_t at = descriptor_first(table, fd);

	return at < table->count && table->items[at].fd == fd ? &table->items[at] : NULL;
}

void descriptor_open(struct model *model, struct process *process, int32_t fd, uint32_t description,
		     bool close_on_exec)
{
	struct descriptor_table *table = &process->descriptors;
	uint32_t at = descriptor_first(table, fd);

	refer(model, description, process->exiting);
	vec_reserve(table, table->count + 1);
	memmove(&table->items[at + 1], &table->items[at],
		(table->count - at) * sizeof(*table->items));
	table->items[at] = (struct descriptor){
		.fd = fd,
		.description = description,
		.since = model->now,
		.close_on_exec = close_on_exec,
	};
	table->count++;
	keeper_stays(model, description);
}

void descriptor_close(struct model *model, struct process *process, uint32_t at, uint64_t time,
		      enum hold_end how, struct held_list *stash, struct descriptor_table *closed)
{
	struct descriptor descriptor = process->descriptors.items[at];

	vec_remove(&process->descriptors, at);
	if (closed) {
		description_pin(model, descriptor.description);
		vec_push(closed, descriptor);
	}
	unrefer(model, descriptor.description, process->exiting, time, how, stash);
	keeper_leaves(model, process->index, descriptor.description);
}

/* The fd is another file now: its close, and that of the POSIX locks with it, was not seen. */
static void closed_unseen(struct model *model, struct process *process, struct descriptor *gone,
			  uint64_t time)
{
	uint32_t file = model->descriptions.items[gone->description].file;
	struct held_list stash = { 0 };

	table_take(model, table_get(model, file, RECORD_LOCKS), owner_process(process->index), 0,
		   RANGE_TO_EOF, time, HOLD_CLOSED, &stash);
	descriptor_close(model, process, (uint32_t)(gone - process->descriptors.items), time,
			 HOLD_CLOSED, &stash, NULL);
	table_end(model, &stash, time, HOLD_CLOSED);
	vec_free(&stash);
}

const struct descriptor *descriptor_locked(struct model *model, struct process *process, int32_t fd,
					   uint32_t file, bool inherited, uint64_t time)
{
	struct descriptor *known = descriptor_find(&process->descriptors, fd);
	struct description *description;

	if (fd < 0)
		return NULL;
	if (known) {
		description = &model->descriptions.items[known->description];
		if (description->file == NONE)
			description->file = file;
		if (description->file == file)
			return known;
		closed_unseen(model, process, known, time);
	}
	descriptor_open(model, process, fd, description_new(model, file), false);
	known = descriptor_find(&process->descriptors, fd);
	if (inherited)
		unknown_past(model, known->description);
	return known;
}

void descriptors_quiet(struct model *model, struct process *process)
{
	if (process->exiting)
		return;
	process->exiting = true;
	for (uint32_t i = 0; i < process->descriptors.count; i++)
		model->descriptions.items[process->descriptors.items[i].description].quiet++;
	for (uint32_t i = 0; i < process->descriptors.count; i++)
		keeper_leaves(model, process->index, process->descriptors.items[i].description);
}

/* ---- Snapshots */

void snapshot_take(struct model *model, struct process *process, uint32_t tid)
{
	struct snapshot snapshot = { .tid = tid };

	for (uint32_t i = 0; i < process->descriptors.count; i++) {
		vec_push(&snapshot.descriptors, process->descriptors.items[i]);
		refer(model, process->descriptors.items[i].description, true);
	}
	vec_push(&process->forks, snapshot);
}

void snapshot_drop(struct model *model, struct process *parent, uint32_t at, uint64_t time)
{
	struct snapshot snapshot = parent->forks.items[at];
	struct held_list stash = { 0 };

	vec_remove(&parent->forks, at);
	for (uint32_t i = 0; i < snapshot.descriptors.count; i++)
		unrefer(model, snapshot.descriptors.items[i].description, true, time, HOLD_DIED,
			&stash);
	table_end(model, &stash, time, HOLD_DIED);
	vec_free(&stash);
	vec_free(&snapshot.descriptors);
}

void snapshot_claim(struct model *model, struct process *parent, uint32_t at, struct process *child,
		    uint64_t time)
{
	const struct descriptor_table *table = &parent->forks.items[at].descriptors;

	for (uint32_t i = 0; i < table->count; i++) {
		if (descriptor_find(&child->descriptors, table->items[i].fd))
			continue;
		descriptor_open(model, child, table->items[i].fd, table->items[i].description,
				table->items[i].close_on_exec);
		keeper_leaves(model, parent->index, table->items[i].description);
	}
	snapshot_drop(model, parent, at, time);
}

/* ---- Merging */

static void rename_in(struct descriptor_table *table, uint32_t from, uint32_t to)
{
	for (uint32_t i = 0; i < table->count; i++)
		if (table->items[i].description == from)
			table->items[i].description = to;
}

static void rename_in_flight(struct flight *flight, uint32_t from, uint32_t to)
{
	rename_in(&flight->closed, from, to);
	if (flight->owner == owner_description(from))
		flight->owner = owner_description(to);
	for (uint32_t i = 0; i < flight->stash.count; i++)
		if (flight->stash.items[i].owner == owner_description(from))
			flight->stash.items[i].owner = owner_description(to);
}

/* Looks through all processes: it is rare that an fd is known to be inherited only after both have
 * locked it. */
static void rename_everywhere(struct model *model, uint32_t from, uint32_t to)
{
	for (uint32_t i = 0; i < model->processes.count; i++) {
		struct process *process = model->processes.items[i];

		if (!process)
			continue;
		rename_in(&process->descriptors, from, to);
		for (uint32_t j = 0; j < process->forks.count; j++)
			rename_in(&process->forks.items[j].descriptors, from, to);
		for (uint32_t j = 0; j < process->threads.count; j++)
			for (struct flight *flight = process->threads.items[j].top; flight;
			     flight = flight->below)
				rename_in_flight(flight, from, to);
	}
}

void description_merge(struct model *model, uint32_t from, uint32_t to, uint64_t time)
{
	struct description *gone = &model->descriptions.items[from];
	struct description *kept = &model->descriptions.items[to];

	if (kept->file == NONE)
		kept->file = gone->file;
	rename_everywhere(model, from, to);
	if (gone->file != NONE)
		for (int world = RECORD_LOCKS; world <= FLOCK_LOCKS; world++)
			table_merge_owners(model, table_get(model, gone->file, world),
					   owner_description(from), owner_description(to), time);
	kept->refs += gone->refs;
	kept->quiet += gone->quiet;
	kept->pins += gone->pins;
	kept->kept_until = later_of(kept->kept_until, gone->kept_until);
	weakenings_merge(&kept->weakenings, &gone->weakenings);
	gone->refs = gone->quiet = gone->pins = 0;
	keeper_stays(model, to);
	free_if_unused(model, from);
	unknown_past(model, to);
}
