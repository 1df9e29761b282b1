/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <sys/file.h>

int lock(const char *path);

int lock(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT, 0644);

	return fd < 0 ? -1 : flock(fd, LOCK_EX);
}
