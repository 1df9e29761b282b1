/* SPDX-License-Identifier: MIT */
/* Closing any descriptor of a file drops all the process's POSIX locks on it. */
#include "victim.h"

#include <errno.h>

int main(void)
{
	int fd, other, unlike;

	begin();
	fd = fresh("close_drops");
	other = another("close_drops");
	unlike = fresh("close_drops.other");
	fcntl_lock(fd, F_SETLK, F_WRLCK, SEEK_SET, 0, 10, 0);
	CHECK(close(unlike) == 0);
	probe_in_child("close_drops", EAGAIN);
	CHECK(close(other) == 0);
	probe_in_child("close_drops", 0);

	fcntl_lock(fd, F_SETLK, F_WRLCK, SEEK_SET, 0, 10, 0);
	CHECK(close(99) == -1 && errno == EBADF);
	probe_in_child("close_drops", EAGAIN);
	CHECK(close(dup(fd)) == 0);
	probe_in_child("close_drops", 0);
	return done();
}
