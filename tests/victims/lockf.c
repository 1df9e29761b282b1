/* SPDX-License-Identifier: MIT */
/* lockf(3): every command, with a moved file position and negative lengths. */
#include "victim.h"

#include <errno.h>

int main(void)
{
	int fd;

	begin();
	fd = fresh("lockf");
	lockf_lock(fd, F_LOCK, 0, 0);
	lockf_lock(fd, F_ULOCK, 0, 0);
	CHECK(lseek(fd, 100, SEEK_SET) == 100);
	lockf_lock(fd, F_TLOCK, 50, 0);
	lockf_lock(fd, F_LOCK, -100, 0);
	lockf_lock(fd, F_TEST, 10, 0);
	lockf_lock(fd, F_TEST, -10, 0);
	lockf_lock(fd, F_ULOCK, 50, 0);
	probe_in_child("lockf", EAGAIN);
	lockf_lock(fd, F_ULOCK, -100, 0);
	probe_in_child("lockf", 0);
	lockf_lock(fd, F_TLOCK, -101, EINVAL);
	lockf_lock(99, F_LOCK, 0, EBADF);

	/* Refused by the C library itself: no system call. */
	CHECK(lockf(fd, 77, 0) == -1 && errno == EINVAL);
	return done();
}
