/* SPDX-License-Identifier: MIT */
/*
 * A program with fcntl, flock, lockf, ioctl and close of its own, which is what everybody in it
 * calls, the recorder too if it asks by name. It counts its calls, and goes on to the next ones.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int fcntls, flocks, lockfs, ioctls, closes;

#define NEXT(name) ((__typeof__(name) *)dlsym(RTLD_NEXT, #name))

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
