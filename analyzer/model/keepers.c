/* SPDX-License-Identifier: MIT */
#include "analyzer/model/keepers.h"

#include "analyzer/model/lock_table.h"
#include "analyzer/model/waits.h"

/* Who has a description: those who have begun to exit, or those who have not. */
struct having {
	uint32_t description;
	bool leavers;
};

static bool has(const struct process *process, uint32_t description)
{
	for (uint32_t i = 0; process && i < process->descriptors.count; i++)
		if (process->descriptors.items[i].description == description)
			return true;
	return false;
}

static bool is_one(const struct process *process, const struct having *having)
{
	return process && process->exiting == having->leavers && has(process, having->description);
}

/* A process of this line, the nearest ancestor first (the shell whose flock(1) has ended), else a
 * child that inherited it, else whoever is left of the family; NONE: nobody that is known. */
static uint32_t find_having(const struct model *model, uint32_t process,
			    const struct having *having)
{
	const struct process *known = process_known(model, process), *ancestor = known;

	if (is_one(known, having))
		return process;
	while (ancestor && ancestor->parent != NONE && ancestor->parent < ancestor->index) {
		ancestor = process_known(model, ancestor->parent);
		if (is_one(ancestor, having))
			return ancestor->index;
	}
	for (uint32_t i = 0; known && i < known->children.count; i++)
		if (is_one(process_known(model, known->children.items[i]), having))
			return known->children.items[i];
	for (uint32_t i = 0; i < model->processes.count; i++)
		if (is_one(model->processes.items[i], having))
			return i;
	return NONE;
}

/* Those who exit are asked only where nobody else is left. */
static uint32_t find_keeper(const struct model *model, uint32_t process, uint32_t at)
{
	const struct description *description = &model->descriptions.items[at];
	uint32_t keeper = NONE;

	if (description->refs > description->quiet)
		keeper = find_having(model, process, &(struct having){ at, false });
	return keeper != NONE ? keeper : find_having(model, process, &(struct having){ at, true });
}

static bool keeps_any(const struct range_set *set, uint32_t process)
{
	for (uint32_t i = 0; set && i < set->pieces.count; i++)
		if (set->pieces.items[i].hold.keeper == process)
			return true;
	return false;
}

static bool is_alone(const struct model *model, uint32_t process, uint32_t at)
{
	const struct process *known = process_known(model, process);
	uint32_t refs = model->descriptions.items[at].refs;

	for (uint32_t i = 0; known && i < known->descriptors.count; i++)
		refs -= known->descriptors.items[i].description == at;
	return !refs;
}

void keeper_leaves(struct model *model, uint32_t process, uint32_t at)
{
	const struct description *description = &model->descriptions.items[at];

	if (!description->refs || description->file == NONE || is_alone(model, process, at))
		return;
	for (int world = RECORD_LOCKS; world <= FLOCK_LOCKS; world++) {
		struct lock_table *table = table_get(model, description->file, world);
		uint32_t keeper;

		if (!keeps_any(table_set(table, owner_description(at)), process))
			continue;
		keeper = find_keeper(model, process, at);
		if (keeper != NONE && keeper != process)
			waits_handed_over(table, owner_description(at), process, keeper,
					  model->now);
	}
}

static bool stays(const struct model *model, uint32_t process, uint32_t description)
{
	const struct process *known = process_known(model, process);

	return known && !known->exiting && has(known, description);
}

void keeper_stays(struct model *model, uint32_t at)
{
	const struct description *description = &model->descriptions.items[at];

	if (description->refs < 2 || description->refs == description->quiet ||
	    description->file == NONE)
		return;
	for (int world = RECORD_LOCKS; world <= FLOCK_LOCKS; world++) {
		const struct range_set *set = table_set(table_get(model, description->file, world),
							owner_description(at));

		for (uint32_t i = 0; set && i < set->pieces.count; i++)
			if (!stays(model, set->pieces.items[i].hold.keeper, at))
				keeper_leaves(model, set->pieces.items[i].hold.keeper, at);
	}
}
