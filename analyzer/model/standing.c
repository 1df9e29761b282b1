/* SPDX-License-Identifier: MIT */
#include "analyzer/model/standing.h"

#include "analyzer/model/descriptors.h"
#include "analyzer/model/range_set.h"
#include "analyzer/model/state.h"

/* A thread waits in the innermost of its calls. */
static bool stands(const struct model *model, const struct flight *flight)
{
	return flight && flight->may_block && flight->standing.count &&
	       flight->losses == model->losses;
}

static void show(const struct flight *flight,
		 void (*each)(void *context, const struct standing *standing), void *context)
{
	uint32_t count = flight->standing.count;
	struct standing_hold *holds = xcalloc(count, sizeof(*holds));
	struct standing standing = {
		.process = flight->process,
		.tid = flight->tid,
		.file = flight->file,
		.stack = flight->stack,
		.op = flight->op,
		.world = flight->world,
		.ownership = flight->ownership,
		.mode = flight->mode,
		.start = flight->start,
		.end = flight->end,
		.begin = flight->begin,
		.holds = holds,
		.hold_count = count,
	};

	for (uint32_t i = 0; i < count; i++)
		holds[i] = (struct standing_hold){ &flight->standing.items[i].overlap.hold,
						   flight->standing.items[i].owner };
	each(context, &standing);
	free(holds);
}

void model_standing(const struct model *model,
		    void (*each)(void *context, const struct standing *standing), void *context)
{
	for (uint32_t i = 0; i < model->processes.count; i++) {
		const struct process *process = model->processes.items[i];

		for (uint32_t j = 0; process && j < process->threads.count; j++)
			if (stands(model, process->threads.items[j].top))
				show(process->threads.items[j].top, each, context);
	}
}

/* NO_OWNER: it has nothing by that descriptor. */
static uint32_t owner_of_try(const struct model *model, const struct standing *standing, int32_t fd)
{
	const struct process *process = process_known(model, standing->process);
	const struct descriptor *descriptor;

	if (standing->ownership == OWNED_BY_PROCESS)
		return owner_process(standing->process);
	descriptor = process ? descriptor_find(&process->descriptors, fd) : NULL;
	return descriptor ? owner_description(descriptor->description) : NO_OWNER;
}

void model_standing_try(const struct model *model, const struct standing *standing, int32_t fd,
			void (*each)(void *context, const struct standing *standing), void *context)
{
	uint32_t own = owner_of_try(model, standing, fd);
	struct standing found = *standing;
	const struct lock_table *table;
	VEC(struct standing_hold) holds = { 0 };

	if (standing->file >= model->files.count || !model->files.items[standing->file])
		return;
	table = &model->files.items[standing->file]->worlds[standing->world];
	for (uint32_t i = 0; i < table->sets.count; i++) {
		const struct range_set *set = &table->sets.items[i];

		for (uint32_t j = set_first(set, standing->start);
		     set->owner != own && j < set->pieces.count &&
		     set->pieces.items[j].hold.start < standing->end;
		     j++)
			if (held_conflicts(&set->pieces.items[j], standing->mode))
				vec_push(&holds, (struct standing_hold){ &set->pieces.items[j].hold,
									 set->owner });
	}
	found.holds = holds.items;
	found.hold_count = holds.count;
	if (holds.count)
		each(context, &found);
	vec_free(&holds);
}

bool model_stands(const struct model *model, uint32_t process, uint32_t tid)
{
	const struct process *known = process_known(model, process);

	for (uint32_t i = 0; known && i < known->threads.count; i++)
		if (known->threads.items[i].tid == tid)
			return stands(model, known->threads.items[i].top);
	return false;
}

static bool refers(const struct descriptor_table *table, uint32_t description)
{
	for (uint32_t i = 0; i < table->count; i++)
		if (table->items[i].description == description)
			return true;
	return false;
}

bool model_sharers(const struct model *model, uint32_t owner,
		   void (*each)(void *context, uint32_t process), void *context)
{
	bool all_known = true;

	if (owner == NO_OWNER)
		return false;
	if (!owner_is_description(owner)) {
		each(context, owner_index(owner));
		return true;
	}
	for (uint32_t i = 0; i < model->processes.count; i++) {
		const struct process *process = model->processes.items[i];

		if (!process)
			continue;
		if (refers(&process->descriptors, owner_index(owner)))
			each(context, i);
		for (uint32_t j = 0; j < process->forks.count; j++)
			all_known &=
				!refers(&process->forks.items[j].descriptors, owner_index(owner));
	}
	return all_known;
}
