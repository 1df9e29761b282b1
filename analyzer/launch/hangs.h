/* SPDX-License-Identifier: MIT */
/*
 * Who hangs while the program runs: deadlocks, who holds what others wait for, and who waits for a
 * lock that nobody is about to release. What is found goes into the session, and to those whom
 * struct launch names. One thread.
 */
#ifndef ANALYZER_LAUNCH_HANGS_H
#define ANALYZER_LAUNCH_HANGS_H

#include "analyzer/base/vec.h"
#include "analyzer/launch/drain.h"
#include "analyzer/launch/launcher.h"
#include "analyzer/launch/session.h"
#include "analyzer/launch/watch.h"
#include "analyzer/live/holders.h"
#include "analyzer/live/live.h"

/* All of the launcher's. */
struct hangs_around {
	const struct launch *launch;
	struct session *session;
	struct watch *watch;
	const struct drain *drain;
	live_find find;
	const void *find_context;
	void (*update)(void *launcher); /* what was written is put into the trace now */
	void *launcher;
};

struct told_stuck {
	uint64_t request; /* position */
	pid_t holder;
};

struct hangs {
	struct hangs_around around;
	struct live *live;
	struct holders *holders;
	uint64_t stuck_look;   /* when the next one is due, ns */
	uint64_t stuck_looked; /* when the last one was, ns; 0: none so far */
	int64_t stuck_saved;   /* ns of processor time that may be used */
	VEC(struct told_stuck) told;
};

void hangs_begin(struct hangs *hangs, const struct hangs_around *around);
/* Every drained record. */
void hangs_record(struct hangs *hangs, uint64_t position, const uint64_t *payload);
/* Looks, if it is time. */
void hangs_look(struct hangs *hangs, uint64_t now);
/* When it is to look again soon; ns, UINT64_MAX: there is no hurry. */
uint64_t hangs_hurry(const struct hangs *hangs);
/* Whether the program is to be ended for what was found, as struct launch decides; tells the stuck.
 */
bool hangs_must_end(struct hangs *hangs, uint64_t now);
/* Writes what is left to be told. */
void hangs_finish(struct hangs *hangs);
void hangs_end(struct hangs *hangs);

#endif
