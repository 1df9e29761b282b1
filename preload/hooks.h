/* SPDX-License-Identifier: MIT */
/* What the exported functions of hooks.c do, in terms of the real ones. */
#ifndef PRELOAD_HOOKS_H
#define PRELOAD_HOOKS_H

#include <fcntl.h>

#include <stdbool.h>

#include "preload/stack.h"

typedef int fcntl_function(int fd, int command, void *argument);
typedef int lockf_function(int fd, int command, off_t len);
typedef int prctl_function(int option, unsigned long a, unsigned long b, unsigned long c,
			   unsigned long d);

/* Whether a command is more than a question to the kernel: a lock, or something about fds. */
static inline bool fcntl_matters(int command)
{
	const uint64_t matters = UINT64_C(1) << F_DUPFD | UINT64_C(1) << F_SETFD |
				 UINT64_C(1) << F_GETLK | UINT64_C(1) << F_SETLK |
				 UINT64_C(1) << F_SETLKW | UINT64_C(1) << F_OFD_GETLK |
				 UINT64_C(1) << F_OFD_SETLK | UINT64_C(1) << F_OFD_SETLKW;

	return (unsigned)command < 64 ? matters >> command & 1 : command == F_DUPFD_CLOEXEC;
}

/* Whether a request is recorded, or changes what exec closes. */
bool ioctl_matters(unsigned long request);

/* Real functions for what came through syscall(2); their records say so. */
int syscall_fcntl(int fd, int command, void *argument);
int syscall_flock(int fd, int operation);

/* For the entry of syscall(2), bits by number: what goes to hook_syscall(), what makes children. */
#define SYSCALL_NUMBERS 512 /* as hooks.c tells the entry */
extern uint64_t syscall_map[SYSCALL_NUMBERS / 64];
extern uint64_t syscall_clones[SYSCALL_NUMBERS / 64];
/* Entered by a jump: the arguments lie where the host put them. */
long hook_syscall(long number, long a, long b, long c, long d, long e);

/*
 * No more arguments than fit into registers: then the exported function is left by a jump, and the
 * way back from the kernel is one return shorter. After a system call processors guess those wrong.
 */
int hook_fcntl(fcntl_function *real_fcntl, int fd, int command, void *argument, struct site site);
int hook_flock(int (*real_flock)(int fd, int operation), int fd, int operation, struct site site);
int hook_lockf(lockf_function *real_lockf, int fd, int command, off_t len, struct site site);
int hook_ioctl(int (*real_ioctl)(int fd, unsigned long request, void *argument), int fd,
	       unsigned long request, void *argument, struct site site);
int hook_close(int (*real_close)(int fd), int fd, struct site site);
int hook_dup2(int (*real_dup2)(int fd, int to), int fd, int to, struct site site);
int hook_dup3(int (*real_dup3)(int fd, int to, int flags), int fd, int to, int flags,
	      struct site site);
int hook_dup(int (*real_dup)(int fd), int fd);
int hook_close_range(int (*real_close_range)(unsigned first, unsigned last, int flags),
		     unsigned first, unsigned last, int flags, struct site site);
int hook_prctl(prctl_function *real_prctl, int option, unsigned long a, unsigned long b,
	       unsigned long c, unsigned long d);
/* SYS_seccomp, which has no function in libc. */
long hook_seccomp(long (*real)(long number, ...), unsigned operation, unsigned flags,
		  void *argument);

#endif
