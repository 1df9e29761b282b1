/* SPDX-License-Identifier: MIT */
/* fork: a child has the parent's flock and OFD locks, and none of its POSIX locks. */
#include "victim.h"

#include <errno.h>

int main(void)
{
	int fd, other;
	pid_t child;

	begin();
	fd = fresh("fork");
	other = another("fork");
	fcntl_lock(fd, F_SETLK, F_WRLCK, SEEK_SET, 0, 10, 0);
	fcntl_lock(fd, F_OFD_SETLK, F_WRLCK, SEEK_SET, 10, 10, 0);
	flock_lock(fd, LOCK_EX, 0);
	child = fork();
	if (child == 0) {
		fcntl_lock(fd, F_SETLK, F_RDLCK, SEEK_SET, 0, 10, EAGAIN);
		fcntl_lock(fd, F_OFD_SETLK, F_WRLCK, SEEK_SET, 10, 10, 0);
		flock_lock(other, LOCK_SH | LOCK_NB, EAGAIN);
		/* An unlock in the child frees the parent's. */
		flock_lock(fd, LOCK_UN, 0);
		flock_lock(other, LOCK_SH | LOCK_NB, 0);
		flock_lock(other, LOCK_UN, 0);
		/* Its closing of everything does not: the parent's descriptor is still there. */
		CHECK(close(fd) == 0);
		fcntl_lock(other, F_OFD_SETLK, F_WRLCK, SEEK_SET, 15, 1, EAGAIN);
		_exit(0);
	}
	reap(child);
	fcntl_lock(other, F_OFD_SETLK, F_WRLCK, SEEK_SET, 15, 1, EAGAIN);
	probe_in_child("fork", EAGAIN);
	flock_lock(other, LOCK_EX | LOCK_NB, 0);
	return done();
}
