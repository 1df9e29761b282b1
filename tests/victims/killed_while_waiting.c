/* SPDX-License-Identifier: MIT */
/* SIGKILL in a blocked call: the wait is in the record, and its parent goes on. */
#include "victim.h"

#include <signal.h>

static void killed_in(void (*call)(int fd), int fd)
{
	pid_t child = fork();

	if (child == 0) {
		call(another("killed"));
		_exit(1);
	}
	wait_until_blocked(child, child);
	CHECK(kill(child, SIGKILL) == 0);
	reap_killed(child, SIGKILL);
	fcntl_lock(fd, F_SETLK, F_WRLCK, SEEK_SET, 0, 20, 0);
}

static void in_fcntl(int fd)
{
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 5, .l_len = 1 };

	expect_fcntl(fd, F_SETLKW, F_RDLCK, SEEK_SET, 5, 1, "?");
	fcntl(fd, F_SETLKW, &lock);
}

static void in_flock(int fd)
{
	expect_flock(fd, LOCK_EX, "?");
	flock(fd, LOCK_EX);
}

static void in_lockf(int fd)
{
	expect_fcntl(fd, F_SETLKW, F_WRLCK, SEEK_CUR, 0, 0, "?");
	CHECK(lockf(fd, F_LOCK, 0) == 0);
}

int main(void)
{
	int fd;

	begin();
	fd = fresh("killed");
	fcntl_lock(fd, F_SETLK, F_WRLCK, SEEK_SET, 0, 10, 0);
	flock_lock(fd, LOCK_SH, 0);
	killed_in(in_fcntl, fd);
	killed_in(in_flock, fd);
	killed_in(in_lockf, fd);
	return done();
}
