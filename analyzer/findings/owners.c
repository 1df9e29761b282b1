/* SPDX-License-Identifier: MIT */
/* Who has a lock, and whether it is still theirs to have. */
#include "analyzer/findings/watch.h"

#define HABIT_HOLDS   8	  /* so many holds make a habit */
#define UNUSUAL	      100 /* times as long */
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

static struct habit *habit_of(struct seen_process *process, const struct hold *hold)
{
	for (uint32_t i = 0; i < process->habits.count; i++)
		if (process->habits.items[i].file == hold->file &&
		    process->habits.items[i].world == hold->world)
			return &process->habits.items[i];
	if (process->habits.count == HABITS_KEPT)
		return NULL;
	vec_push(&process->habits, (struct habit){ .file = hold->file, .world = hold->world });
	return &process->habits.items[process->habits.count - 1];
}

static unsigned size_of(uint64_t ns)
{
	unsigned size = ns ? 63 - (unsigned)__builtin_clzll(ns) : 0;

	return size < 48 ? size : 47;
}

/* ns, at most twice as long as it was. */
static uint64_t median(const struct habit *habit)
{
	uint32_t before = 0;

	for (unsigned size = 0; size < 48; size++) {
		before += habit->holds[size];
		if (2 * before >= habit->count)
			return UINT64_C(2) << size;
	}
	return UINT64_MAX;
}

/* Killed, it may have been about to release. */
static void look_at_last(struct findings_builder *builder, const struct habit *habit,
			 const struct hold *hold)
{
	uint64_t duration = hold->released - hold->granted;
	struct finding *finding;

	if (habit->count < HABIT_HOLDS || duration < UNUSUAL_NS ||
	    duration / UNUSUAL < median(habit) || hold->keeper != hold->process ||
	    !watch_process(builder, hold->process)->exited)
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
	struct habit *habit;

	if (hold->file == NONE)
		return;
	look_for_leak(builder, hold);
	habit = habit_of(watch_process(builder, hold->process), hold);
	if (!habit)
		return;
	if (hold->how == HOLD_DIED)
		look_at_last(builder, habit, hold);
	if (hold->how != HOLD_RELEASED && hold->how != HOLD_CLOSED)
		return;
	habit->holds[size_of(hold->released - hold->granted)]++;
	habit->count++;
}
