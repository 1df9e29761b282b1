/* SPDX-License-Identifier: MIT */
/*
 * Short stretches of our own work that no signal handler may interrupt, and whether we are in one.
 * Off the common path only: each of these is a system call.
 */
#ifndef PRELOAD_SIGNALS_H
#define PRELOAD_SIGNALS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "preload/arch.h"

/* No mask: nobody can block SIGKILL. */
#define SIGNALS_NOT_BLOCKED UINT64_MAX

/* The kernel's own signal set: 64 bits, without libc's reserve. Behind a filter nothing is blocked.
 */
static inline uint64_t signals_block(void)
{
	uint64_t all = UINT64_MAX, before = 0;

	return raw4(SYS_rt_sigprocmask, SIG_BLOCK, &all, &before, sizeof(all)) ? SIGNALS_NOT_BLOCKED
									       : before;
}

/* Also where another thread has installed a filter meanwhile: what was blocked must not stay so. */
static inline void signals_restore(uint64_t before)
{
	if (before != SIGNALS_NOT_BLOCKED)
		raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, (long)&before, 0, sizeof(before), 0,
			    0);
}

#ifndef SS_AUTODISARM /* the kernel's, and not libc's */
#define SS_AUTODISARM (1 << 31)
#endif

static inline bool is_on_stack(const stack_t *stack, uintptr_t frame)
{
	return frame - (uintptr_t)stack->ss_sp < stack->ss_size;
}

/*
 * On a signal stack addresses of frames say nothing about which call is inside which. So it is
 * where that can't be asked. `stack`: the one that is set up, if not.
 */
static inline bool on_signal_stack(stack_t *stack)
{
	return raw2(SYS_sigaltstack, 0, stack) || stack->ss_flags & SS_ONSTACK;
}

/* A stack that disarms itself the kernel does not know while a handler runs on it: kept for then,
 * if there is one. */
static inline void keep_disarming_stack(stack_t *kept)
{
	stack_t stack;

	if (!raw2(SYS_sigaltstack, 0, &stack) && stack.ss_flags & SS_AUTODISARM)
		*kept = stack;
}

#endif
