/* SPDX-License-Identifier: MIT */
/* What the threads of a process are doing, as /proc tells. */
#ifndef ANALYZER_SYSTEM_TASK_H
#define ANALYZER_SYSTEM_TASK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "analyzer/base/vec.h"

#define SYSCALL_NONE -1 /* running, not in a system call, or not to be seen */

struct task {
	pid_t pid, tid, inner; /* inner: its tid in its own pid namespace */
	char state;	       /* as in proc(5): 'R', 'S', 'Z' … */
	uint64_t switches;     /* how often it has been off a processor: the same, and asleep: it
				  hasn't run */
	long number;	       /* of the system call that it sleeps in */
	uint64_t arguments[6];
};

struct tasks {
	VEC(struct task) vec;
};

/* Whether the process has one thread, which is cheaper to ask than a list. */
bool task_is_alone(pid_t pid);
/* One thread. False: it is gone, or can't be looked at. */
bool task_read(pid_t pid, pid_t tid, struct task *task);
/* Appends all threads of a process; one of state '?' more where there may be others. False: it is
 * gone, or can't be looked at. */
bool tasks_read(pid_t pid, struct tasks *tasks);

/* How often the thread has been off a processor; UINT64_MAX: it is gone. */
uint64_t task_switches(const struct task *task);

/* Copies from the memory of the process; false: that is not to be had. */
bool task_memory(const struct task *task, uint64_t address, void *bytes, size_t count);

#endif
