/* SPDX-License-Identifier: MIT */
/* What a sleeping thread waits for, by the system call that it sleeps in. */
#ifndef ANALYZER_SYSTEM_BLOCKED_H
#define ANALYZER_SYSTEM_BLOCKED_H

#include "analyzer/system/descendants.h"
#include "analyzer/system/open_files.h"
#include "analyzer/system/task.h"

/* Asleep in a call that waits for file locks. */
bool blocked_on_lock(const struct task *task);

/*
 * Asleep, without a time limit, until one of some processes ends or writes into a pipe: they are
 * appended. pipe: into one. False: it runs, or waits for something else, or nobody knows for whom.
 */
bool blocked_on_others(const struct task *task, const struct open_files *open, struct pids *others,
		       bool *pipe);

/* The same, without looking whom for. */
bool blocked_perhaps(const struct task *task);
bool blocked_on_children(const struct task *task);

#endif
