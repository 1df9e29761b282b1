/* SPDX-License-Identifier: MIT */
#include "preload/exec.h"

#include <string.h>

#include "preload/arch.h"
#include "preload/clock.h"
#include "preload/emit.h"
#include "preload/file.h"
#include "preload/grants.h"
#include "preload/process.h"

/* The kernel merges locks, so any fd of the file may be the one that it shows them at. */
#define SCAN_MAX 1024

enum answer { GONE, KEPT, UNKNOWN };

/* This process as /proc counts, which may be that of another pid namespace; ends with a blank, as
 * in a line of fdinfo. */
static bool find_number(char *number, size_t room)
{
	long length = raw4(SYS_readlinkat, -100 /* AT_FDCWD */, "/proc/self", number, room - 2);

	if (length <= 0)
		return false;
	memcpy(number + length, " ", 2);
	return true;
}

/* "lock:\t1: POSIX  ADVISORY  WRITE 4711 fe:00:12 0 EOF" of this process? The description may be
 * shared with others, who have locks of their own. */
static bool is_ours(const char *line, const char *number)
{
	const char *mode = strstr(line, "ADVISORY  ");
	const char *pid = mode ? strchr(mode + 10, ' ') : NULL;

	/* "READ " is padded to the width of WRITE */
	while (pid && *pid == ' ')
		pid++;
	return pid && !strncmp(pid, number, strlen(number));
}

static enum answer ask_fd(int fd, const char *number)
{
	char name[FILE_PROC_ROOM], text[4096];
	size_t length;

	file_proc(name, 0, "/fdinfo/", fd);
	length = process_read_file(name, text, sizeof(text) - 1);
	text[length] = '\0';
	for (const char *line = text; (line = strstr(line, ": POSIX  ")); line++)
		if (is_ours(line, number))
			return KEPT;
	return !length || length == sizeof(text) - 1 ? UNKNOWN : GONE;
}

static enum answer ask_file(uint64_t device, uint64_t inode)
{
	enum answer answer = UNKNOWN;
	uint64_t its_device, its_inode;
	char number[24];

	if (!find_number(number, sizeof(number)))
		return UNKNOWN;
	for (int fd = 0; fd < SCAN_MAX; fd++) {
		if (!file_identity(fd, &its_device, &its_inode) || its_device != device ||
		    its_inode != inode)
			continue;
		answer = ask_fd(fd, number);
		if (answer != GONE)
			return answer;
	}
	return answer;
}

static void forget(const struct grant *grant)
{
	uint64_t now = clock_monotonic(), device = grant->device, inode = grant->inode;
	struct record_call record = {
		.kind = RECORD_CALL,
		.op = CALL_CLOSE,
		.process = recorder.process,
		.tid = (uint32_t)raw0(SYS_gettid),
		.fd = -1,
		.last = -1,
		.time = now,
	};
	struct file file;

	file_of(&file, grant->fd, now);
	record.file = file.name;
	grants_close(-1, device, inode);
	emit(&record);
}

static void check(const struct grant *grant)
{
	uint64_t device, inode;

	if (file_identity(grant->fd, &device, &inode) && device == grant->device &&
	    inode == grant->inode && ask_file(device, inode) == GONE)
		forget(grant);
}

void exec_forget_lost(void)
{
	grants_each_posix(check);
}
