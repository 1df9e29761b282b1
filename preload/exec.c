/* SPDX-License-Identifier: MIT */
#include "preload/exec.h"

#include <string.h>

#include "preload/arch.h"
#include "preload/clock.h"
#include "preload/emit.h"
#include "preload/file.h"
#include "preload/grants.h"
#include "preload/process.h"

/* The kernel lists the locks that were set through this very description. */
static bool still_locked(int fd)
{
	char name[FILE_PROC_ROOM], text[4096];

	file_proc(name, 0, "/fdinfo/", fd);
	text[process_read_file(name, text, sizeof(text) - 1)] = '\0';
	return !*text || strstr(text, " POSIX ");
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
	    inode == grant->inode && !still_locked(grant->fd))
		forget(grant);
}

void exec_forget_lost(void)
{
	grants_each_posix(check);
}
