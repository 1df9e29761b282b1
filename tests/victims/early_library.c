/* SPDX-License-Identifier: MIT */
/*
 * Makes every kind of recorded call in a constructor and in a destructor: before the preload object
 * has begun, and after it has ended.
 */
#include "early_library.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int early_calls;

static int lock_calls(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 10 };

	return fcntl(fd, F_SETLK, &lock) == 0 && flock(fd, LOCK_EX) == 0 &&
	       lockf(fd, F_ULOCK, 10) == 0 && syscall(SYS_flock, fd, LOCK_UN) == 0;
}

static int other_calls(int fd)
{
	int copy = dup(fd), readable;

	return copy >= 0 && dup2(fd, copy) == copy && ioctl(fd, FIONREAD, &readable) == 0 &&
	       fcntl(copy, F_SETFD, FD_CLOEXEC) == 0 && close(copy) == 0 &&
	       syscall(SYS_getpid) == getpid() && syscall(SYS_close, -1) == -1 && errno == EBADF;
}

static int all_calls(void)
{
	FILE *file = fopen("early", "w+");
	int good = file && lock_calls(fileno(file)) && other_calls(fileno(file));

	return file && fclose(file) == 0 && good;
}

__attribute__((constructor)) static void begin_early(void)
{
	early_calls = all_calls();
}

__attribute__((destructor)) static void end_late(void)
{
	if (!all_calls())
		_exit(1);
}
