/* SPDX-License-Identifier: MIT */
/* Those who wait, and those who must not because it would never end. */
#include "analyzer/findings/watch.h"

#define CHAIN_MAX  16 /* the kernel gives up after 10 */
#define STARVED_NS UINT64_C(10000000)

/* ---- EDEADLK */

/*
 * Follows who waits for whom, by thread, where the kernel goes by process. True: it comes back to
 * the thread that was refused, or cannot be told; false: a thread that holds what is in the way was
 * not waiting. `holder` is the first one in the way, `waiting` what it waits for itself.
 */
static bool is_circle(struct findings_builder *builder, const struct asked *refused,
		      struct hold *holder, struct finding_side *waiting)
{
	struct asked asked = *refused;

	for (unsigned length = 0; length < CHAIN_MAX; length++) {
		const struct seen_thread *thread;
		struct hold hold;

		if (!watch_in_the_way(builder, &asked, &hold))
			return true;
		if (!length)
			*holder = hold;
		if (hold.process == refused->by.process && hold.tid == refused->by.tid)
			return true;
		thread = watch_thread(builder, hold.process, hold.tid);
		if (!thread->inside)
			return false;
		if (!length)
			*waiting = thread->waiting.by;
		asked = thread->waiting;
	}
	return true;
}

/* The kernel follows any thread of the holder that waits. */
static struct finding_side any_waiting(struct findings_builder *builder, uint32_t process)
{
	const struct seen_process *seen = watch_process(builder, process);

	for (uint32_t i = 0; i < seen->threads.count; i++)
		if (seen->threads.items[i].inside)
			return seen->threads.items[i].waiting.by;
	return nobody;
}

void waits_request(struct findings_builder *builder, const struct request *request)
{
	struct asked asked = asked_by(request);
	struct finding_side waiting = nobody;
	struct hold holder = { .process = NONE, .stack = NONE };
	bool circle;

	if (request->error != EDEADLK || request->file == NONE)
		return;
	circle = is_circle(builder, &asked, &holder, &waiting);
	if (holder.process != NONE && waiting.process == NONE)
		waiting = any_waiting(builder, holder.process);
	/* Without a known holder there is nothing to say but what the program was told itself. */
	if (holder.process != NONE)
		found_range(found(builder, circle ? FINDING_EDEADLK : FINDING_SPURIOUS_EDEADLK,
				  request->file, request->world, asked.by, side_of_hold(&holder),
				  waiting),
			    request->start, request->end);
}

/* ---- Starvation */

void waits_wait(struct findings_builder *builder, const struct wait *wait)
{
	struct finding_side waiter = { wait->process, wait->tid, wait->stack, wait->begin };
	const struct seen_thread *thread = watch_thread(builder, wait->process, wait->tid);
	const struct overlap *longest = NULL;
	struct finding *finding;
	uint64_t overtaken = 0;

	if (wait->mode != MODE_EXCLUSIVE || wait->finish - wait->begin < STARVED_NS ||
	    !thread->inside)
		return;
	for (uint32_t i = 0; i < wait->overlap_count; i++) {
		const struct overlap *overlap = &wait->overlaps[i];

		if (overlap->hold.mode != MODE_SHARED || overlap->hold.granted <= wait->begin)
			continue;
		overtaken++;
		if (!longest || overlap->end - overlap->begin > longest->end - longest->begin)
			longest = overlap;
	}
	if (overtaken <= 2 * (uint64_t)thread->queue)
		return;
	finding = found(builder, FINDING_STARVED_WRITER, wait->file, wait->world, waiter,
			side_of_hold(&longest->hold), nobody);
	found_range(finding, wait->start, wait->end);
	if (wait->finish - wait->begin > finding->duration) {
		finding->duration = wait->finish - wait->begin;
		finding->number = overtaken;
	}
}
