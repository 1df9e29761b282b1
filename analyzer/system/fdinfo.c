/* SPDX-License-Identifier: MIT */
#include "analyzer/system/fdinfo.h"

#include <linux/kcmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "analyzer/system/process.h"

static const char *value_of(const char *line, const char *name)
{
	size_t length = strlen(name);

	return strncmp(line, name, length) ? NULL : line + length;
}

static void parse_line(struct fdinfo *info, const char *line)
{
	struct kernel_lock lock;
	const char *value;

	if ((value = value_of(line, "pos:"))) {
		info->position = strtoull(value, NULL, 10);
	} else if ((value = value_of(line, "mnt_id:"))) {
		info->mount = (int)strtol(value, NULL, 10);
	} else if ((value = value_of(line, "ino:"))) {
		info->inode = strtoull(value, NULL, 10);
		info->has_inode = true;
	} else if ((value = value_of(line, "lock:"))) {
		if (kernel_lock_parse(value, &lock))
			vec_push(&info->locks.vec, lock);
		else
			info->locks.strange++;
	}
}

void fdinfo_parse(struct fdinfo *info, const char *text, size_t length)
{
	const char *end = text + length;

	*info = (struct fdinfo){ .mount = -1 };
	while (text < end) {
		const char *line_end = memchr(text, '\n', (size_t)(end - text));

		parse_line(info, text);
		text = line_end ? line_end + 1 : end;
	}
}

bool fdinfo_read(struct fdinfo *info, pid_t pid, int fd)
{
	char name[32], *text = NULL;
	ssize_t length;

	snprintf(name, sizeof(name), "fdinfo/%d", fd);
	length = process_file(pid, name, &text);
	if (length > 0)
		fdinfo_parse(info, text, (size_t)length);
	free(text);
	return length > 0;
}

/* "22 27 0:21 / /proc rw - proc proc rw": id, parent, device. */
void mounts_parse(struct mounts *mounts, const char *text)
{
	while (*text) {
		const char *line_end = strchrnul(text, '\n');
		unsigned high, low;
		int mount;

		if (sscanf(text, "%d %*d %u:%u", &mount, &high, &low) == 3)
			vec_push(&mounts->vec, (struct mount_device){ mount, makedev(high, low) });
		text = *line_end ? line_end + 1 : line_end;
	}
}

void mounts_read(struct mounts *mounts, pid_t pid)
{
	char *text = NULL;

	if (process_file(pid, "mountinfo", &text) > 0)
		mounts_parse(mounts, text);
	free(text);
}

bool mounts_device(const struct mounts *mounts, int mount, uint64_t *device)
{
	for (uint32_t i = 0; i < mounts->vec.count; i++)
		if (mounts->vec.items[i].mount == mount) {
			*device = mounts->vec.items[i].device;
			return true;
		}
	return false;
}

bool fdinfo_file(const struct fdinfo *info, const struct mounts *mounts, uint64_t *device,
		 uint64_t *inode)
{
	*inode = info->inode;
	return info->has_inode && mounts_device(mounts, info->mount, device);
}

bool fd_is_same(pid_t one, int one_fd, pid_t other, int other_fd, bool unknown)
{
	long order;

	if (one == other && one_fd == other_fd)
		return true;
	order = syscall(SYS_kcmp, one, other, KCMP_FILE, one_fd, other_fd);
	return order < 0 ? unknown : order == 0;
}
