/* SPDX-License-Identifier: MIT */
/*
 * Deadlocks while they last. Looks at the slots of a session that is mapped: who is in the same
 * request at two looks is waiting. What they wait for, who holds that and who could release it is
 * then asked of /proc, where the kernel tells of every thread, also of those that never locked.
 *
 * VERDICT_CERTAIN: every thread of every member waits for a lock, for a child or for a pipe and has
 * not run meanwhile; all who share the locks in question are known; no timer runs; nothing was
 * lost; and /proc/locks, read once, shows each of the waits. Else it is VERDICT_UNTIL_TIMEOUT or
 * VERDICT_LIKELY, the latter also where somebody does other things than wait who could release a
 * lock, but another took it, or whose release lets the kernel look for a circle again. Where one of
 * them tries again and again it is VERDICT_LIVELOCK, if none has let go of what another wants
 * meanwhile. What is likely, or a livelock, is told after a second.
 *
 * Descriptors that were handed to a process of another user, older than all members, aren't seen.
 *
 * Times in ns, CLOCK_MONOTONIC. One thread. It takes about a hundredth of a processor, once it has
 * looked a few times; more only where each look is dear, of which there is one a second then.
 */
#ifndef ANALYZER_LIVE_LIVE_H
#define ANALYZER_LIVE_LIVE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "analyzer/deadlock/deadlock.h"
#include "trace/format.h"

struct live_member {
	uint32_t process, tid; /* as the session has them */
	pid_t pid, task;       /* the same as we see them */
	enum verdict_wait waits_for;
	uint32_t other; /* process whose end, or word, it waits for; 0: a lock, or any of several */
	bool behind;	/* waits for the others, and none of them for it */
};

struct live_verdict {
	enum verdict verdict;
	bool news;	/* it is new, or has become firmer, at the last look */
	uint64_t since; /* from its last edge; where the last one isn't a lock, when it was seen */
	uint64_t seen;	/* when the verdict was reached; it may become firmer later */
	/* First a cycle, each of whom waits for the next; then others of the knot; then those
	 * behind. */
	const struct live_member *members;
	uint32_t count, cycle, knot;
};

struct live;

/* Finds the pid here of a process of another pid namespace; 0: not known. */
typedef pid_t (*live_find)(const void *context, pid_t inner, uint64_t start_time);

/* `mapped`: the session, `checked`: its header as it was when it was found to be right. */
struct live *live_open(const struct header *mapped, const struct header *checked, live_find find,
		       const void *context);

/* Each first cell of a record that is not a lock request, in about their order. */
void live_record(struct live *live, uint64_t position, const uint64_t *payload);

/* Looks, if it is time. lost: records were lost. True: there is a new verdict, or a firmer one. */
bool live_look(struct live *live, uint64_t now, bool lost);

/* When the next look is due that may find the same waits as the last one; ns, UINT64_MAX: that has
 * found the same as the one before, so there is no hurry. */
uint64_t live_hurry(const struct live *live);

/* Those that stand at the last look; valid until the next. */
const struct live_verdict *live_verdicts(const struct live *live, uint32_t *count);

void live_close(struct live *live);

#endif
