/* SPDX-License-Identifier: MIT */
/* Which deadlocks are told. Private to deadlock.c and told.c. */
#ifndef ANALYZER_DEADLOCK_TOLD_H
#define ANALYZER_DEADLOCK_TOLD_H

#include "analyzer/base/vec.h"
#include "analyzer/deadlock/deadlock.h"

struct told_deadlock {
	struct deadlock deadlock;
	bool refuted;
};

/* It is none if this process is heard of again. */
struct doubted {
	uint32_t index, process;
};

struct told {
	VEC(struct told_deadlock) items;
	VEC(struct doubted) doubted;
	uint64_t lost; /* ns: when records were lost last; 0: never */
	VEC(struct deadlock) stand, refused;
	struct deadlocks result;
};

/* Takes it over. False: it is not told by itself. */
bool told_add(struct told *told, struct deadlock *deadlock);
/* The one that was added last, unless it was seen live, is none if this process lives on. */
void told_doubt(struct told *told, uint32_t process);
/* Whether there is room for one more request that was refused. If not, it is counted. */
bool told_has_room(struct told *told);
void told_refused(struct told *told, const struct deadlock *deadlock);
/* Each event. */
void told_event(struct told *told, const struct event *event);
/* Once; valid until freed. */
const struct deadlocks *told_finish(struct told *told);
void told_free(struct told *told);

#endif
