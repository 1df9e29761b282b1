/* SPDX-License-Identifier: MIT */
/* Waits that nobody was about to end, as they were seen from outside. */
#include "analyzer/findings/watch.h"

/* The request that the waiter is inside of; with no stack where that was lost. */
static struct asked asked_of(struct findings_builder *builder, const struct event *event)
{
	const struct seen_thread *thread = watch_thread(builder, event->process, event->tid);

	if (thread->inside && thread->waiting.file == event->file)
		return thread->waiting;
	return (struct asked){
		.by = { event->process, event->tid, NONE, event->stuck.since },
		.file = event->file,
		.world = event->stuck.world,
		.mode = MODE_EXCLUSIVE,
		.start = event->stuck.start,
		.end = event->stuck.end,
	};
}

/* An heir has had the lock since it was started: nobody hands over a descriptor later, but through
 * a socket. */
static struct finding_side holder_of(const struct findings_builder *builder,
				     const struct event *event)
{
	struct finding_side holder = { event->stuck.holder, 0, NONE, event->time };

	if (event->stuck.why == STUCK_INHERITED && holder.process < builder->catalog->process_count)
		holder.time = builder->catalog->processes[holder.process].first_seen;
	return holder;
}

void stuck_event(struct findings_builder *builder, const struct event *event)
{
	static const enum finding_id ids[] = {
		[STUCK_STOPPED] = FINDING_STUCK_STOPPED,
		[STUCK_INHERITED] = FINDING_STUCK_INHERITED,
		[STUCK_CIRCLE] = FINDING_STUCK_UNRECORDED,
	};
	struct finding_side holder = holder_of(builder, event);
	uint64_t waited = event->time - event->stuck.since;
	struct finding *finding;
	struct asked asked;
	struct hold hold;
	bool known;

	if (event->file == NONE)
		return;
	asked = asked_of(builder, event);
	/* What it had across exec is given as taken by itself. */
	known = !event->stuck.outsider && watch_in_the_way(builder, &asked, &hold) &&
		hold.process != holder.process;
	finding = found(builder, ids[event->stuck.why], event->file, event->stuck.world,
			known ? side_of_hold(&hold) : nobody, holder, asked.by);
	finding->outsider = event->stuck.outsider;
	found_range(finding, event->stuck.start, event->stuck.end);
	if (waited > finding->duration)
		finding->duration = waited;
}
