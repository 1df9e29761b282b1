/* SPDX-License-Identifier: MIT */
/* The children of a process, by the kernel's own lists. */
#ifndef ANALYZER_SYSTEM_DESCENDANTS_H
#define ANALYZER_SYSTEM_DESCENDANTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "analyzer/base/vec.h"

struct pids {
	VEC(pid_t) vec;
};

/* Whether this kernel has /proc/PID/task/TID/children. */
bool descendants_has_lists(void);

/* Appends the children of all threads of a process; nothing if it is gone. */
void descendants_children(pid_t pid, struct pids *pids);

/*
 * For a kernel without lists: appends every process of the machine whose parent is in `parents`
 * (one pass over /proc).
 */
void descendants_scan(const struct pids *parents, struct pids *pids);

/*
 * Those that no parent leads to any more: appends every process of the machine, born at `since`
 * (clock ticks) or later, whose environment has NAME=…text…
 */
void descendants_started_with(const char *name, const char *text, uint64_t since,
			      struct pids *pids);

#endif
