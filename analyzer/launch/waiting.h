/* SPDX-License-Identifier: MIT */
/* Who has waited for a lock for long, by the slots of the session; and who will wait on. */
#ifndef ANALYZER_LAUNCH_WAITING_H
#define ANALYZER_LAUNCH_WAITING_H

#include "analyzer/event.h"
#include "analyzer/launch/watch.h"
#include "analyzer/live/holders.h"
#include "analyzer/live/slots.h"
#include "analyzer/system/descendants.h"

/*
 * Appends the pids here of those that have been inside of one request, which may block, since
 * before `since` (ns), and for a lock of whose takers none goes on with its work. They may be
 * inside of it for other reasons than a lock.
 */
void waiting_since(const struct watch *watch, const struct holders *holders, uint64_t since,
		   struct pids *pids);

/* A process that waits, and one who has the lock and is in no state to release it. Pids as seen
 * from here. */
struct stuck_wait {
	pid_t waiter, holder;
	int fd; /* of the holder; -1: not known */
	bool flock;
	uint64_t start, end; /* of what is waited for; end 0: not known */
	enum stuck why;
	char *sentence; /* without a full stop */
};

struct stuck_waits {
	VEC(struct stuck_wait) vec;
};

void stuck_waits_free(struct stuck_waits *waits);
/* The request of a thread of this waiter, since before `since`. False: it has ended. */
bool waiting_request(const struct watch *watch, const struct stuck_wait *stuck, uint64_t since,
		     struct slot_wait *request);
/* The session's number of a process; 0: it has never been recorded. */
uint32_t waiting_process(const struct watch *watch, pid_t pid);
/* Whether it is recorded as the program that it is now, and was not only before its exec. */
bool waiting_is_recorded(const struct watch *watch, pid_t pid);

#endif
