/* SPDX-License-Identifier: MIT */
/* The stack of a thread of another process, by ptrace. */
#ifndef ANALYZER_SYMBOLS_NATIVE_STACK_H
#define ANALYZER_SYMBOLS_NATIVE_STACK_H

#include <sys/types.h>

#include "analyzer/base/vec.h"

struct native_stack {
	VEC(char *) frames; /* innermost first: "function file:line", or what is known of it */
};

/*
 * Stops the thread for some milliseconds. One that waits in a lock call asks the kernel again
 * afterwards, and so goes to the end of the queue. 0 or errno; free it in both cases.
 */
int native_stack_read(struct native_stack *stack, pid_t pid, pid_t tid);
void native_stack_free(struct native_stack *stack);

#endif
