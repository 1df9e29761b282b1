/* SPDX-License-Identifier: MIT */
/*
 * Seccomp filters that the host puts over itself. One may kill for any system call but those the
 * host goes on to make. So each is read before it is installed: unless it lets all of the
 * recorder's own calls pass, the recorder makes none from that moment on. What it knows by then
 * must do, and what it cannot tell is counted. A filter that was there when the image started let
 * the constructor's calls pass, and does not count here.
 */
#ifndef PRELOAD_SANDBOX_H
#define PRELOAD_SANDBOX_H

#include <stdatomic.h>
#include <stdbool.h>

/* Such filters asked for by this image and not refused: counted by hook_prctl(), hook_seccomp(). */
extern _Atomic int sandbox_filters __attribute__((visibility("hidden")));

/* Whether system calls of our own are safe. raw0() to raw6() of arch.h ask here by themselves. */
static inline bool may_ask(void)
{
	return __builtin_expect(!atomic_load_explicit(&sandbox_filters, memory_order_relaxed), 1);
}

#endif
