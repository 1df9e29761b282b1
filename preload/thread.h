/* SPDX-License-Identifier: MIT */
/* What each thread owns: its slot in the session, the memory of its last stack walks, and some room
 * off the host's stack. */
#ifndef PRELOAD_THREAD_H
#define PRELOAD_THREAD_H

#include <stddef.h>

#include "preload/memo.h"
#include "preload/recorder.h"

#define SCRATCH_ROOM 4096

struct thread {
	uint32_t process; /* whose thread it was set up for: another number after fork */
	uint32_t tid;
	struct thread_slot *slot;  /* spare: the table was full */
	uintptr_t frame[NEST_MAX]; /* of the hook that wrote slot->request[i] */
	struct thread_slot spare;
	bool scratch_taken;
	uintptr_t walking;	/* frame address of the walk that is on; 0: none */
	void *bail_out[5];	/* __builtin_longjmp out of the walk */
	uint64_t unwind_tls[8]; /* libunwind's thread-local variables, during our walks */
	struct memo memo[MEMOS];
	char scratch[SCRATCH_ROOM];
};

/* Constructor only: the key whose destructor gives a thread's slot back. */
void thread_prepare(void);

/* This thread's own, made at its first lock (gettid, mmap). NULL: step aside (no memory, or
 * interrupted while being made). */
struct thread *thread_current(void);

/* The same, if it has been made. */
struct thread *thread_if_made(void);

/*
 * Room off the host's stack; NULL if it is taken (a signal handler interrupted whoever has it) or
 * if more than SCRATCH_ROOM bytes are asked for.
 */
char *thread_borrow_scratch(size_t length);
void thread_return_scratch(void);

/* The thread that is walking the stack right now, or NULL: for the replacements that libunwind
 * calls. */
struct thread *thread_walking(void);

#endif
