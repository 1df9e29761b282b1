/* SPDX-License-Identifier: MIT */
#include "analyzer/read/alive.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "trace/session.h"

/* Reads a small file of /proc as text. */
static bool read_text(const char *path, char *text, size_t room)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = -1;

	if (fd >= 0) {
		length = read(fd, text, room - 1);
		close(fd);
	}
	if (length < 0)
		return false;
	text[length] = '\0';
	return true;
}

/* The 32 hexadecimal digits of the boot id, the first 16 in id[0]. */
static bool own_boot_id(uint64_t id[2])
{
	char text[64];
	unsigned digits = 0;

	id[0] = id[1] = 0;
	if (!read_text("/proc/sys/kernel/random/boot_id", text, sizeof(text)))
		return false;
	for (const char *at = text; *at && digits < 32; at++) {
		char digit[2] = { *at, '\0' }, *end;
		unsigned long value = strtoul(digit, &end, 16);

		if (*at == '-' || *end)
			continue;
		id[digits / 16] = id[digits / 16] << 4 | value;
		digits++;
	}
	return digits == 32;
}

bool alive_same_boot(const struct header *header)
{
	uint64_t id[2];

	/* The recorder writes the first half only; 64 random bits tell boots apart well enough. */
	return own_boot_id(id) && id[0] == header->boot_id[0] &&
	       (!header->boot_id[1] || id[1] == header->boot_id[1]);
}

static bool same_namespace(uint64_t pidns)
{
	struct stat status;

	return !stat("/proc/self/ns/pid", &status) && status.st_ino == pidns;
}

/* Field 22 of /proc/PID/stat. The name in field 2 may hold anything, so the last ')' ends it. */
static bool start_time(int32_t pid, uint64_t *ticks, char *state)
{
	char path[32], text[1024], *at;
	unsigned long long value;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (!read_text(path, text, sizeof(text)) || !(at = strrchr(text, ')')))
		return false;
	if (sscanf(at + 1,
		   " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d "
		   "%llu",
		   state, &value) != 2)
		return false;
	*ticks = value;
	return true;
}

enum alive alive_process(const struct process_info *process)
{
	uint64_t ticks;
	char state;

	if (process->pid <= 0 || !process->start_time || !same_namespace(process->pidns))
		return ALIVE_UNKNOWN;
	if (kill(process->pid, 0) && errno == ESRCH)
		return ALIVE_NO;
	if (!start_time(process->pid, &ticks, &state))
		return ALIVE_UNKNOWN;
	/* A zombie holds nothing any more. */
	if (!session_same_start(process->start_time, ticks) || state == 'Z' || state == 'X')
		return ALIVE_NO;
	return ALIVE_YES;
}

/* Ticks since boot, at which a process that exists at that moment had begun at the latest. */
static uint64_t latest_start(uint64_t monotonic)
{
	struct timespec boot, mono;
	int64_t suspended;

	clock_gettime(CLOCK_BOOTTIME, &boot);
	clock_gettime(CLOCK_MONOTONIC, &mono);
	suspended =
		(int64_t)(boot.tv_sec - mono.tv_sec) * 1000000000 + (boot.tv_nsec - mono.tv_nsec);
	return (monotonic + (uint64_t)suspended) /
	       (UINT64_C(1000000000) / (uint64_t)sysconf(_SC_CLK_TCK));
}

enum alive alive_since(const struct header *header)
{
	uint64_t ticks;
	char state;

	if (header->creator_pid <= 0 || !same_namespace(header->pidns))
		return ALIVE_UNKNOWN;
	if (!start_time(header->creator_pid, &ticks, &state) || state == 'Z' || state == 'X')
		return ALIVE_NO;
	return ticks <= latest_start(header->monotonic) + 2 ? ALIVE_YES : ALIVE_NO;
}
