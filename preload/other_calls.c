/* SPDX-License-Identifier: MIT */
/* ioctl, close and dup: around exactly one real call, with a look at whether it matters. */
#include <errno.h>
#include <linux/fs.h>
#include <linux/input.h>
#include <linux/pr.h>
#include <linux/vt.h>
#include <sys/ioctl.h>

#include "preload/calls.h"
#include "preload/hooks.h"

#define CLOSE_RANGE_UNTIL_EXEC 4 /* CLOSE_RANGE_CLOEXEC */

static bool excludes(unsigned long request)
{
	switch (request) {
#define X(name, excludes) \
	case name:        \
		return excludes;
#include "trace/ioctls.def"
#undef X
	default:
		return false;
	}
}

static bool wanted(unsigned long request)
{
	return recorder.ioctl_mode == IOCTL_ALL ||
	       (recorder.ioctl_mode == IOCTL_EXCLUSIVE && excludes(request));
}

bool ioctl_matters(unsigned long request)
{
	return wanted(request) || request == FIOCLEX || request == FIONCLEX;
}

int hook_ioctl(int (*real_ioctl)(int fd, unsigned long request, void *argument), int fd,
	       unsigned long request, void *argument, struct site site)
{
	struct call call;
	int result;

	if (likely(!wanted(request))) {
		result = real_ioctl(fd, request, argument);
		if (unlikely(request == FIOCLEX || request == FIONCLEX) && !result)
			call_set_close_on_exec(fd, request == FIOCLEX);
		return result;
	}
	call_ioctl(&call, fd, request, site);
	result = real_ioctl(fd, request, argument);
	call_ioctl_done(&call, result < 0 ? errno : 0);
	return result;
}

int hook_close(int (*real_close)(int fd), int fd, struct site site)
{
	struct call call;
	int result;

	call_closing(&call, CALL_CLOSE, (unsigned)fd, (unsigned)fd, 0, site);
	result = real_close(fd);
	call_closed(&call, result < 0 ? errno : 0);
	return result;
}

int hook_close_range(int (*real_close_range)(unsigned first, unsigned last, int flags),
		     unsigned first, unsigned last, int flags, struct site site)
{
	struct call call;
	int result;

	call_closing(&call, CALL_CLOSE_RANGE, first, last, flags, site);
	result = real_close_range(first, last, flags);
	call_closed(&call, result < 0 ? errno : 0);
	return result;
}

int hook_dup(int (*real_dup)(int fd), int fd)
{
	int result = real_dup(fd);

	if (result >= 0)
		call_duplicated(CALL_DUP, fd, result, false);
	return result;
}

/* dup2 closes `to` silently; dup2(n, n) closes nothing. */
static void replacing(struct call *call, int fd, int to, struct site site)
{
	call->recorded = false;
	if (fd != to)
		call_closing(call, CALL_DUP2, (unsigned)to, (unsigned)to, 0, site);
}

static void replaced(struct call *call, int fd, int to, int error, bool close_on_exec)
{
	call_closed(call, error);
	if (!error)
		call_duplicated(CALL_DUP2, fd, to, close_on_exec);
}

int hook_dup2(int (*real_dup2)(int fd, int to), int fd, int to, struct site site)
{
	struct call call;
	int result;

	replacing(&call, fd, to, site);
	result = real_dup2(fd, to);
	replaced(&call, fd, to, result < 0 ? errno : 0, false);
	return result;
}

int hook_dup3(int (*real_dup3)(int fd, int to, int flags), int fd, int to, int flags,
	      struct site site)
{
	struct call call;
	int result;

	replacing(&call, fd, to, site);
	result = real_dup3(fd, to, flags);
	replaced(&call, fd, to, result < 0 ? errno : 0, flags & O_CLOEXEC);
	return result;
}
