/* SPDX-License-Identifier: MIT */
/*
 * Children that recorded processes waited for. One that never announced itself and was never seen
 * from outside was not recorded: it is named too, though all that is known of it is its pid.
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
	uint64_t position; /* of its announcement; 0: none, or it was reaped since */
	bool seen;	   /* looked at from outside */
};

struct reaped_child {
	pid_t pid;
	uint64_t position, time;
};

struct reaped {
	struct session *session;
	uint64_t pidns;	   /* ours: pids of others mean nothing here */
	bool foreign;	   /* somebody of another namespace records: silence proves nothing */
	struct map by_pid; /* into pids */
	VEC(struct known_pid) pids;
	VEC(struct reaped_child) waiting; /* not judged yet: an announcement may still be a hole */
};

void reaped_begin(struct reaped *reaped, struct session *session);
/* Every drained record that is not about locks. */
void reaped_record(struct reaped *reaped, uint64_t position, const uint64_t *payload);
/* A process was looked at from outside, and judged there. */
void reaped_seen(struct reaped *reaped, pid_t pid);
/* Whether the process that has this pid now has announced itself. */
bool reaped_announced(struct reaped *reaped, pid_t pid);
/* Judges those that have waited long enough; lost: announcements may have been lost too. */
void reaped_judge(struct reaped *reaped, uint64_t now, bool lost);
void reaped_end(struct reaped *reaped);

#endif
