/* SPDX-License-Identifier: MIT */
/*
 * Open file descriptions that two processes share because one inherited its fds from the other. In
 * `( flock 9; work ) 9>f` the lock is taken by a child that exits at once, and kept by the shell:
 * the shell's close must be seen, and the hold is the description's, whoever has it.
 */
#ifndef PRELOAD_INHERIT_H
#define PRELOAD_INHERIT_H

#include <stdbool.h>

#include "preload/recorder.h"

/*
 * An inherited fd is about to be locked for the first time: every recorded living ancestor that has
 * the same file at the same number shares the description, and so may others who have locked it, or
 * have it at that number. Their watch words learn the fd, and the sharing is recorded.
 */
void inherit_from_others(int fd);

/*
 * An fd that this process has opened is about to be locked for the first time: children that were
 * born in between may have it, at that number, and theirs too.
 */
void inherit_to_children(int fd);

/*
 * Fork child only: what its parent has begun to lock between the fork and the child's first word.
 * Parent: its slot.
 */
void inherit_since_fork(struct process_slot *parent);

/*
 * twin and fd of this process are of one file, and perhaps one description: if they are, that is
 * recorded. Returns whether they are; where the kernel can't be asked, they count as one.
 */
bool inherit_from_twin(int twin, int fd);

/*
 * Constructor only, in an image whose process was not forked under our eyes (posix_spawn, vfork):
 * fds that the parent has locked and that are open here too are shared.
 */
void inherit_from_parent(void);

#endif
