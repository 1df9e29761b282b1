/* SPDX-License-Identifier: MIT */
/*
 * Waits of those who try and try again instead of blocking. An episode is a thread's tries for one
 * lock: from the first that failed to the one that got it, or to the last one where it gave up.
 *
 * A try is a non-blocking request; a query that found a lock in the way is one too, but counts only
 * if the lock was got in the end. Tries belong together by process, thread, file (not descriptor:
 * many programs open it anew each time), kind of lock, mode and range; on SQLite's lock bytes,
 * which it takes one after another, whatever the range. Who has not tried for 10 times the average
 * gap, or 1 s where that is longer (10 s after the first try), had given up, as has who made do
 * with a shared lock or with another range. A single try that failed is no wait. A blocking call
 * after failed tries is one wait with them, and a lock over all the ranges that were tried for ends
 * one wait, not one for each.
 *
 * Memory grows with files and threads: who tries for many locks of one file by turns does not wait
 * for each of them, so only the POLLS_KEPT newest of a thread's episodes on a file go on.
 */
#ifndef ANALYZER_STATS_POLLS_H
#define ANALYZER_STATS_POLLS_H

#include "analyzer/base/vec.h"
#include "analyzer/model/model.h"
#include "analyzer/model/standing.h"

/* What a wait has besides, where the lock was tried for. */
struct poll {
	bool never_blocked; /* else the last call did, or the only one */
	bool gave_up;
	uint64_t tries;	 /* lock calls, the last one too */
	uint64_t wasted; /* calls in vain, and queries that told so */
	uint64_t free;	 /* ns: nobody held it, and no try noticed; only where holders are known */
};

struct poll_wanted {
	uint64_t start, end;
	enum mode mode;
};

#define POLL_WANTED 4

struct poll_span {
	uint64_t begin, end; /* ns */
};

#define POLLS_KEPT 8

struct poll_episode {
	struct poll_episode *next; /* on the same file */
	uint32_t at;		   /* among all that are open */
	struct request first;
	struct poll_wanted wanted[POLL_WANTED]; /* all that failed; [0] ends it when granted */
	unsigned wanted_count;
	uint64_t lock_tries; /* failed ones, without queries */
	uint64_t wasted;
	uint64_t last;	  /* ns: end of the last try */
	uint64_t granted; /* ns; 0: not yet. SQLite has a first step, and may go on */
	uint64_t omitted; /* overlaps */
	bool just_failed; /* its thread has got and unlocked nothing of the file since */
	bool unlocked;	  /* what it wants, since the last try */
	bool spans_lost;
	uint64_t stride, skipped; /* of the tries that are kept, when there are many */
	VEC(struct poll_span) tries;
	VEC(struct poll_span) held;  /* something was in its way */
	VEC(struct poll_span) maybe; /* or can have been, while locks were got or given up */
	VEC(struct overlap) overlaps;
};

struct polls {
	VEC(struct poll_episode *) open;
	VEC(struct poll_episode *) files; /* by file: the newest episode */
	uint64_t next_end;	   /* ns: until then none of them is over by its age, or later */
	const struct model *model; /* NULL: what is held now is not known */
	VEC(struct hold) holds;
	void *context;
	void (*found)(void *context, const struct wait *wait, const struct poll *poll);
};

void polls_request(struct polls *polls, const struct request *request);
void polls_hold(struct polls *polls, const struct hold *hold);
/* The newest episode on a file; NULL: there is none. */
struct poll_episode *polls_on(const struct polls *polls, uint32_t file);
/* True: it came after failed tries and was told to found() as one wait with them. */
bool polls_wait(struct polls *polls, const struct wait *wait);
/* After the model has seen it: ends what the time that has passed, the end of a process or that of
 * the recording ends. */
void polls_event(struct polls *polls, const struct event *event);
/* Who is trying at `now`, ns, as model_standing() tells who waits; not who tries for several locks
 * by turns, as any one of them may do. */
void polls_standing(const struct polls *polls, uint64_t now,
		    void (*each)(void *context, const struct standing *standing), void *context);
void polls_free(struct polls *polls);

#endif
