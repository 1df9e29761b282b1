/* SPDX-License-Identifier: MIT */
/* What the hazards' programs share: checks that end the program, locks, and waiting for a wait. */
#ifndef HAZARDS_HAZARD_H
#define HAZARDS_HAZARD_H

#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define REQUIRE(condition) require(condition, #condition, __FILE__, __LINE__)

static inline void require(bool condition, const char *text, const char *file, int line)
{
	if (condition)
		return;
	dprintf(STDERR_FILENO, "%s:%d: not so: %s (%m)\n", file, line, text);
	_exit(1);
}

/* The whole file; the command and type are fcntl's. */
static inline int set_record(int fd, int command, short type)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET };

	return fcntl(fd, command, &lock);
}

static inline void lock_record(int fd, int command, short type)
{
	REQUIRE(!set_record(fd, command, type));
}

static inline bool unlock_record(int fd)
{
	return set_record(fd, F_SETLK, F_UNLCK);
}

/* In state S the number in /proc/PID/syscall is what it sleeps in. */
static inline bool is_blocked_in(pid_t pid, long number)
{
	char path[64], text[512];
	ssize_t got = 0;
	int file;

	snprintf(path, sizeof(path), "/proc/%d/syscall", pid);
	file = open(path, O_RDONLY | O_CLOEXEC);
	if (file >= 0) {
		got = read(file, text, sizeof(text) - 1);
		close(file);
	}
	text[got > 0 ? got : 0] = '\0';
	return got > 0 && text[0] != 'r' && atol(text) == number;
}

/* A thread's number works as a process' in /proc. */
static inline void wait_until_blocked_in(pid_t tid, long number)
{
	while (!is_blocked_in(tid, number))
		usleep(500);
}

#endif
