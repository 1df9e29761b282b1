/* SPDX-License-Identifier: MIT */
#include "analyzer/model/model.h"

#include <stdlib.h>

#include "analyzer/model/flights.h"
#include "analyzer/model/kept.h"
#include "analyzer/model/lifecycle.h"
#include "analyzer/model/replay.h"
#include "analyzer/model/state.h"

struct hold_list {
	struct hold *items;
	uint32_t count, room;
};

struct model *model_new(const struct model_callbacks *callbacks)
{
	struct model *model = xcalloc(1, sizeof(*model));

	model->callbacks = *callbacks;
	return model;
}

/* ---- Tables that grow by index */

struct process *process_known(const struct model *model, uint32_t index)
{
	return index < model->processes.count ? model->processes.items[index] : NULL;
}

struct process *process_get(struct model *model, uint32_t index)
{
	struct process **at;

	while (model->processes.count <= index)
		vec_push(&model->processes, NULL);
	at = &model->processes.items[index];
	if (!*at) {
		*at = xcalloc(1, sizeof(**at));
		(*at)->index = index;
		(*at)->parent = NONE;
	}
	return *at;
}

struct lock_table *table_get(struct model *model, uint32_t file, enum world world)
{
	struct file_locks **at;

	while (model->files.count <= file)
		vec_push(&model->files, NULL);
	at = &model->files.items[file];
	if (!*at)
		*at = xcalloc(1, sizeof(**at));
	return &(*at)->worlds[world];
}

/* ---- What is not known */

static void tell_unknown(const struct model *model, struct unknown_range range)
{
	if (model->callbacks.unknown)
		model->callbacks.unknown(model->callbacks.context, &range);
}

void unknown_range(struct model *model, uint32_t owner, uint32_t file, enum world world,
		   uint64_t start, uint64_t end)
{
	model->quality.doubts++;
	tell_unknown(model, (struct unknown_range){ owner, file, world, start, end });
}

void unknown_past(struct model *model, uint32_t description)
{
	uint32_t owner = owner_description(description);

	model->quality.unknown_pasts++;
	tell_unknown(model, (struct unknown_range){ owner, NONE, RECORD_LOCKS, 0, RANGE_TO_EOF });
	tell_unknown(model, (struct unknown_range){ owner, NONE, FLOCK_LOCKS, 0, RANGE_TO_EOF });
}

/* ---- All holds, in a settled order */

static int by_place(const void *left, const void *right)
{
	const struct hold *a = left, *b = right;

	if (a->world != b->world)
		return a->world > b->world ? 1 : -1;
	if (a->start != b->start)
		return a->start > b->start ? 1 : -1;
	if (a->end != b->end)
		return a->end > b->end ? 1 : -1;
	if (a->process != b->process)
		return a->process > b->process ? 1 : -1;
	return (a->id > b->id) - (a->id < b->id);
}

static void collect(const struct lock_table *table, struct hold_list *list)
{
	for (uint32_t i = 0; i < table->sets.count; i++) {
		const struct held_list *pieces = &table->sets.items[i].pieces;

		for (uint32_t j = 0; j < pieces->count; j++) {
			struct hold hold = pieces->items[j].hold;

			hold.mode = held_mode(&pieces->items[j]);
			vec_push(list, hold);
		}
	}
}

static void holds_of_file(const struct model *model, uint32_t file, struct hold_list *list)
{
	const struct file_locks *locks =
		file < model->files.count ? model->files.items[file] : NULL;

	list->count = 0;
	if (!locks)
		return;
	collect(&locks->worlds[RECORD_LOCKS], list);
	collect(&locks->worlds[FLOCK_LOCKS], list);
	if (list->count > 1)
		qsort(list->items, list->count, sizeof(*list->items), by_place);
}

uint32_t model_holds(const struct model *model, uint32_t file, struct hold *out, uint32_t room)
{
	struct hold_list list = { 0 };
	uint32_t count;

	holds_of_file(model, file, &list);
	count = list.count;
	for (uint32_t i = 0; i < count && i < room; i++)
		out[i] = list.items[i];
	vec_free(&list);
	return count;
}

static void add_ending(const struct model *model, const struct flight *flight, uint32_t file,
		       struct hold_list *list)
{
	for (; flight; flight = flight->below) {
		for (uint32_t i = 0; i < flight->stash.count; i++) {
			struct hold hold = flight->stash.items[i].hold;

			if (hold.file != file)
				continue;
			hold.released = flight->begin;
			hold.gone = later_of(model->now, flight->begin);
			vec_push(list, hold);
		}
	}
}

uint32_t model_ending(const struct model *model, uint32_t file, struct hold *out, uint32_t room)
{
	struct hold_list list = { 0 };
	uint32_t count;

	for (uint32_t i = 0; i < model->processes.count; i++) {
		const struct process *process = model->processes.items[i];

		for (uint32_t j = 0; process && j < process->threads.count; j++)
			add_ending(model, process->threads.items[j].top, file, &list);
	}
	count = list.count;
	for (uint32_t i = 0; i < count && i < room; i++)
		out[i] = list.items[i];
	vec_free(&list);
	return count;
}

/* ---- Events */

static void lose(struct model *model)
{
	model->losses++;
	model->holds_before_loss = model->last_hold;
}

static void end(struct model *model, uint64_t time, bool unwatched)
{
	struct hold_list list = { 0 };

	model->ended = true;
	for (uint32_t i = 0; i < model->processes.count; i++)
		if (model->processes.items[i])
			flights_stop(model, model->processes.items[i], time, OUTCOME_WAITING,
				     unwatched);
	for (uint32_t i = 0; i < model->files.count && model->callbacks.hold; i++) {
		holds_of_file(model, i, &list);
		for (uint32_t j = 0; j < list.count; j++) {
			list.items[j].released = later_of(time, list.items[j].granted);
			model->callbacks.hold(model->callbacks.context, &list.items[j]);
		}
	}
	vec_free(&list);
}

/* When the recorder wrote it, as far as is known: results carry the time of their call. */
static uint64_t moment(const struct event *event)
{
	switch (event->kind) {
	case EVENT_RESULT:
		return event->time + (event->lock.has_request ? event->lock.duration : 0);
	case EVENT_CALL_RESULT:
		return event->time + event->call.duration;
	case EVENT_PROCESS:
	case EVENT_REQUEST:
	case EVENT_CALL:
	case EVENT_DEATH:
	case EVENT_VERDICT:
	case EVENT_DOING:
	case EVENT_STUCK:
	case EVENT_KEPT:
	case EVENT_LOST:
	case EVENT_END:
		break;
	}
	return event->time;
}

void model_event(struct model *model, const struct event *event)
{
	if (model->ended)
		return;
	if (event->kind != EVENT_LOST && event->kind != EVENT_END && event->process == NONE) {
		model->quality.orphans++;
		return;
	}
	model->now = moment(event);
	switch (event->kind) {
	case EVENT_PROCESS:
		lifecycle_born(model, event);
		break;
	case EVENT_REQUEST:
		replay_request(model, event);
		break;
	case EVENT_RESULT:
		replay_result(model, event);
		break;
	case EVENT_KEPT:
		kept_found(model, event);
		break;
	case EVENT_CALL:
		lifecycle_call(model, event);
		break;
	case EVENT_CALL_RESULT:
		lifecycle_call_result(model, event);
		break;
	case EVENT_DEATH:
		lifecycle_death(model, event);
		break;
	case EVENT_VERDICT:
	case EVENT_DOING:
	case EVENT_STUCK:
		break;
	case EVENT_LOST:
		lose(model);
		break;
	case EVENT_END:
		end(model, event->time, event->end.unwatched);
		break;
	}
}

const struct model_quality *model_quality(const struct model *model)
{
	return &model->quality;
}

/* ---- Memory */

static void free_flight(struct flight *flight)
{
	vec_free(&flight->stash);
	vec_free(&flight->closed);
	vec_free(&flight->standing);
	vec_free(&flight->gone);
	free(flight);
}

static void free_flights(struct flight *flight)
{
	while (flight) {
		struct flight *below = flight->below;

		free_flight(flight);
		flight = below;
	}
}

static void free_table(struct lock_table *table)
{
	for (uint32_t i = 0; i < table->sets.count; i++)
		vec_free(&table->sets.items[i].pieces);
	vec_free(&table->sets);
	vec_free(&table->left);
}

void model_free(struct model *model)
{
	if (!model)
		return;
	for (uint32_t i = 0; i < model->processes.count; i++) {
		struct process *process = model->processes.items[i];

		if (!process)
			continue;
		for (uint32_t j = 0; j < process->threads.count; j++)
			free_flights(process->threads.items[j].top);
		process_free(model, process);
	}
	for (uint32_t i = 0; i < model->files.count; i++) {
		if (!model->files.items[i])
			continue;
		free_table(&model->files.items[i]->worlds[RECORD_LOCKS]);
		free_table(&model->files.items[i]->worlds[FLOCK_LOCKS]);
		free(model->files.items[i]);
	}
	for (uint32_t i = 0; i < model->spare_lists.count; i++)
		vec_free(&model->spare_lists.items[i]);
	free_flights(model->spare);
	vec_free(&model->processes);
	vec_free(&model->files);
	vec_free(&model->descriptions);
	vec_free(&model->free_descriptions);
	vec_free(&model->spare_lists);
	vec_free(&model->scratch);
	vec_free(&model->overlaps);
	free(model);
}
