/* SPDX-License-Identifier: MIT */
/*
 * The recorder's state, and what its files share. Everything declared here may run in a signal
 * handler, in a fork child and in several threads at once, unless it says "constructor only": no
 * locks, no allocation but one mmap per thread, no stdio, no errno, no libc calls that could be
 * interposed.
 */
#ifndef PRELOAD_RECORDER_H
#define PRELOAD_RECORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "trace/format.h"
#include "trace/names.h"

#define likely(condition)   __builtin_expect(!!(condition), 1)
#define unlikely(condition) __builtin_expect(!!(condition), 0)

/* How far this process has come. */
enum recorder_state {
	RECORDER_OFF,  /* not born yet, secure execution, or nowhere to record: forward and do
			  nothing */
	RECORDER_IDLE, /* no session: the first lock call makes the user's default one */
	RECORDER_ON,
	RECORDER_BLIND, /* there is a session, but nothing can be told any more (sandbox.h): count
			 */
};

enum ioctl_mode { IOCTL_EXCLUSIVE, IOCTL_ALL, IOCTL_OFF };

struct recorder {
	_Atomic int state; /* enum recorder_state */
	/* The mapped session; fixed once state is RECORDER_ON. Sizes are our own copies: the file
	 * is not trusted. */
	struct header *session;
	struct cell *ring, *slow_ring;
	uint64_t ring_mask, slow_mask;
	struct thread_slot *thread_slots;
	struct process_slot *process_slots;
	uint32_t thread_slot_count, process_slot_count;
	/* Settings. */
	uint32_t stack_depth; /* 0: no stacks */
	enum ioctl_mode ioctl_mode;
	uint64_t slow_ns;
	bool argv_wanted;
	bool sandboxed; /* there is a seccomp filter: ask for nothing unusual */
	/* This process. Rewritten by process_forked(). */
	uint32_t process; /* its number in the session */
	int32_t pid;
	bool shares_table; /* made by clone(CLONE_FILES): its locks and fds are those of `process`
			    */
	uint64_t pidns;
	struct process_slot *slot;	/* a private one if the table was full */
	uint64_t open_fds;		/* bit n: fd n < 64 may have come from another process */
	uintptr_t text_start, text_end; /* our own code: its frames are nobody's business */
};

extern struct recorder recorder;

/* Adds one to a counter of the session header. */
static inline void recorder_count(struct counter *counter)
{
	atomic_fetch_add_explicit(&counter->value, 1, memory_order_relaxed);
}

/* Slots are taken from the front, so that a search ends where nobody has ever been. */
static inline uint32_t slots_used(_Atomic uint32_t *mark, uint32_t count)
{
	uint32_t used = atomic_load_explicit(mark, memory_order_acquire);

	return used < count ? used : count;
}

static inline void slots_mark(_Atomic uint32_t *mark, uint32_t index)
{
	uint32_t used = atomic_load_explicit(mark, memory_order_relaxed);

	while (used <= index && !atomic_compare_exchange_weak(mark, &used, index + 1))
		;
}

#endif
