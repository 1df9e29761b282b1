/* SPDX-License-Identifier: MIT */
/* Holders who slept while others waited, for far longer than locks of the file are held mostly. */
#include <sys/syscall.h>

#include "analyzer/findings/watch.h"

#define IDLE_NS	  UINT64_C(10000000000) /* as --stuck-after, where nobody says how long is long */
#define NEARLY(x) ((x) / 5 * 4)		/* what was seen last is told later than the wait's end */

/*
 * Asleep, and not for others who work for it: for a child, another thread, another lock, or for
 * what it writes. Who waits in such a call may be at work all the same.
 */
static bool is_idle(const struct event *event)
{
	if (event->doing.doing != DOING_SLEEPS)
		return false;
	switch (event->doing.call) {
	case CALL_UNKNOWN:
	case SYS_wait4:
	case SYS_waitid:
	case SYS_futex:
	case SYS_fsync:
	case SYS_fdatasync:
	case SYS_sync:
	case SYS_syncfs:
	case SYS_msync:
		return false;
	}
	return true;
}

static struct nap *nap_of(struct seen_process *process, uint32_t file, enum world world, bool add)
{
	for (uint32_t i = 0; i < process->naps.count; i++)
		if (process->naps.items[i].file == file && process->naps.items[i].world == world)
			return &process->naps.items[i];
	if (!add || process->naps.count == NAPS_KEPT)
		return NULL;
	vec_push(&process->naps, (struct nap){ .file = file, .world = world });
	return &process->naps.items[process->naps.count - 1];
}

/* What one holder did in a while comes in several events, of the same time. */
void idle_event(struct findings_builder *builder, const struct event *event)
{
	struct nap *nap = event->file == NONE ? NULL
					      : nap_of(watch_process(builder, event->process),
						       event->file, event->doing.world, true);

	if (!nap)
		return;
	if (!is_idle(event)) {
		nap->busy = event->time;
		nap->since = 0;
	} else if (event->doing.since > nap->busy) {
		nap->since = nap->since ? nap->since : event->doing.since;
		nap->until = event->time;
	}
}

void idle_hold(struct findings_builder *builder, const struct hold *hold)
{
	if (hold->file != NONE && (hold->how == HOLD_RELEASED || hold->how == HOLD_CLOSED))
		habit_note(&watch_file(builder, hold->file)->habits[hold->world],
			   hold->released - hold->granted);
}

/* A child may do the work under its parent's lock. */
static bool has_children(const struct findings_builder *builder, uint32_t process)
{
	for (uint32_t i = 0; i < builder->processes.count; i++)
		if (builder->processes.items[i].parent == process &&
		    !builder->processes.items[i].gone)
			return true;
	return false;
}

static bool slept(struct findings_builder *builder, const struct overlap *overlap)
{
	const struct hold *hold = &overlap->hold;
	const struct nap *nap =
		nap_of(watch_process(builder, hold->keeper), hold->file, hold->world, false);

	return nap && nap->since && nap->since < overlap->end && nap->until > overlap->begin &&
	       nap->until - nap->since >= NEARLY(overlap->end - overlap->begin) &&
	       !has_children(builder, hold->keeper);
}

void idle_wait(struct findings_builder *builder, const struct wait *wait)
{
	struct finding_side waiter = { wait->process, wait->tid, wait->stack, wait->begin };

	for (uint32_t i = 0; i < wait->overlap_count; i++) {
		const struct overlap *overlap = &wait->overlaps[i];
		const struct hold *hold = &overlap->hold;
		uint64_t times, waited = overlap->end - overlap->begin;
		struct finding *finding;

		if (waited < IDLE_NS || hold->keeper == NONE || !slept(builder, overlap))
			continue;
		times = habit_exceeded(&watch_file(builder, hold->file)->habits[hold->world],
				       overlap->end - hold->granted);
		if (!times)
			continue;
		finding = found(builder, FINDING_STUCK_IDLE, hold->file, hold->world,
				side_of_hold(hold), waiter, nobody);
		found_range(finding, hold->start, hold->end);
		if (waited > finding->duration) {
			finding->duration = waited;
			finding->number = times;
		}
	}
}
