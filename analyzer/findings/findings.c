/* SPDX-License-Identifier: MIT */
#include "analyzer/findings/findings.h"

#include <stdlib.h>

#include "analyzer/findings/watch.h"

#define ORDER(a, b) ((a) < (b) ? -1 : (a) > (b))

/* ---- What was found */

static bool same_finding(const void *context, uint32_t index)
{
	const struct finding *wanted = ((const void *const *)context)[0];
	const struct findings_builder *builder = ((const void *const *)context)[1];
	const struct finding *finding = &builder->found.items[index];

	for (unsigned i = 0; i < FINDING_SIDES; i++)
		if (finding->sides[i].stack != wanted->sides[i].stack)
			return false;
	return finding->id == wanted->id && finding->file == wanted->file;
}

struct finding *found(struct findings_builder *builder, enum finding_id id, uint32_t file,
		      enum world world, struct finding_side first, struct finding_side second,
		      struct finding_side third)
{
	struct finding wanted = {
		.id = id,
		.file = file,
		.world = world,
		.sides = { first, second, third },
	};
	const void *context[] = { &wanted, builder };
	uint64_t hash = hash_u64(hash_u64(id, file), first.stack);
	uint32_t *at;

	hash = hash_u64(hash, hash_u64(second.stack, third.stack));
	at = map_find(&builder->found_map, hash, same_finding, context);
	if (*at == MAP_NEW) {
		*at = builder->found.count;
		vec_push(&builder->found, wanted);
	}
	builder->found.items[*at].count++;
	return &builder->found.items[*at];
}

static int by_weight(const void *left, const void *right)
{
	const struct finding *a = left, *b = right;
	int order = ORDER(finding_kinds[a->id].severity, finding_kinds[b->id].severity);

	if (!order)
		order = ORDER(a->id, b->id);
	if (!order)
		order = ORDER(b->count, a->count);
	if (!order)
		order = ORDER(a->file, b->file);
	for (unsigned i = 0; !order && i < FINDING_SIDES; i++)
		order = ORDER(a->sides[i].stack, b->sides[i].stack);
	return order;
}

/* ---- What is seen */

static void on_hold(void *context, const struct hold *hold)
{
	struct findings_builder *builder = context;

	lost_hold(builder, hold);
	owners_hold(builder, hold);
	idle_hold(builder, hold);
	files_hold(builder, hold);
}

static void on_request(void *context, const struct request *request)
{
	struct findings_builder *builder = context;

	tries_request(builder, request);
	waits_request(builder, request);
	if (!is_grant(request))
		return;
	watch_grant(builder, request);
	lost_request(builder, request);
	files_grant(builder, request);
}

static void on_wait(void *context, const struct wait *wait)
{
	struct findings_builder *builder = context;

	owners_wait(builder, wait);
	idle_wait(builder, wait);
	waits_wait(builder, wait);
}

struct model_callbacks findings_builder_callbacks(struct findings_builder *builder)
{
	return (struct model_callbacks){
		.context = builder,
		.request = on_request,
		.hold = on_hold,
		.wait = on_wait,
	};
}

/* What the model has told about an event by now may make sense of the event. */
static void finish_event(struct findings_builder *builder)
{
	if (!builder->begun)
		return;
	lost_after(builder, &builder->event);
	files_after(builder, &builder->event);
}

void findings_builder_event(struct findings_builder *builder, const struct event *event)
{
	finish_event(builder);
	watch_event(builder, event);
	if (event->kind == EVENT_STUCK)
		stuck_event(builder, event);
	else if (event->kind == EVENT_DOING)
		idle_event(builder, event);
}

struct findings_builder *findings_builder_new(const struct catalog *catalog)
{
	struct findings_builder *builder = xcalloc(1, sizeof(*builder));

	builder->catalog = catalog;
	builder->now.by = nobody;
	return builder;
}

void findings_builder_model(struct findings_builder *builder, const struct model *model)
{
	builder->model = model;
}

const struct findings *findings_builder_finish(struct findings_builder *builder)
{
	finish_event(builder);
	builder->begun = false;
	tries_finish(builder);
	files_finish(builder);
	if (builder->found.count)
		qsort(builder->found.items, builder->found.count, sizeof(*builder->found.items),
		      by_weight);
	builder->result = (struct findings){ builder->found.items, builder->found.count };
	return &builder->result;
}

void findings_builder_free(struct findings_builder *builder)
{
	if (!builder)
		return;
	for (uint32_t i = 0; i < builder->processes.count; i++) {
		vec_free(&builder->processes.items[i].threads);
		vec_free(&builder->processes.items[i].habits);
		vec_free(&builder->processes.items[i].naps);
		free(builder->processes.items[i].series);
	}
	for (uint32_t i = 0; i < builder->files.count; i++)
		vec_free(&builder->files.items[i].users);
	for (uint32_t i = 0; i < builder->names.count; i++)
		free(builder->names.items[i].path);
	vec_free(&builder->processes);
	vec_free(&builder->files);
	vec_free(&builder->names);
	map_free(&builder->name_map);
	vec_free(&builder->nameless);
	vec_free(&builder->slow);
	map_free(&builder->slow_map);
	vec_free(&builder->scratch);
	vec_free(&builder->lost);
	vec_free(&builder->found);
	map_free(&builder->found_map);
	free(builder);
}
