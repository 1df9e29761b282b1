/* SPDX-License-Identifier: MIT */
/* Which file an fd is: asked once with statx and readlink, announced, and remembered until the fd
 * is seen closed. */
#ifndef PRELOAD_FILE_H
#define PRELOAD_FILE_H

#include <stddef.h>

#include "preload/recorder.h"

struct file {
	reference name; /* of its RECORD_FILE; 0: the fd could not be asked (EBADF) */
	uint64_t device, inode;
	bool asked;	 /* the kernel was asked just now */
	bool inherited;	 /* the fd may have come from another process */
	bool step_aside; /* record nothing: this is a vfork child in somebody else's memory, or the
			    file is not known and may not be asked (sandbox.h) */
};

/*
 * The file behind an fd at the time `now`, into *file. Asks the kernel only where nothing fresh is
 * known.
 */
void file_of(struct file *file, int fd, uint64_t now);

/* The fds [first, last] were closed or replaced. */
void file_forget(unsigned first, unsigned last);

/* Whether fd may have come from another process, as far as its closes were seen. */
bool file_is_inherited(int fd);

/* Whether fd has been locked, in this process or, before the fork, in its parent. */
bool file_is_known(int fd);

/* Whether another fd that shares fd's bit of the watch word is known. */
bool file_known_beside(int fd);

/* `to` is now a duplicate of `from`. */
void file_duplicated(int from, int to);

/* statx: false if the fd is not open. Behind a filter (sandbox.h): what is known of it, false if
 * nothing is. */
bool file_identity(int fd, uint64_t *device, uint64_t *inode);

/* The name of "/fd/" or "/fdinfo/" and fd in /proc of process pid (0: this one). */
#define FILE_PROC_ROOM 64
void file_proc(char name[FILE_PROC_ROOM], int32_t pid, const char *folder, int fd);

/* What /proc says that fd of process pid (0: this one) is; not terminated. 0: not to be had. */
size_t file_path(int32_t pid, int fd, char *path, size_t room);

/* Writes the file behind fd into the slow ring and returns its reference there. */
reference file_announce_slow(int fd);

#endif
