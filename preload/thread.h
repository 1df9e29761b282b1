/* SPDX-License-Identifier: MIT */
/* What each thread owns: its slot in the session, the memory of its last stack walks, and some room
 * off the host's stack. */
#ifndef PRELOAD_THREAD_H
#define PRELOAD_THREAD_H

#include <signal.h>
#include <stddef.h>

#include "preload/clock.h"
#include "preload/memo.h"
#include "preload/recorder.h"

#define SCRATCH_ROOM 4096
#define WALK_ROOM    32768 /* libunwind takes up to 10 KiB */
#define REGIONS_MAX  4
#define LOCKED_MAX   4

/*
 * A child in its parent's memory may be using this struct, as the kernel alone can tell: each lock
 * call asks. Set before such a child is made; arch.h writes both words.
 */
#define THREAD_SHARED UINT32_MAX

struct thread {
	uint32_t process;      /* THREAD_SHARED, or the same as `settled` */
	uint32_t stays_shared; /* the child does not keep its parent waiting, as vfork's does */
	uint32_t settled;      /* whose thread it was set up for: another number after fork */
	uint32_t tid;	       /* 0: not known (sandbox.h) */
	uintptr_t
		stack_end; /* how far up its stack was readable when a filter came; 0: not known */
	struct thread_slot *slot;  /* spare: the table was full */
	stack_t disarming;	   /* its signal stack, if that has SS_AUTODISARM; else of size 0 */
	uintptr_t frame[NEST_MAX]; /* of the hook that wrote slot->request[i] */
	struct thread_slot spare;
	/* The close of one fd that it is inside of, and which file that was; fd -1: none. */
	struct record_call closing;
	uint64_t closing_device, closing_inode;
	bool walking; /* a walk of ours is on; no signal is delivered meanwhile */
	/* Seen set only by a child of clone(CLONE_VM), whose thread-local storage is its parent's.
	 */
	_Atomic bool walk_stack_taken;
	void *bail_out[5];	/* __builtin_longjmp out of the walk */
	void *lock[LOCKED_MAX]; /* libunwind's mutexes that it has locked, in order */
	unsigned locked;
	struct {
		void *memory;
		size_t length;
	} region[REGIONS_MAX];	/* large ones that libunwind mapped for this thread */
	uint64_t unwind_tls[8]; /* libunwind's thread-local variables, during our walks */
	struct ticker ticker;
	uint32_t next_memo;
	struct memo_key memo_key[MEMOS]; /* of memo[i] */
	struct memo memo[MEMOS];
	char scratch[SCRATCH_ROOM];
	/* Walks have a stack of their own: the host's may be that of a signal or a fiber. */
	char walk_stack[WALK_ROOM] __attribute__((aligned(16)));
};

/* Constructor only: the key whose destructor gives a thread's slot back. */
void thread_prepare(void);

/* initial-exec: reaching it must not call __tls_get_addr, which may allocate. */
extern __thread struct thread *thread_made
	__attribute__((tls_model("initial-exec"), visibility("hidden")));

/* The same, if it has been made. */
static inline struct thread *thread_if_made(void)
{
	struct thread *thread = thread_made;

	return likely(thread != NULL) && likely(thread->process == recorder.process) ? thread
										     : NULL;
}

/* The same, also where a child may share it; in that child it is its parent's. */
static inline struct thread *thread_if_settled(void)
{
	struct thread *thread = thread_made;

	return thread && thread->settled == recorder.process ? thread : NULL;
}

/* For thread_current() alone: new, new after a fork, or shared. */
struct thread *thread_settle(void);

/* gettid; 0: not to be had. */
uint32_t thread_ask_tid(void);

/* This thread is another one from here on, in a process of the same number. */
void thread_forget(void);

/* Before clone(2): a child with these flags may have this very thread's storage. */
void thread_share(int clone_flags);

/* Whether this is a child in its parent's memory, as far as it was seen coming. Asks the kernel
 * only where there may be one. */
bool thread_is_childs(void);

/* This thread's own, made at its first lock (gettid, mmap). NULL: step aside (no memory,
 * interrupted while being made, or a child in its parent's memory). */
static inline struct thread *thread_current(void)
{
	struct thread *thread = thread_if_made();

	return likely(thread != NULL) ? thread : thread_settle();
}

/*
 * SCRATCH_ROOM bytes off the host's stack, or NULL. Only with signals blocked: a handler would use
 * them too.
 */
char *thread_scratch(void);

/* The thread that is walking the stack right now, or NULL: for the replacements that libunwind
 * calls. */
struct thread *thread_walking(void);

#endif
