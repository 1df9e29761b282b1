/* SPDX-License-Identifier: MIT */
/* Every call that the kernel refuses at once: EAGAIN, EBADF, EINVAL, EOVERFLOW. */
#include "victim.h"

#include <errno.h>
#include <stdint.h>

int main(void)
{
	int fd, readable, path;

	begin();
	fd = fresh("errors");
	readable = open("errors", O_RDONLY);
	path = open("errors", O_PATH);
	flock_lock(fd, LOCK_EX, 0);
	flock_lock(readable, LOCK_EX | LOCK_NB, EAGAIN);
	fcntl_lock(fd, F_SETLK, F_WRLCK, SEEK_SET, 0, 10, 0);
	probe_in_child("errors", EAGAIN);

	fcntl_lock(99, F_SETLK, F_WRLCK, SEEK_SET, 0, 10, EBADF);
	fcntl_lock(-1, F_SETLKW, F_WRLCK, SEEK_SET, 0, 10, EBADF);
	fcntl_lock(readable, F_SETLK, F_WRLCK, SEEK_SET, 0, 10, EBADF);
	fcntl_lock(path, F_OFD_SETLK, F_RDLCK, SEEK_SET, 0, 10, EBADF);
	flock_lock(99, LOCK_SH, EBADF);
	flock_lock(path, LOCK_EX | LOCK_NB, EBADF);
	lockf_lock(readable, F_TLOCK, 10, EBADF);

	fcntl_lock(fd, F_SETLK, 99, SEEK_SET, 0, 10, EINVAL);
	fcntl_lock(fd, F_SETLKW, -1, SEEK_SET, 0, 10, EINVAL);
	fcntl_lock(fd, F_SETLK, F_WRLCK, 9, 0, 10, EINVAL);
	fcntl_lock(fd, F_SETLK, F_WRLCK, -1, 0, 10, EINVAL);
	fcntl_lock(fd, F_SETLK, F_WRLCK, SEEK_SET, -1, 10, EINVAL);
	fcntl_lock(fd, F_SETLK, F_UNLCK, SEEK_CUR, -1, 10, EINVAL);
	fcntl_lock(fd, F_SETLK, F_UNLCK, SEEK_END, -1, 0, EINVAL);
	fcntl_lock(fd, F_SETLK, F_WRLCK, SEEK_SET, INT64_MAX, 2, EOVERFLOW);
	fcntl_lock(fd, F_SETLKW, F_WRLCK, SEEK_SET, INT64_MAX, INT64_MAX, EOVERFLOW);
	CHECK(lseek(fd, 10, SEEK_SET) == 10);
	fcntl_lock(fd, F_SETLK, F_WRLCK, SEEK_CUR, INT64_MAX, 1, EOVERFLOW);
	fcntl_lock(fd, F_OFD_SETLK, F_WRLCK, SEEK_SET, INT64_MAX, 1, 0);

	flock_lock(fd, 0, EINVAL);
	flock_lock(fd, LOCK_NB, EINVAL);
	flock_lock(fd, LOCK_EX | LOCK_UN, EINVAL);
	return done();
}
