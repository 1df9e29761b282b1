/* SPDX-License-Identifier: MIT */
/*
 * The kernel's lock rules (fs/locks.c), replayed: events -> holds and waits. Starts from "unknown",
 * because a trace can begin anywhere. Knows nothing of files on disk, of records or of printing.
 *
 * What a call may weaken is not counted as held while it runs, so recorded holds lie inside the
 * real ones, and two conflicting holds never overlap; `overlaps` counts where they do all the same
 * (a release nobody saw), and the older one is ended there.
 */
#ifndef ANALYZER_MODEL_MODEL_H
#define ANALYZER_MODEL_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "analyzer/event.h"

enum hold_end {
	HOLD_OPEN,     /* still held at the end of the trace */
	HOLD_RELEASED, /* unlocked, downgraded or converted */
	HOLD_CLOSED,   /* a close dropped it */
	HOLD_EXEC,     /* close-on-exec */
	HOLD_DIED,     /* implied: its last owner was seen dead */
	HOLD_IMPLIED,  /* implied: a conflicting lock was granted; released as that was, where
			  somebody had waited for it, else with the last word of those who had it */
};

/* An owner has [start, end) in a mode, from grant to release. Valid until the callback returns,
 * unless retained. */
struct hold {
	uint64_t id; /* 1, 2, …: by grant */
	uint32_t file;
	enum world world;
	enum ownership ownership;
	enum mode mode; /* MODE_SHARED or MODE_EXCLUSIVE */
	uint64_t start, end;
	uint32_t process, tid; /* who acquired it */
	uint32_t keeper;       /* who has it now, where a description has outlived its taker */
	uint64_t kept_since;   /* ns: since when, where that is not the taker */
	uint64_t taker_until;  /* ns: until when the taker had it, in that case */
	uint32_t stack;	       /* where it was acquired */
	int32_t fd;
	uint64_t granted, released; /* ns; released is set when it has ended */
	/* ns: what nobody can know more exactly. It was granted no earlier than `asked`, when the
	 * call for it began, and has ended by `gone`, when that was seen. */
	uint64_t asked, gone;
	enum hold_end how;
};

/* The part of a wait during which one conflicting hold stood in its way. */
struct overlap {
	struct hold hold;    /* a copy; hold.released is the wait's end where the hold went on */
	uint64_t begin, end; /* ns, inside the wait */
};

enum outcome {
	OUTCOME_GRANTED,
	OUTCOME_FAILED,
	OUTCOME_ABANDONED, /* the call never came back: its thread went on, or ended */
	OUTCOME_DIED,	   /* its process was gone before the call came back */
	OUTCOME_WAITING	   /* when recording ended */
};

/* A blocking call that overlapped a conflicting hold, or took far longer than uncontended calls do.
 */
struct wait {
	uint32_t process, tid;
	uint32_t file;
	uint32_t stack;
	uint8_t op;
	enum world world;
	enum mode mode;
	int32_t fd;
	uint64_t start, end;
	uint64_t begin, finish; /* ns */
	enum outcome outcome;
	int error;			/* with OUTCOME_FAILED */
	const struct overlap *overlaps; /* by begin */
	uint32_t overlap_count;
	uint32_t overlaps_omitted; /* shorter ones, beyond what is kept of a long wait */
	uint64_t covered;	   /* ns in which holds, these or omitted ones, were in the way */
	uint64_t hand_off;   /* ns after a release, before the grant or the next hold in the way */
	bool holder_unknown; /* part of the wait had no known holder in its way */
	bool at_most; /* the process died in it, nobody knows when: finish is the latest moment */
};

/* Each request that has ended: for the counts per resource. */
struct request {
	uint32_t process, tid, file, stack;
	int32_t fd;
	enum ownership ownership;
	uint8_t op;
	enum world world;
	enum mode mode;
	bool may_block, query;
	bool found; /* a query that found a lock in the way */
	uint64_t start, end;
	uint64_t begin, duration; /* ns */
	int error;
	bool waited;
};

/*
 * What nobody can know: of [start, end) the owner may have more than the model says from here on,
 * until it is given a lock there, or gives one up.
 */
struct unknown_range {
	uint32_t owner; /* by the model's own numbers (state.h) */
	uint32_t file;	/* NONE: any */
	enum world world;
	uint64_t start, end;
};

struct model_callbacks {
	void *context;
	void (*request)(void *context, const struct request *request);
	void (*hold)(void *context,
		     const struct hold
			     *hold); /* when it ends, and at the end of the trace with HOLD_OPEN */
	void (*wait)(void *context, const struct wait *wait); /* when it ends, and at the end of the
								 trace with OUTCOME_WAITING */
	void (*unknown)(void *context,
			const struct unknown_range *range); /* for tests and oracles */
};

struct model_quality {
	uint64_t overlaps;     /* conflicting holds that seemed to overlap */
	uint64_t implied_ends; /* holds ended by a later grant or a death */
	uint64_t unknown_ends; /* of these: of somebody who went without a word, and nobody waited
				  for it; released is the last moment they are known to be held */
	uint64_t unknown_requests; /* that nobody answered: whether they waited is not known */
	uint64_t unknown_waits;	   /* waits whose holder is not known */
	uint64_t doubts; /* calls of which nobody knows what they did to a range: another thread of
			    their owner was at work on it, and who came last is not known, or they
			    never came back; what is not certain counts as not held */
	uint64_t unknown_pasts; /* descriptions of which the trace told late: first seen in a
				   process that has inherited them, from somebody who may have
				   locked them and is gone; or two that turned out to be one */
	uint64_t orphans; /* results without request, unlocks of nothing known: normal where a trace
			     begins in the middle */
};

struct model;

struct model *model_new(const struct model_callbacks *callbacks);
void model_free(struct model *model);
void model_event(struct model *model, const struct event *event);
const struct model_quality *model_quality(const struct model *model);

/* For tests and oracles: the holds that are open now on a file, by world, start, end, process.
 * Returns how many there are. */
uint32_t model_holds(const struct model *model, uint32_t file, struct hold *out, uint32_t room);

/*
 * The holds on a file that calls in flight may be giving up: no longer counted as open, not yet
 * told to hold(). released is when that call began, gone is now. Returns how many there are.
 */
uint32_t model_ending(const struct model *model, uint32_t file, struct hold *out, uint32_t room);

/* A call shorter than this cannot have slept: switching away and back takes longer. */
#define WAIT_MIN_NS UINT64_C(2000)
/* A blocking call that took so long has waited, even if no holder is known. */
#define WAIT_UNKNOWN_NS UINT64_C(10000000)

#endif
