/* SPDX-License-Identifier: MIT */
/* Who has certain files open, on the whole machine, with the locks that the kernel shows for them.
 */
#ifndef ANALYZER_SYSTEM_OPEN_FILES_H
#define ANALYZER_SYSTEM_OPEN_FILES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "analyzer/system/proc_locks.h"

struct file_id {
	uint64_t device, inode;
};

/* This descriptor has, or its process has through it, a lock. */
struct open_lock {
	pid_t pid;
	int fd;
	struct file_id file;	 /* as stat() has it */
	struct kernel_lock lock; /* as fdinfo has it; no leases */
};

/* An end of a pipe. */
struct open_pipe {
	pid_t pid;
	int fd;
	uint64_t inode;
	bool asked, writes; /* for open_pipe_writes() */
};

struct open_files {
	VEC(struct open_lock) locks;
	VEC(struct open_pipe) pipes;
	VEC(pid_t) looked_at; /* in ascending order */
	/* Process of whose descriptors nothing may be known, started after `since`. */
	bool hidden;
};

/* The file that a descriptor of a process refers to; false: that can't be seen. */
bool open_file_id(pid_t pid, int fd, struct file_id *file);

/* Whether one can write through it; also true where that can't be seen any more. The kernel is
 * asked once: a thousand may wait for what comes through the same pipe, and all have its ends. */
bool open_pipe_writes(struct open_pipe *pipe);

/* Looks at every process. `since`: clock ticks since boot, as in /proc/PID/stat. */
void open_files_read(struct open_files *open, const struct file_id *files, uint32_t count,
		     uint64_t since);
/* The same of those processes alone that were not there `before`. */
void open_files_read_new(struct open_files *open, const struct open_files *before,
			 const struct file_id *files, uint32_t count);
void open_files_free(struct open_files *open);

#endif
