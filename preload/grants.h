/* SPDX-License-Identifier: MIT */
/*
 * The locks this process was granted, in its slot of the session file: readable after any number of
 * laps and after death. The exact truth comes out of replay; this keeps what a flight recorder must
 * not lose, and tells whether a close can matter.
 */
#ifndef PRELOAD_GRANTS_H
#define PRELOAD_GRANTS_H

#include "preload/file.h"
#include "preload/recorder.h"
#include "trace/range.h"

struct lock {
	uint8_t op; /* enum lock_op */
	uint8_t mode;
	int fd;
	struct file file;
	struct range range;
};

/* After a grant. */
void grants_add(const struct lock *lock, uint32_t tid, uint64_t time, reference stack);

/* Before an unlock or a close: what is listed lies within what is held. */
void grants_release(const struct lock *lock);
void grants_close(int fd, uint64_t device, uint64_t inode);
/* Of fds [first, last] only what their descriptions own. */
void grants_close_range(int first, int last);

/* True while this process may have any POSIX lock: then closing any fd may release one. */
bool grants_any_posix(void);

/* Calls found() for each of them; it may drop what it is given. */
void grants_each_posix(void (*found)(const struct grant *grant));
bool grants_posix_on(uint64_t device, uint64_t inode);

/* In a fork child: description-owned grants come along, POSIX ones stay behind. */
void grants_inherit(struct process_slot *child, const struct process_slot *parent);

#endif
