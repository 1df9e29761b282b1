/* SPDX-License-Identifier: MIT */
/* The stack of a call, as a reference to a RECORD_STACK. */
#ifndef PRELOAD_STACK_H
#define PRELOAD_STACK_H

#include "preload/recorder.h"
#include "preload/thread.h"

/* Where a hook was entered. */
struct site {
	uintptr_t frame;  /* the hook's frame address */
	uintptr_t caller; /* and the address it returns to */
};

/* Only in the exported function itself. */
#define HERE                                                   \
	((struct site){ (uintptr_t)__builtin_frame_address(0), \
			(uintptr_t)__builtin_return_address(0) })

/* 0: no stack: switched off, or no unwinder, which is counted. */
reference stack_capture(struct thread *thread, struct site site);

/* Walks again and writes the stack, with its modules, into the slow ring. */
reference stack_announce_slow(struct thread *thread, struct site site);

/* Libraries may have been unloaded: what was known of stacks through them no longer holds. */
void stack_unloaded(void);

#endif
