/* SPDX-License-Identifier: MIT */
/* Whether this thread runs on a signal stack now: then addresses of frames say nothing about which
 * call is inside which. */
#ifndef PRELOAD_SIGSTACK_H
#define PRELOAD_SIGSTACK_H

#include <signal.h>
#include <stdbool.h>

#include "preload/arch.h"

/* A system call: for the rare case that a thread comes back while it seems to be inside a call. */
static inline bool on_signal_stack(void)
{
	stack_t now;

	return !raw2(SYS_sigaltstack, 0, &now) && now.ss_flags & SS_ONSTACK;
}

#endif
