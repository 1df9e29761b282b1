/* SPDX-License-Identifier: MIT */
/*
 * What /proc/PID/fdinfo tells of open files: the inode as the kernel itself has it, and the locks.
 * A lock is told for each descriptor of the open file description that it was taken through, in
 * whichever process: so all who share a flock or an OFD lock are known. Waits are not told.
 */
#ifndef ANALYZER_SYSTEM_FDINFO_H
#define ANALYZER_SYSTEM_FDINFO_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "analyzer/base/vec.h"
#include "analyzer/system/proc_locks.h"

struct fdinfo {
	bool has_inode; /* kernels before 5.14 don't tell it */
	uint64_t inode;
	uint64_t position;
	int mount;		   /* its id, as in mountinfo; -1: not told */
	struct kernel_locks locks; /* that have been granted through it */
};

/* text[length] must be NUL. Free the result with kernel_locks_free(&info->locks). */
void fdinfo_parse(struct fdinfo *info, const char *text, size_t length);

/* False: there is no such descriptor, or it may not be looked at. */
bool fdinfo_read(struct fdinfo *info, pid_t pid, int fd);

/* Devices of file systems, by mount id. */
struct mount_device {
	int mount;
	uint64_t device;
};

struct mounts {
	VEC(struct mount_device) vec;
};

/* Appends what /proc/PID/mountinfo tells. */
void mounts_parse(struct mounts *mounts, const char *text);
void mounts_read(struct mounts *mounts, pid_t pid);
/* False: there is no such mount, as for files of a memfd. */
bool mounts_device(const struct mounts *mounts, int mount, uint64_t *device);

/*
 * The file behind a descriptor as /proc/locks names it. False: the kernel doesn't tell; then
 * stat() may, where its device number is that of the file system (not on btrfs).
 */
bool fdinfo_file(const struct fdinfo *info, const struct mounts *mounts, uint64_t *device,
		 uint64_t *inode);

/* Whether two descriptors are one open file description; `unknown` where the kernel won't say. */
bool fd_is_same(pid_t one, int one_fd, pid_t other, int other_fd, bool unknown);

#endif
