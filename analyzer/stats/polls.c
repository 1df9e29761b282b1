/* SPDX-License-Identifier: MIT */
#include "analyzer/stats/polls.h"

#include <errno.h>

#include "analyzer/stats/errors.h"
#include "analyzer/stats/poll_episodes.h"
#include "analyzer/stats/poll_time.h"

/* ---- The end of an episode */

static struct wait wait_of(const struct poll_episode *episode, uint64_t finish,
			   enum outcome outcome)
{
	return (struct wait){
		.process = episode->first.process,
		.tid = episode->first.tid,
		.file = episode->first.file,
		.stack = episode->first.stack,
		.op = episode->first.op,
		.world = episode->first.world,
		.mode = episode->wanted[0].mode,
		.fd = episode->first.fd,
		.start = episode->wanted[0].start,
		.end = episode->wanted[0].end,
		.begin = episode->first.begin,
		.finish = finish,
		.outcome = outcome,
		.error = outcome == OUTCOME_FAILED ? EAGAIN : 0,
	};
}

/* Tells of it, unless it is no wait, and forgets it. */
static void conclude(struct polls *polls, struct poll_episode *episode, uint64_t finish,
		     enum outcome outcome)
{
	struct wait wait = wait_of(episode, finish, outcome);
	struct poll poll = {
		.tries = (episode->lock_tries ? episode->lock_tries : episode->wasted) +
			 (outcome == OUTCOME_GRANTED),
		.wasted = episode->wasted,
		.never_blocked = true,
		.gave_up = outcome == OUTCOME_FAILED,
	};

	if (outcome == OUTCOME_GRANTED || episode->lock_tries > 1) {
		poll_time_divide(polls, episode, &wait, &poll);
		polls->found(polls->context, &wait, &poll);
	}
	poll_forget(polls, episode);
}

static void conclude_as_it_stands(struct polls *polls, struct poll_episode *episode)
{
	if (episode->granted)
		conclude(polls, episode, episode->granted, OUTCOME_GRANTED);
	else
		conclude(polls, episode, episode->last, OUTCOME_FAILED);
}

static void sweep(struct polls *polls, uint64_t now)
{
	polls->next_end = UINT64_MAX;
	for (uint32_t i = polls->open.count; i--;) {
		struct poll_episode *episode = polls->open.items[i];
		uint64_t end = poll_end(episode);

		if (now > end)
			conclude_as_it_stands(polls, episode);
		else if (end < polls->next_end)
			polls->next_end = end;
	}
}

/* Ends move on with each try: to look too early does no harm. */
static void note_end(struct polls *polls, const struct poll_episode *episode)
{
	uint64_t end = poll_end(episode);

	if (end < polls->next_end)
		polls->next_end = end;
}

/* ---- Tries */

static void keep_try(struct poll_episode *episode, uint64_t begin, uint64_t end)
{
	uint32_t kept = 0;

	if (episode->skipped++ % episode->stride)
		return;
	if (episode->tries.count == POLL_TRIES_KEPT) {
		for (uint32_t i = 0; i < POLL_TRIES_KEPT; i += 2)
			episode->tries.items[kept++] = episode->tries.items[i];
		episode->tries.count = kept;
		episode->stride *= 2;
	}
	vec_push(&episode->tries, (struct poll_span){ begin, end });
}

/* The first one is what it waits for; of SQLite's steps an exclusive one is the goal. */
static void add_wanted(struct poll_episode *episode, const struct request *request)
{
	struct poll_wanted wanted = { request->start, request->end, request->mode }, first;

	for (unsigned i = 0; i < episode->wanted_count; i++)
		if (same_range(&episode->wanted[i], request) &&
		    episode->wanted[i].mode == wanted.mode)
			return;
	if (episode->wanted_count == POLL_WANTED)
		return;
	first = episode->wanted[0];
	if (episode->wanted_count && first.mode == MODE_SHARED && wanted.mode == MODE_EXCLUSIVE) {
		episode->wanted[0] = wanted;
		wanted = first;
	}
	episode->wanted[episode->wanted_count++] = wanted;
}

static bool belongs(const struct poll_episode *episode, const struct request *request)
{
	/* One's own lock of the one kind is in the way of the other. */
	if (!poll_same_thread(&episode->first, request) ||
	    episode->first.ownership != request->ownership)
		return false;
	if (poll_is_stepwise(episode) && poll_is_step(request->world, request->start, request->end))
		return true;
	return same_range(&episode->wanted[0], request) &&
	       (request->query || request->mode == episode->wanted[0].mode);
}

static struct poll_episode *begin_episode(struct polls *polls, const struct request *request)
{
	struct poll_episode *episode, *oldest = NULL;
	unsigned count = 0;

	for (episode = polls_on(polls, request->file); episode; episode = episode->next) {
		if (!poll_same_thread(&episode->first, request))
			continue;
		count++;
		if (!oldest || episode->last < oldest->last)
			oldest = episode;
	}
	if (count >= POLLS_KEPT)
		conclude_as_it_stands(polls, oldest);
	episode = poll_open(polls, request);
	/* What a query found is the other's lock; whoever asks so wants to have it alone. */
	if (request->query)
		episode->first.mode = MODE_EXCLUSIVE;
	add_wanted(episode, &episode->first);
	return episode;
}

/* The one that a failed try belongs to; NULL: there is none (any more). */
static struct poll_episode *find_episode(struct polls *polls, const struct request *request)
{
	struct poll_episode *episode = polls_on(polls, request->file);

	while (episode && !belongs(episode, request))
		episode = episode->next;
	if (!episode)
		return NULL;
	/* What it got was a first step only. */
	if (!poll_is_over(episode, request->begin) &&
	    (!episode->granted || episode->wanted[0].mode == MODE_SHARED))
		return episode;
	conclude_as_it_stands(polls, episode);
	return NULL;
}

static void failed_try(struct polls *polls, const struct request *request)
{
	struct poll_episode *episode = find_episode(polls, request);

	/* SQLite asks for RESERVED to know whether a journal is hot, not to have it. */
	if (!episode && request->query &&
	    poll_is_step(request->world, request->start, request->end))
		return;
	if (!episode)
		episode = begin_episode(polls, request);
	episode->granted = 0;
	episode->unlocked = false;
	episode->just_failed = true;
	episode->wasted++;
	episode->last = end_of(request);
	keep_try(episode, request->begin, end_of(request));
	/* It says by itself what the query before it was for. */
	if (!request->query && !episode->lock_tries++ && episode->first.query) {
		episode->first.op = request->op;
		episode->wanted_count = 0;
	}
	if (!request->query)
		add_wanted(episode, request);
	note_end(polls, episode);
}

static bool ends(const struct poll_episode *episode, const struct request *request)
{
	return !episode->granted && poll_same_thread(&episode->first, request) &&
	       covers(request, &episode->wanted[0]) &&
	       (request->mode == MODE_EXCLUSIVE || episode->wanted[0].mode == MODE_SHARED);
}

/* It has taken a shared lock since it did not get the exclusive one, or the like elsewhere right
 * after that, as SQLite does with the read marks of its log: it waits no longer. Who begins anew
 * unlocks or closes first. */
static bool makes_do(const struct poll_episode *episode, const struct request *request)
{
	const struct poll_wanted *wanted = &episode->wanted[0];

	if (episode->granted || poll_is_stepwise(episode) ||
	    !poll_same_thread(&episode->first, request) || request->fd != episode->first.fd)
		return false;
	if (touches(request, wanted))
		return !episode->unlocked && request->mode == MODE_SHARED &&
		       wanted->mode == MODE_EXCLUSIVE;
	return episode->just_failed && request->end - request->start == wanted->end - wanted->start;
}

static void note_unlock(struct polls *polls, const struct request *request)
{
	for (struct poll_episode *episode = polls_on(polls, request->file); episode;
	     episode = episode->next) {
		if (!poll_same_thread(&episode->first, request))
			continue;
		episode->just_failed = false;
		episode->unlocked |= touches(request, &episode->wanted[0]);
	}
}

static void note_close(struct polls *polls, uint32_t process)
{
	for (uint32_t i = 0; i < polls->open.count; i++)
		polls->open.items[i]->unlocked |= polls->open.items[i]->first.process == process;
}

/* Who tries for several ranges and then gets one lock over them all has waited once: of all the
 * episodes that the request ends, the first has it all. NULL: it ends none. */
static struct poll_episode *unite_ended(struct polls *polls, const struct request *request)
{
	struct poll_episode *first = NULL, *other, *next;

	for (other = polls_on(polls, request->file); other; other = other->next)
		if (ends(other, request) && !poll_is_over(other, request->begin) &&
		    (!first || other->first.begin < first->first.begin))
			first = other;
	for (other = polls_on(polls, request->file); first && other; other = next) {
		next = other->next;
		if (other == first || !ends(other, request) || poll_is_over(other, request->begin))
			continue;
		first->wanted[0].start = request->start;
		first->wanted[0].end = request->end;
		first->lock_tries += other->lock_tries;
		first->wasted += other->wasted;
		if (other->last > first->last)
			first->last = other->last;
		poll_time_absorb(first, other);
		poll_forget(polls, other);
	}
	return first;
}

static void got_it(struct polls *polls, const struct request *request)
{
	struct poll_episode *ended = unite_ended(polls, request), *next;

	for (struct poll_episode *episode = polls_on(polls, request->file); episode;
	     episode = next) {
		next = episode->next;
		if (episode == ended)
			continue;
		if (makes_do(episode, request) || ends(episode, request))
			conclude_as_it_stands(polls, episode);
		else
			episode->just_failed &= !poll_same_thread(&episode->first, request);
	}
	if (!ended)
		return;
	ended->granted = end_of(request);
	if (poll_is_stepwise(ended) && request->mode == MODE_SHARED)
		note_end(polls, ended);
	else
		conclude_as_it_stands(polls, ended);
}

void polls_request(struct polls *polls, const struct request *request)
{
	bool lock = request->mode == MODE_SHARED || request->mode == MODE_EXCLUSIVE;

	if (request->file == NONE || request->start >= request->end)
		return;
	if (request->found || (lock && is_conflict(request)))
		failed_try(polls, request);
	else if (!polls->open.count || request->query || request->error)
		return;
	else if (lock)
		got_it(polls, request);
	else if (request->mode == MODE_UNLOCK)
		note_unlock(polls, request);
}

/* ---- Blocking calls after tries */

bool polls_wait(struct polls *polls, const struct wait *wait)
{
	struct request request = {
		.process = wait->process,
		.tid = wait->tid,
		.file = wait->file,
		.world = wait->world,
		.mode = wait->mode,
		.start = wait->start,
		.end = wait->end,
		.begin = wait->begin,
	};
	struct poll_episode *episode = unite_ended(polls, &request);
	struct wait whole = *wait;
	struct poll poll;

	if (!episode)
		return false;
	poll = (struct poll){ .tries = episode->lock_tries + 1, .wasted = episode->wasted };
	whole.begin = episode->first.begin;
	poll_time_prepend(polls, episode, wait, &whole, &poll);
	polls->found(polls->context, &whole, &poll);
	poll_forget(polls, episode);
	return true;
}

/* ---- */

static void end_of_process(struct polls *polls, uint32_t process)
{
	for (uint32_t i = polls->open.count; i--;)
		if (polls->open.items[i]->first.process == process)
			conclude_as_it_stands(polls, polls->open.items[i]);
}

static void end_of_trace(struct polls *polls, uint64_t now)
{
	while (polls->open.count) {
		struct poll_episode *episode = polls->open.items[polls->open.count - 1];

		if (episode->granted || poll_is_over(episode, now))
			conclude_as_it_stands(polls, episode);
		else
			conclude(polls, episode, now > episode->last ? now : episode->last,
				 OUTCOME_WAITING);
	}
}

void polls_event(struct polls *polls, const struct event *event)
{
	if (!polls->open.count)
		return;
	if (event->kind == EVENT_END)
		end_of_trace(polls, event->time);
	else if (event->kind == EVENT_DEATH ||
		 (event->kind == EVENT_CALL && event->call.call == EXIT_PROCESS))
		end_of_process(polls, event->process);
	else if (event->kind == EVENT_CALL && event->call.call == CLOSE_FDS)
		note_close(polls, event->process);
	if (event->time > polls->next_end)
		sweep(polls, event->time);
}

void polls_free(struct polls *polls)
{
	while (polls->open.count)
		poll_forget(polls, polls->open.items[polls->open.count - 1]);
	vec_free(&polls->open);
	vec_free(&polls->files);
	vec_free(&polls->holds);
}
