/* SPDX-License-Identifier: MIT */
#include "analyzer/launch/hangs.h"

#include "analyzer/launch/clock.h"
#include "analyzer/launch/waiting.h"
#include "analyzer/launch/writer.h"

#define STUCK_INTERVAL (100 * MILLISECOND)
#define STUCK_SHARE    500		    /* of a processor, one part of so many */
#define STUCK_SAVED    (1000 * MILLISECOND) /* of processor time not used so far */
#define STUCK_PAUSE    (300 * 1000 * MILLISECOND)

static void look_for_deadlocks(struct hangs *hangs, uint64_t now)
{
	const struct drain *drain = hangs->around.drain;
	const struct live_verdict *verdicts;
	uint32_t count;

	if (!live_look(hangs->live, now, drain->lapped || drain->holes.count || drain->damaged))
		return;
	verdicts = live_verdicts(hangs->live, &count);
	for (uint32_t i = 0; i < count; i++)
		if (verdicts[i].news)
			writer_verdict(hangs->around.session, &verdicts[i]);
	hangs->around.update(hangs->around.launcher);
	if (hangs->around.launch->deadlock)
		hangs->around.launch->deadlock(hangs->around.launch->context, verdicts, count);
}

/* Another who drains this session does so, too. */
static void look_at_holders(struct hangs *hangs, uint64_t now)
{
	if (hangs->around.watch->bury)
		holders_look(hangs->holders, now);
}

static void saw_holder(void *context, const struct holder_seen *seen)
{
	struct hangs *hangs = context;

	writer_doing(hangs->around.session, seen);
}

static bool is_deadlocked(struct hangs *hangs, uint64_t now)
{
	const struct launch *launch = hangs->around.launch;
	const struct live_verdict *verdicts;
	uint32_t count;

	if (!launch->must_end)
		return false;
	verdicts = live_verdicts(hangs->live, &count);
	return count && launch->must_end(launch->context, verdicts, count, now);
}

/* Each pair of a request and one in its way is told once. */
static bool is_told(const struct hangs *hangs, const struct told_stuck *pair)
{
	for (uint32_t i = 0; i < hangs->told.count; i++)
		if (hangs->told.items[i].request == pair->request &&
		    hangs->told.items[i].holder == pair->holder)
			return true;
	return false;
}

static bool tell_stuck(struct hangs *hangs, const struct stuck_wait *stuck, uint64_t since)
{
	const struct launch *launch = hangs->around.launch;
	struct slot_wait request;
	uint32_t holder = waiting_process(hangs->around.watch, stuck->holder);
	struct told_stuck pair;

	/* What those wait for who are recorded, the live watch tells. */
	if (stuck->why == STUCK_CIRCLE && waiting_is_recorded(hangs->around.watch, stuck->holder))
		return false;
	if (!waiting_request(hangs->around.watch, stuck, since, &request))
		return false;
	pair = (struct told_stuck){ request.position, stuck->holder };
	if (is_told(hangs, &pair))
		return false;
	vec_push(&hangs->told, pair);
	writer_stuck(hangs->around.session, &request, stuck->why,
		     stuck->why == STUCK_CIRCLE ? (uint32_t)stuck->holder : holder, stuck->fd);
	hangs->around.update(hangs->around.launcher);
	return launch->stuck(launch->context, stuck);
}

/*
 * The slots tell now and then whether somebody has waited for long. Only where they don't explain
 * why, all processes of the machine are looked at, which is not to be repeated soon.
 */
static bool look_for_stuck(struct hangs *hangs, uint64_t now)
{
	const struct launch *launch = hangs->around.launch;
	struct pids waiters = { 0 };
	struct stuck_waits found = { 0 };
	uint64_t since = now > launch->stuck_after ? now - launch->stuck_after : 0;
	bool end = false;

	waiting_since(hangs->around.watch, hangs->holders, since, &waiters);
	if (waiters.vec.count) {
		launch->find_stuck(launch->context, &waiters, &found);
		hangs->stuck_look = now + launch->stuck_after;
	}
	for (uint32_t i = 0; i < found.vec.count && !end; i++)
		end = tell_stuck(hangs, &found.vec.items[i], since);
	stuck_waits_free(&found);
	vec_free(&waiters.vec);
	return end;
}

static void earn(struct hangs *hangs, uint64_t now)
{
	hangs->stuck_saved += (int64_t)((now - hangs->stuck_looked) / STUCK_SHARE);
	if (hangs->stuck_saved > (int64_t)STUCK_SAVED)
		hangs->stuck_saved = STUCK_SAVED;
	hangs->stuck_looked = now;
}

/* The first looks may be dear; who goes on looking pays it back before the next. */
static void pay(struct hangs *hangs, uint64_t cost)
{
	uint64_t pause;

	hangs->stuck_saved -= (int64_t)cost;
	if (hangs->stuck_saved >= 0)
		return;
	pause = (uint64_t)-hangs->stuck_saved * STUCK_SHARE;
	hangs->stuck_look += pause < STUCK_PAUSE ? pause : STUCK_PAUSE;
}

static bool is_stuck(struct hangs *hangs, uint64_t now)
{
	uint64_t began = clock_read(CLOCK_THREAD_CPUTIME_ID);
	bool end;

	if (!hangs->around.launch->find_stuck || !hangs->around.watch->bury ||
	    now < hangs->stuck_look)
		return false;
	earn(hangs, now);
	hangs->stuck_look = now + STUCK_INTERVAL;
	end = look_for_stuck(hangs, now);
	pay(hangs, clock_read(CLOCK_THREAD_CPUTIME_ID) - began);
	return end;
}

bool hangs_must_end(struct hangs *hangs, uint64_t now)
{
	return is_deadlocked(hangs, now) || is_stuck(hangs, now);
}

void hangs_look(struct hangs *hangs, uint64_t now)
{
	look_for_deadlocks(hangs, now);
	look_at_holders(hangs, now);
}

uint64_t hangs_hurry(const struct hangs *hangs)
{
	return live_hurry(hangs->live);
}

void hangs_record(struct hangs *hangs, uint64_t position, const uint64_t *payload)
{
	live_record(hangs->live, position, payload);
	if (*(const uint8_t *)payload != RECORD_RESULT)
		holders_record(hangs->holders, position, payload);
}

void hangs_begin(struct hangs *hangs, const struct hangs_around *around)
{
	struct session *session = around->session;

	hangs->around = *around;
	hangs->live =
		live_open(session->header, &session->checked, around->find, around->find_context);
	hangs->holders = holders_open(session->header, &session->checked, around->find,
				      around->find_context, saw_holder, hangs);
}

void hangs_finish(struct hangs *hangs)
{
	holders_finish(hangs->holders);
}

void hangs_end(struct hangs *hangs)
{
	live_close(hangs->live);
	holders_close(hangs->holders);
	vec_free(&hangs->told);
}
