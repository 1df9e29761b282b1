/* SPDX-License-Identifier: MIT */
/* POSIX locks: both modes, unlock, every whence, length 0, negative length. */
#include "victim.h"

#include <errno.h>
#include <stdint.h>

int main(void)
{
	int fd;

	begin();
	fd = fresh("posix");
	fcntl_lock(fd, F_SETLK, F_WRLCK, SEEK_SET, 0, 100, 0);
	fcntl_lock(fd, F_SETLK, F_RDLCK, SEEK_SET, 0, 100, 0);
	fcntl_lock(fd, F_SETLK, F_WRLCK, SEEK_SET, 0, 100, 0);
	fcntl_lock(fd, F_SETLK, F_UNLCK, SEEK_SET, 0, 100, 0);

	fcntl_lock(fd, F_SETLKW, F_RDLCK, SEEK_SET, 0, 0, 0);
	fcntl_lock(fd, F_SETLKW, F_WRLCK, SEEK_SET, 10, 0, 0);
	fcntl_lock(fd, F_SETLKW, F_UNLCK, SEEK_SET, 0, 0, 0);

	CHECK(ftruncate(fd, 1000) == 0);
	CHECK(lseek(fd, 50, SEEK_SET) == 50);
	fcntl_lock(fd, F_SETLK, F_WRLCK, SEEK_CUR, 0, 10, 0);
	fcntl_lock(fd, F_SETLK, F_WRLCK, SEEK_CUR, -50, 5, 0);
	fcntl_lock(fd, F_SETLKW, F_WRLCK, SEEK_CUR, 20, -20, 0);
	fcntl_lock(fd, F_SETLK, F_RDLCK, SEEK_END, 0, 0, 0);
	fcntl_lock(fd, F_SETLK, F_WRLCK, SEEK_END, -10, 10, 0);
	fcntl_lock(fd, F_SETLKW, F_WRLCK, SEEK_END, 0, -100, 0);
	fcntl_lock(fd, F_SETLK, F_UNLCK, SEEK_END, -1000, 0, 0);
	CHECK(lseek(fd, 0, SEEK_CUR) == 50);

	fcntl_lock(fd, F_SETLK, F_WRLCK, SEEK_SET, 10, -10, 0);
	fcntl_lock(fd, F_SETLK, F_UNLCK, SEEK_SET, 10, -10, 0);
	fcntl_lock(fd, F_SETLK, F_WRLCK, SEEK_SET, 10, -11, EINVAL);
	fcntl_lock(fd, F_SETLK, F_WRLCK, SEEK_SET, INT64_MAX - 9, 10, 0);
	/* Nobody has it, and unlocking is a success all the same. */
	fcntl_lock(fd, F_SETLK, F_UNLCK, SEEK_SET, 5000, 10, 0);
	return done();
}
