/* SPDX-License-Identifier: MIT */
/*
 * A program with fcntl, flock, lockf, ioctl and close of its own, which is what everybody in it
 * calls, the recorder too if it asks by name. It counts its calls, and goes on to the next ones.
 * Also a library, to be preloaded beside the recorder; ASKS_THE_KERNEL: which goes past all others.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int fcntls, flocks, lockfs, ioctls, closes;

#ifdef ASKS_THE_KERNEL
#include "preload/arch.h"

static long ask(long number, long fd, long a, long b)
{
	long result = raw_syscall(number, fd, a, b, 0, 0, 0);

	if (result >= 0)
		return result;
	errno = (int)-result;
	return -1;
}

static int kernel_fcntl(int fd, int command, void *argument)
{
	return (int)ask(SYS_fcntl, fd, command, (long)argument);
}

static int kernel_flock(int fd, int operation)
{
	return (int)ask(SYS_flock, fd, operation, 0);
}

static int kernel_lockf(int fd, int command, off_t length)
{
	struct flock range = { .l_type = command == F_ULOCK ? F_UNLCK : F_WRLCK,
			       .l_whence = SEEK_CUR,
			       .l_len = length };

	return kernel_fcntl(fd, F_SETLK, &range);
}

static int kernel_ioctl(int fd, unsigned long request, void *argument)
{
	return (int)ask(SYS_ioctl, fd, (long)request, (long)argument);
}

static int kernel_close(int fd)
{
	return (int)ask(SYS_close, fd, 0, 0);
}

#define NEXT(name) kernel_##name
_Atomic int sandbox_filters;
#else
#define NEXT(name) ((__typeof__(name) *)dlsym(RTLD_NEXT, #name))
#endif

int fcntl(int fd, int command, ...)
{
	va_list list;
	void *argument;

	va_start(list, command);
	argument = va_arg(list, void *);
	va_end(list);
	fcntls++;
	return NEXT(fcntl)(fd, command, argument);
}

int flock(int fd, int operation)
{
	flocks++;
	return NEXT(flock)(fd, operation);
}

int lockf(int fd, int command, off_t length)
{
	lockfs++;
	return NEXT(lockf)(fd, command, length);
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list list;
	void *argument;

	va_start(list, request);
	argument = va_arg(list, void *);
	va_end(list);
	ioctls++;
	return NEXT(ioctl)(fd, request, argument);
}

int close(int fd)
{
	closes++;
	return NEXT(close)(fd);
}

#ifndef LIBRARY
int main(void)
{
	struct flock range = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 10 };
	int fd = open("own", O_RDWR | O_CREAT, 0600), ready = 0;

	if (fd < 0 || fcntl(fd, F_SETLK, &range) || flock(fd, LOCK_EX) || lockf(fd, F_TEST, 0) ||
	    ioctl(fd, FIONREAD, &ready) || close(fd))
		return 1;
	printf("%d %d %d %d %d, errno %d\n", fcntls, flocks, lockfs, ioctls, closes, errno);
	return 0;
}
#endif
