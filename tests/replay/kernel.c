/* SPDX-License-Identifier: MIT */
/*
 * fdinfo, not /proc/locks: it names the description of each lock, and reading it stops nobody
 * else's calls. A lock is shown at the descriptors of the description through which it was taken,
 * and such a one is open as long as the lock lasts. The files of /proc are kept open: each reading
 * from their start asks anew, and looking them up again would take most of the time.
 */
#include "tests/replay/replay.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int open_proc(pid_t pid, const char *folder, int number, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s/%d%s", pid, folder, number, name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static bool read_text(int fd, char *text, size_t room)
{
	ssize_t length = pread(fd, text, room - 1, 0);

	text[length < 0 ? 0 : length] = 0;
	return length >= 0;
}

static void shut(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* ---- Eyes */

void eyes_on_process(struct eyes *eyes, pid_t pid)
{
	memset(eyes, -1, sizeof(*eyes));
	eyes->pid = pid;
}

void eyes_on_threads(struct eyes *eyes, const pid_t tids[THREADS])
{
	for (int i = 0; i < THREADS; i++) {
		shut(&eyes->call[i]);
		shut(&eyes->sleep[i]);
		shut(&eyes->runs[i]);
		eyes->call[i] = open_proc(eyes->pid, "task", tids[i], "/syscall");
		eyes->sleep[i] = open_proc(eyes->pid, "task", tids[i], "/wchan");
		eyes->runs[i] = open_proc(eyes->pid, "task", tids[i], "/schedstat");
	}
}

void eyes_close(struct eyes *eyes)
{
	for (int fd = FIRST_FD; fd < END_FD; fd++)
		shut(&eyes->fdinfo[fd]);
	for (int i = 0; i < THREADS; i++) {
		shut(&eyes->call[i]);
		shut(&eyes->sleep[i]);
		shut(&eyes->runs[i]);
	}
}

/* ---- Locks */

static int file_of(const char *text, const ino_t *inodes)
{
	const char *line = strstr(text, "\nino:");
	ino_t inode = line ? strtoull(line + 5, NULL, 10) : 0;

	for (int i = 0; line && i < FILES; i++)
		if (inodes[i] == inode)
			return i;
	return -1;
}

static uint8_t byte(const char *number, int beyond)
{
	unsigned long long value =
		strcmp(number, "EOF") ? strtoull(number, NULL, 10) + beyond : BYTES;

	return value < BYTES ? (uint8_t)value : BYTES;
}

/* "1: POSIX  ADVISORY  WRITE 1234 fe:00:4711 0 EOF"; false: somebody else's. */
static bool parse_lock(const char *line, struct seen *seen)
{
	char kind[16], mode[16], start[24], end[24];
	int pid;

	if (sscanf(line, "%*d: %15s ADVISORY %15s %d %*s %23s %23s", kind, mode, &pid, start,
		   end) != 5) {
		fprintf(stderr, "cannot read: %.60s\n", line);
		exit(2);
	}
	seen->kind = !strcmp(kind, "POSIX")    ? SEEN_POSIX
		     : !strcmp(kind, "OFDLCK") ? SEEN_OFD
					       : SEEN_FLOCK;
	seen->mode = strcmp(mode, "READ") ? 2 : 1;
	seen->start = byte(start, 0);
	seen->end = byte(end, 1);
	return seen->kind != SEEN_POSIX || pid == (int)seen->pid;
}

static bool read_fdinfo(struct eyes *eyes, int fd, char *text, size_t room)
{
	if (eyes->fdinfo[fd] < 0)
		eyes->fdinfo[fd] = open_proc(eyes->pid, "fdinfo", fd, "");
	return eyes->fdinfo[fd] >= 0 && read_text(eyes->fdinfo[fd], text, room);
}

unsigned look_at(struct eyes *eyes, const ino_t *inodes, struct seen *seen)
{
	unsigned count = 0;
	char text[8192];

	for (int fd = FIRST_FD; fd < END_FD; fd++) {
		struct seen open = { .pid = (uint32_t)eyes->pid, .fd = (uint8_t)fd };
		int file;

		if (!read_fdinfo(eyes, fd, text, sizeof(text)) ||
		    (file = file_of(text, inodes)) < 0)
			continue;
		open.file = (uint8_t)file;
		seen[count++] = open;
		for (const char *line = text; (line = strstr(line, "\nlock:\t")); line++) {
			seen[count] = open;
			count += parse_lock(line + 7, &seen[count]);
		}
	}
	return count;
}

/* ---- Threads */

/*
 * Where it sleeps, if that can be told at all ("0"). Not while it allocates or reads memory; nor
 * while anybody on the machine reads /proc/locks, when every lock call sleeps, unlocks too.
 */
static bool is_lock_wait(const char *function)
{
	return !strcmp(function, "0") || strstr(function, "setlk") || strstr(function, "flock") ||
	       strstr(function, "lock_inode") || strstr(function, "lock_file");
}

bool is_blocked(struct eyes *eyes, int thread)
{
	char text[256];
	long number;

	if (!read_text(eyes->call[thread], text, sizeof(text)) || text[0] == 'r')
		return false;
	number = strtol(text, NULL, 10);
	if (number != SYS_fcntl && number != SYS_flock)
		return false;
	return read_text(eyes->sleep[thread], text, sizeof(text)) && is_lock_wait(text);
}

/* "1513867 9962565 2" */
unsigned long times_run(struct eyes *eyes, int thread)
{
	char text[80];
	unsigned long times = 0;

	if (!read_text(eyes->runs[thread], text, sizeof(text)) ||
	    sscanf(text, "%*u %*u %lu", &times) != 1)
		return 0;
	return times;
}

void describe_thread(struct eyes *eyes, int thread)
{
	char call[256] = "?", sleep[256] = "?";

	read_text(eyes->call[thread], call, sizeof(call));
	read_text(eyes->sleep[thread], sleep, sizeof(sleep));
	fprintf(stderr, "replay-actors: system call %.250s asleep in %s, run %lu times\n", call,
		sleep, times_run(eyes, thread));
}
