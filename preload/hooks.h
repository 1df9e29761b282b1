/* SPDX-License-Identifier: MIT */
/* What the exported functions of hooks.c do, in terms of the real ones. */
#ifndef PRELOAD_HOOKS_H
#define PRELOAD_HOOKS_H

#include <fcntl.h>

#include "preload/stack.h"

typedef int fcntl_function(int fd, int command, void *argument);
typedef int lockf_function(int fd, int command, off_t len);

int hook_fcntl(fcntl_function *real_fcntl, int fd, int command, void *argument, uint16_t flags,
	       struct site site);
int hook_flock(int (*real_flock)(int fd, int operation), int fd, int operation, uint16_t flags,
	       struct site site);
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

#endif
