/* SPDX-License-Identifier: MIT */
/* Finding the real functions. A call can come before our constructor: then the first one looks them
 * up. */
#include "preload/real.h"

#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>

#include "preload/arch.h"

struct real real;

/* As libc's own functions end. */
static long result_of(long result)
{
	if ((unsigned long)result <= -4096UL)
		return result;
	errno = (int)-result;
	return -1;
}

/*
 * syscall(2) before our constructor. An allocator that is just being set up calls it, and dlsym
 * could ask that very allocator for memory, so nothing is looked up here.
 */
static long early_syscall(long number, ...)
{
	long argument[6];
	va_list list;

	va_start(list, number);
	for (int i = 0; i < 6; i++)
		argument[i] = va_arg(list, long);
	va_end(list);
	return result_of(raw_syscall(number, argument[0], argument[1], argument[2], argument[3],
				     argument[4], argument[5]));
}

long (*real_syscall)(long number, ...) = early_syscall;

/* In C nobody can return twice on one stack: the child gets a copy, as POSIX allows. */
static pid_t early_vfork(void)
{
	return (pid_t)result_of(raw_syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0, 0));
}

pid_t (*real_vfork)(void) = early_vfork;

static void *next(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

void real_resolve(void)
{
	/* Once: what this libc does not have (close_range, closefrom) must not be searched again
	 * and again by the calls for it. */
	static _Atomic int resolved;

	if (resolved)
		return;
		/* Through a void **: POSIX lets a function pointer travel as an object pointer, ISO
		 * C does not. */
#define X(type, name, parameters) *(void **)&real.name = next(#name);
#include "preload/calls.def"
#undef X
	*(void **)&real_syscall = next("syscall");
	*(void **)&real_vfork = next("vfork");
	if (!real.fcntl64) /* before glibc 2.28, and musl */
		*(void **)&real.fcntl64 = *(void **)&real.fcntl;
	if (!real.__fcntl)
		*(void **)&real.__fcntl = *(void **)&real.fcntl;
	if (!real.lockf64)
		*(void **)&real.lockf64 = *(void **)&real.lockf;
	if (!real.freopen64)
		*(void **)&real.freopen64 = *(void **)&real.freopen;
	if (!real.__close)
		*(void **)&real.__close = *(void **)&real.close;
	if (!real.__dup2)
		*(void **)&real.__dup2 = *(void **)&real.dup2;
	if (!real._Fork)
		*(void **)&real._Fork = *(void **)&real.fork;
	resolved = 1;
}
