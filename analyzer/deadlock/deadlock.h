/* SPDX-License-Identifier: MIT */
/*
 * Deadlocks of a recording: events, and what the model says about who stands in whose way ->
 * verdicts. Looked for where a wait ends otherwise than by a release, where a process dies, and at
 * the end of the trace; so one that was broken by a kill or by a signal is found too.
 *
 * A trace tells nothing of threads that never made a call that is recorded, and those could release
 * a lock: so a verdict is VERDICT_CERTAIN only where it was seen to be, live.
 *
 * Times in ns. One thread; memory grows with processes that live, and with deadlocks.
 */
#ifndef ANALYZER_DEADLOCK_DEADLOCK_H
#define ANALYZER_DEADLOCK_DEADLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "analyzer/event.h"
#include "analyzer/model/model.h"
#include "analyzer/model/standing.h"

/* Why it is not certain. */
enum doubt {
	DOUBT_NONE,
	DOUBT_UNSEEN,  /* threads that were never recorded could release a lock */
	DOUBT_SHARERS, /* recorded ones that do not wait could: see `sharer` */
};

/* What the kernel makes of it. */
enum consequence {
	CONSEQUENCE_HANG,
	CONSEQUENCE_TIMEOUT,  /* the timer's signal */
	CONSEQUENCE_EDEADLK,  /* it refuses a request that closes the circle; see `ends` */
	CONSEQUENCE_LIVELOCK, /* nothing: they try until one of them gives up */
};

enum deadlock_end {
	DEADLOCK_LASTS,	      /* to the end of the recording */
	DEADLOCK_DIED,	      /* a process died; `breaker` */
	DEADLOCK_INTERRUPTED, /* a wait failed with `error` */
	DEADLOCK_WENT_ON,     /* a wait was over, nobody saw why */
};

/* A circle of so many is the largest that the kernel sees. */
#define KERNEL_FOLLOWS 12

struct deadlock_member {
	uint32_t process, tid;
	bool behind; /* it waits for the others, and none of them for it */
	uint64_t since;
	enum verdict_wait waits_for;
	bool tries;	/* LOCK: again and again */
	uint32_t other; /* CHILD, PIPE: process whose end or word it waits for; NONE: any of several
			 */
	uint32_t file, stack;
	uint8_t op;
	enum world world;
	enum ownership ownership; /* by process: the kernel looks for circles of these alone */
	enum mode mode;
	uint64_t start, end;
	/* Its holds that are in the way of another one. hold.process is another process where that
	 * took the lock and this one only shares it. */
	const struct hold *holds;
	uint32_t hold_count;
};

struct deadlock {
	enum verdict verdict;
	enum doubt doubt;
	enum consequence consequence;
	/* The member whose wait EDEADLK or the first timer ends; NONE: not known, or neither. */
	uint32_t ends;
	uint64_t timer; /* ns: when that timer runs out, by the latest; 0: not known */
	/* EDEADLK: the kernel can refuse its request once this one has let go of a lock, for then
	 * it looks again; NONE: it has. */
	uint32_t opener, opener_tid;
	enum deadlock_end how;
	uint64_t since, until; /* from its last edge to its end, or the end of the recording */
	bool seen_live;	       /* while it lasted */
	bool at_most;	       /* it ended by `until`, nobody saw when */
	uint32_t breaker;      /* process; NONE */
	uint32_t breaker_tid;
	int error;
	uint32_t sharer, sharer_tid; /* process that could release; NONE */
	uint32_t processes;	     /* that are members and not behind */
	bool spurious;		     /* of a refusal: somebody in the circle did not wait */
	/* First a cycle, each of whom waits for the next; then others of the knot; then those
	 * behind. */
	const struct deadlock_member *members;
	uint32_t member_count, cycle, knot;
};

/* By time. */
struct deadlocks {
	const struct deadlock *items;
	uint32_t count;
	uint32_t omitted; /* further ones, beyond what is kept */
	/* Circles that the kernel kept from closing: at `until` it refused the first member's
	 * request with EDEADLK. Who waits for whom is told by process, as the kernel goes. */
	const struct deadlock *refused;
	uint32_t refused_count, refused_omitted;
};

/* Tells who tries for a lock again and again at `now`, ns. */
struct triers {
	void *context;
	void (*each)(void *context, uint64_t now,
		     void (*each)(void *context, const struct standing *standing),
		     void *each_context);
};

struct deadlock_builder;

struct deadlock_builder *deadlock_builder_new(void);
/* The model that is asked; before the first event. */
void deadlock_builder_model(struct deadlock_builder *builder, const struct model *model);
/* Without it, who tries again and again is taken to run. */
void deadlock_builder_triers(struct deadlock_builder *builder, const struct triers *triers);
/* Each event, before model_event() sees it. */
void deadlock_builder_event(struct deadlock_builder *builder, const struct event *event);
/* Valid until the builder is freed. */
const struct deadlocks *deadlock_builder_finish(struct deadlock_builder *builder);
void deadlock_builder_free(struct deadlock_builder *builder);

static inline const char *verdict_name(enum verdict verdict)
{
	static const char *const names[] = { "certain", "until-timeout", "likely", "livelock" };

	return names[verdict];
}

static inline const char *consequence_name(enum consequence consequence)
{
	static const char *const names[] = { "hang", "timeout", "EDEADLK", "livelock" };

	return names[consequence];
}

#endif
