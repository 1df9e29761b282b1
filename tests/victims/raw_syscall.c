/* SPDX-License-Identifier: MIT */
/* Locks and closes through syscall(2), as libuv makes them. */
#include "victim.h"

#include <errno.h>
#include <sys/syscall.h>

int main(void)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 10 };
	int fd, other;

	begin();
	fd = fresh("raw");
	other = another("raw");
	expect_flock(fd, LOCK_EX, "0");
	CHECK(syscall(SYS_flock, fd, LOCK_EX) == 0);
	expect_flock(other, LOCK_SH | LOCK_NB, "-1 EAGAIN");
	CHECK(syscall(SYS_flock, other, LOCK_SH | LOCK_NB) == -1 && errno == EAGAIN);
	expect_fcntl(fd, F_SETLK, F_WRLCK, SEEK_SET, 0, 10, "0");
	CHECK(syscall(SYS_fcntl, fd, F_SETLK, &lock) == 0);
	expect_fcntl(fd, F_OFD_SETLKW, F_WRLCK, SEEK_SET, 20, 10, "0");
	lock.l_start = 20;
	CHECK(syscall(SYS_fcntl, fd, F_OFD_SETLKW, &lock) == 0);
	probe_in_child("raw", EAGAIN);
	/* Drops the POSIX lock, then the flock and OFD locks. */
	CHECK(syscall(SYS_close, fd) == 0);
	probe_in_child("raw", 0);
	flock_lock(other, LOCK_EX | LOCK_NB, 0);
	fcntl_lock(other, F_OFD_SETLK, F_WRLCK, SEEK_SET, 0, 0, 0);
	CHECK(syscall(SYS_close, 99) == -1 && errno == EBADF);
	CHECK(syscall(SYS_getpid) == getpid());
	return done();
}
