/* SPDX-License-Identifier: MIT */
/*
 * What the replay knows at one moment. Private to model/. Grows with what is open: holds,
 * descriptors, calls in progress; per process and file ever seen one pointer stays.
 */
#ifndef ANALYZER_MODEL_STATE_H
#define ANALYZER_MODEL_STATE_H

#include "analyzer/base/vec.h"
#include "analyzer/model/model.h"
#include "analyzer/model/range_set.h"

/* Who a lock belongs to: a process or an open file description, in one numbering. */
#define NO_OWNER UINT32_MAX /* not known; conflicts with everybody */

static inline uint32_t owner_process(uint32_t process)
{
	return process << 1;
}

static inline uint32_t owner_description(uint32_t description)
{
	return description << 1 | 1;
}

static inline bool owner_is_description(uint32_t owner)
{
	return owner & 1;
}

static inline uint32_t owner_index(uint32_t owner)
{
	return owner >> 1;
}

/* ---- Descriptors */

struct descriptor {
	int32_t fd;
	uint32_t description;
	uint64_t since; /* ns: when the trace first spoke of it */
	bool close_on_exec;
};

/* The fds of a process that the trace has spoken of, ordered by number. */
struct descriptor_table {
	struct descriptor *items;
	uint32_t count, room;
};

/* A call that gave up something, by any thread of an owner. */
struct weakening {
	uint64_t begin, until; /* ns; until UINT64_MAX: in flight, 0: none */
	uint64_t start, end;
	uint32_t file, process, tid;
	enum world world;
	bool shared;  /* a shared lock was kept */
	bool granted; /* and the lock that it was for was granted */
};

#define WEAKENINGS_KEPT 8

struct weakenings {
	uint32_t in_flight;
	uint32_t count;		  /* there have ever been so many; the newest are kept */
	uint64_t latest;	  /* ns: begin of any, or end of one that has ended */
	uint64_t forgotten_begin; /* the latest one that is not kept */
	struct weakening kept[WEAKENINGS_KEPT];
};

struct description {
	uint32_t file;	     /* NONE: not known yet */
	uint32_t refs;	     /* descriptors of it, in processes and snapshots */
	uint32_t quiet;	     /* of these: in snapshots and in processes that have begun to exit */
	uint32_t pins;	     /* calls in flight that name it */
	uint64_t kept_until; /* ns: the last moment at which one that has given it up had it */
	struct weakenings weakenings;
};

/* A descriptor table as fork copied it, for a child that has not spoken yet. */
struct snapshot {
	struct descriptor_table descriptors;
	uint32_t tid; /* the thread that forked */
	int32_t pid;  /* 0: fork has not returned yet */
};

/* ---- Calls in flight */

/* A hold that stands, or stood, in the way of a wait. */
struct blocker {
	struct overlap overlap;
	uint32_t owner;
};

struct blocker_list {
	struct blocker *items;
	uint32_t count, room;
};

/*
 * A call between its first event and its last. Those that have a first event alone (a successful
 * unlock or close) last until the next event of their thread: until then they may still fail.
 */
struct flight {
	struct flight *below;	     /* the call of the same thread that this one interrupted */
	struct flight *next, **link; /* among the pending requests on its file */
	bool closes;		     /* a close-like call, else a lock request */
	bool may_block, query, found, bad_range;
	uint16_t weakens; /* how many files' locks of its owner it may give up */
	uint8_t op;
	enum world world;
	enum ownership ownership;
	enum mode mode;
	uint32_t process, tid, file, stack;
	int32_t fd;
	uint32_t owner;
	uint64_t start, end;
	uint64_t weak_start, weak_end; /* what it may give up */
	uint64_t begin;		       /* ns */
	uint64_t losses;	       /* EVENT_LOSTs before it */
	uint64_t last_leaver;	       /* ns: of who was in its way to the end; 0: nobody */
	/* What other threads of its owner did meanwhile. */
	bool doubtful;
	uint64_t unknown_start, unknown_end; /* given up while this call was under way */
	uint64_t unknown_since;
	enum hold_end stash_end;
	int32_t duplicate; /* fd that a DUP_FD has made, or -1 */
	uint32_t gone_omitted;
	uint64_t newest_blocker; /* id */
	uint64_t blocked_ns, blocked_from, blocked_to;
	uint64_t
		between_ns; /* from a release to the next hold in the way: woken, but not in time */
	/* Lists come last: their memory outlives the call. */
	struct held_list stash;		/* holds that it takes away, to be ended or put back */
	struct descriptor_table closed; /* descriptors that it closes */
	struct blocker_list standing;	/* what stands in its way now */
	struct blocker_list gone;	/* what stood there before */
};

struct thread {
	uint32_t tid;
	struct flight *top; /* innermost call in flight */
};

/* ---- Processes and files */

struct process {
	uint32_t index, parent;
	int32_t pid; /* 0: unknown */
	bool exiting, dead;
	uint64_t contradicted; /* overlaps charged to its holds since it last spoke, */
	uint64_t unknown_ends; /* and those of them that have no certain end */
	uint64_t last_word;    /* ns */
	uint32_t last_thread;  /* index that was asked for last */
	VEC(struct thread) threads;
	struct descriptor_table descriptors;
	VEC(uint32_t) files; /* on which it has POSIX locks */
	VEC(struct snapshot) forks;
	VEC(uint32_t) children;	      /* recorded ones that live */
	struct weakenings weakenings; /* of its POSIX locks */
};

/* A lock whose last known descriptor is gone (heirs.h). */
struct left_lock {
	struct held held;
	uint64_t leave;	 /* the same for all that one owner left at once */
	uint64_t losses; /* EVENT_LOSTs before it */
};

/* One file in one world. */
struct lock_table {
	VEC(struct range_set) sets; /* of those who hold something, in no order */
	uint32_t writers;	    /* sets that may be in the way of a reader */
	struct flight *pending;	    /* requests for a lock that have not been answered */
	VEC(struct left_lock) left;
};

struct file_locks {
	struct lock_table worlds[2]; /* by enum world */
};

struct model {
	struct model_callbacks callbacks;
	struct model_quality quality;
	VEC(struct process *) processes;
	VEC(struct file_locks *) files;
	VEC(struct description) descriptions;
	VEC(uint32_t) free_descriptions;
	struct flight *spare; /* done with, kept for their memory */
	VEC(struct held_list) spare_lists;
	struct held_list scratch;
	VEC(struct overlap) overlaps;
	uint64_t now;		    /* ns: of the event that is being replayed */
	uint64_t last_hold;	    /* id */
	uint64_t leaves;	    /* of locks without an heir so far (heirs.h) */
	uint64_t losses;	    /* EVENT_LOSTs so far */
	uint64_t holds_before_loss; /* id of the last hold that is older than the last of them */
	bool ended;
};

/* The process with this index, made if need be. */
struct process *process_get(struct model *model, uint32_t index);
/* NULL: nothing is known of it. */
struct process *process_known(const struct model *model, uint32_t index);
struct lock_table *table_get(struct model *model, uint32_t file, enum world world);

/* What a call did to [start, end) of its owner's locks is not known. */
void unknown_range(struct model *model, uint32_t owner, uint32_t file, enum world world,
		   uint64_t start, uint64_t end);
/* What was done with this description until now is not known. */
void unknown_past(struct model *model, uint32_t description);

static inline uint64_t later_of(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static inline uint64_t earlier_of(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

#endif
