/* SPDX-License-Identifier: MIT */
/*
 * fdinfo, not /proc/locks: it names the description of each lock, and reading it stops nobody
 * else's calls. A lock is shown at the descriptors of the description through which it was taken,
 * and such a one is open as long as the lock lasts.
 */
#include "tests/replay/replay.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool read_text(int directory, const char *name, char *text, size_t room)
{
	int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
	ssize_t length;

	if (fd < 0)
		return false;
	length = read(fd, text, room - 1);
	close(fd);
	text[length < 0 ? 0 : length] = 0;
	return length >= 0;
}

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

unsigned look_at(int fdinfo, pid_t pid, const ino_t *inodes, struct seen *seen)
{
	unsigned count = 0;
	char text[8192];

	for (int fd = FIRST_FD; fd < END_FD; fd++) {
		char name[] = { (char)('0' + fd), 0 };
		struct seen open = { .pid = (uint32_t)pid, .fd = (uint8_t)fd };
		int file;

		if (!read_text(fdinfo, name, text, sizeof(text)) ||
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

bool is_blocked(pid_t pid, pid_t tid)
{
	char path[64], text[256];
	long number;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/syscall", pid, tid);
	if (!read_text(AT_FDCWD, path, text, sizeof(text)) || text[0] == 'r')
		return false;
	number = strtol(text, NULL, 10);
	if (number != SYS_fcntl && number != SYS_flock)
		return false;
	/* While anybody on the machine reads /proc/locks, every lock call sleeps, unlocks too. */
	snprintf(path, sizeof(path), "/proc/%d/task/%d/wchan", pid, tid);
	return read_text(AT_FDCWD, path, text, sizeof(text)) && !strstr(text, "rwsem");
}
