/* SPDX-License-Identifier: MIT */
/*
 * Children that recorded processes waited for. One that never announced itself and was never seen
 * from outside was not recorded; nor, at its end, was one that announced itself and then exited
 * without our seeing the exit: it had exec'd into something else. They are named too, though all
 * that is known of them may be the pid.
 */
#ifndef ANALYZER_LAUNCH_REAPED_H
#define ANALYZER_LAUNCH_REAPED_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "analyzer/base/map.h"
#include "analyzer/base/vec.h"
#include "analyzer/launch/session.h"

struct known_pid {
	pid_t pid;
	uint32_t process;  /* of its newest announcement */
	uint64_t position; /* of its first announcement; 0: none, or it was reaped since */
	uint64_t heard;	   /* when its newest one was drained, ns */
	bool exited;	   /* that process was seen to exit */
	bool seen;	   /* an image of its own was looked at from outside */
	bool named;	   /* and was found not to be recorded */
};

struct reaped_child {
	pid_t pid;
	int status;
	uint64_t position, time;
	const char *exe; /* "" unknown; the caller's */
};

struct reaped {
	struct session *session;
	uint64_t pidns; /* ours: pids of others mean nothing here */
	bool foreign;	/* somebody of another namespace records: silence proves nothing */
	struct map by_pid, by_process; /* into pids */
	VEC(struct known_pid) pids;
	VEC(struct reaped_child) waiting; /* not judged yet: an announcement may still be a hole */
};

void reaped_begin(struct reaped *reaped, struct session *session);
/* Every drained record that is not about locks. */
void reaped_record(struct reaped *reaped, uint64_t position, const uint64_t *payload);
/* A process was looked at from outside; named: it is not recorded, and that has been written. */
void reaped_seen(struct reaped *reaped, pid_t pid, bool named);
/* A child of our own has ended; exe must live on. */
void reaped_ours(struct reaped *reaped, pid_t pid, int status, const char *exe);
/* Whether the process that has this pid now has announced itself. */
bool reaped_announced(struct reaped *reaped, pid_t pid);
/* The same of the image that was first looked at then, ns. */
bool reaped_announced_since(struct reaped *reaped, pid_t pid, uint64_t time);
/* Judges those that have waited long enough; lost: announcements may have been lost too. */
void reaped_judge(struct reaped *reaped, uint64_t now, bool lost);
void reaped_end(struct reaped *reaped);

#endif
