/* SPDX-License-Identifier: MIT */
/*
 * The calls that are no lock requests but end locks, pass them on or explain waiting. hooks.c asks
 * here before and after the real call; each answers at once where nothing of it matters.
 */
#ifndef PRELOAD_CALLS_H
#define PRELOAD_CALLS_H

#include "preload/recorder.h"
#include "preload/stack.h"
#include "trace/names.h"

/* A call between its beginning and its end, on the hook's stack. */
struct call {
	bool recorded;
	bool announced; /* a wait whose beginning is in the ring */
	struct record_call record;
};

/* ---- Closing: fds [first, last]
 * -------------------------------------------------------------------------------- */

/*
 * Before: if closing one of these can release a lock, it is written down now. op: enum call_op;
 * flags: close_range's. A vfork child closes its own copies: nothing is written, nothing forgotten.
 */
void call_closing(struct call *call, uint8_t op, unsigned first, unsigned last, int64_t flags,
		  struct site site);
/* After: error 0 or errno. */
void call_closed(struct call *call, int error);

/* The thread ends, perhaps inside a close that was cancelled: tells whether the fd is open still.
 */
void call_close_left(struct thread *thread);

/* Whether any close of this process can matter: for functions whose fd has to be asked from libc.
 */
bool call_close_matters(void);

/* ---- Passing on */

/* After fd was duplicated; of dup2's new fd, call_closing() was told before. */
void call_duplicated(uint8_t op, int from, int to, bool close_on_exec);
/* fd is about to be locked for the first time: what shares its description is told. */
void call_first_lock(int fd);
void call_set_close_on_exec(int fd, bool on);

void call_forking(struct call *call);
/* In the parent (pid > 0 or -1 with error) and in the child (0). */
void call_forked(struct call *call, int64_t pid, int error);

/* ---- Explaining */

void call_exit(int status);
void call_waiting(struct call *call, int64_t pid, bool may_block);
void call_waited(struct call *call, int64_t pid, int status, int error);
void call_timer(int which, uint64_t ns);
void call_ioctl(struct call *call, int fd, unsigned long request, struct site site);
void call_ioctl_done(struct call *call, int error);

#endif
