/* SPDX-License-Identifier: MIT */
/* What the hosts of the recorder share. What is not as expected ends the host with status 1. */
#ifndef HAZARDS_HOST_H
#define HAZARDS_HOST_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#define CHECK(condition)                                                                       \
	do {                                                                                   \
		if (!(condition)) {                                                            \
			dprintf(STDERR_FILENO, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			_exit(1);                                                              \
		}                                                                              \
	} while (0)

/* Lock and unlock in both worlds. Inline: the stack is the caller's own. */
static inline void lock_and_unlock(int fd)
{
	struct flock range = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 3, .l_len = 4 };

	CHECK(!flock(fd, LOCK_EX));
	CHECK(!fcntl(fd, F_SETLK, &range));
	range.l_type = F_UNLCK;
	CHECK(!fcntl(fd, F_SETLK, &range));
	CHECK(!flock(fd, LOCK_UN));
}

/*
 * Calls function(argument) through a frame without unwind information, while the frame pointer
 * holds `garbage`: an unwinder that guesses follows that.
 */
void through_no_tables(void (*function)(int argument), int argument, unsigned long garbage);

#endif
