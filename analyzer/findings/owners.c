/* SPDX-License-Identifier: MIT */
/* Who has a lock, and whether it is still theirs to have. */
#include "analyzer/findings/watch.h"

#define UNUSUAL_NS    UINT64_C(1000000000)
#define IN_THE_WAY_NS UINT64_C(10000000)

/*
 * The lock has outlived its taker in another program that has only inherited the descriptor. Whose
 * child took it for them, as flock(1) does for a shell, has it by right.
 */
static bool leaked(struct findings_builder *builder, const struct hold *hold)
{
	return hold->ownership == OWNED_BY_DESCRIPTION && hold->keeper != hold->process &&
	       hold->keeper != NONE && !watch_descends(builder, hold->process, hold->keeper) &&
	       watch_process(builder, hold->keeper)->executes;
}

static void leak_found(struct findings_builder *builder, const struct hold *hold, uint64_t until,
		       struct finding_side wanted)
{
	struct finding_side keeper = { hold->keeper, 0, NONE, hold->kept_since };
	struct finding *finding = found(builder, FINDING_LEAKED_TO_CHILD, hold->file, hold->world,
					side_of_hold(hold), keeper, wanted);

	found_range(finding, hold->start, hold->end);
	if (until - hold->kept_since > finding->duration)
		finding->duration = until - hold->kept_since;
}

void owners_wait(struct findings_builder *builder, const struct wait *wait)
{
	struct finding_side waiter = { wait->process, wait->tid, wait->stack, wait->begin };

	for (uint32_t i = 0; i < wait->overlap_count; i++) {
		const struct overlap *overlap = &wait->overlaps[i];

		if (overlap->end > overlap->hold.kept_since + IN_THE_WAY_NS &&
		    overlap->end > overlap->begin + IN_THE_WAY_NS &&
		    leaked(builder, &overlap->hold))
			leak_found(builder, &overlap->hold, overlap->end, waiter);
	}
}

/* Waits tell by themselves; who only tried was refused. */
static void look_for_leak(struct findings_builder *builder, const struct hold *hold)
{
	const struct finding_side *refused = &watch_file(builder, hold->file)->refused;

	if (refused->time > hold->kept_since + IN_THE_WAY_NS && refused->time < hold->released &&
	    leaked(builder, hold))
		leak_found(builder, hold, hold->released, *refused);
}

/* ---- Habits */

static struct own_habit *habit_of(struct seen_process *process, const struct hold *hold)
{
	for (uint32_t i = 0; i < process->habits.count; i++)
		if (process->habits.items[i].file == hold->file &&
		    process->habits.items[i].world == hold->world)
			return &process->habits.items[i];
	if (process->habits.count == HABITS_KEPT)
		return NULL;
	vec_push(&process->habits, (struct own_habit){ .file = hold->file, .world = hold->world });
	return &process->habits.items[process->habits.count - 1];
}

/* Killed, it may have been about to release. */
static void look_at_last(struct findings_builder *builder, const struct habit *habit,
			 const struct hold *hold)
{
	uint64_t duration = hold->released - hold->granted;
	struct finding *finding;

	if (duration < UNUSUAL_NS || !habit_exceeded(habit, duration) ||
	    hold->keeper != hold->process || !watch_process(builder, hold->process)->exited)
		return;
	finding = found(builder, FINDING_NEVER_RELEASED, hold->file, hold->world,
			side_of_hold(hold), nobody, nobody);
	found_range(finding, hold->start, hold->end);
	if (duration > finding->duration) {
		finding->duration = duration;
		finding->number = habit->count;
	}
}

void owners_hold(struct findings_builder *builder, const struct hold *hold)
{
	struct own_habit *own;

	if (hold->file == NONE)
		return;
	look_for_leak(builder, hold);
	own = habit_of(watch_process(builder, hold->process), hold);
	if (!own)
		return;
	if (hold->how == HOLD_DIED)
		look_at_last(builder, &own->habit, hold);
	if (hold->how == HOLD_RELEASED || hold->how == HOLD_CLOSED)
		habit_note(&own->habit, hold->released - hold->granted);
}
