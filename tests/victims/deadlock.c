/* SPDX-License-Identifier: MIT */
/* The kernel sees a deadlock of two processes over two POSIX locks: EDEADLK for who closes it. */
#include "victim.h"

#include <errno.h>

int main(void)
{
	struct gate ready = gate_new();
	pid_t child;
	int fd;

	begin();
	fd = fresh("deadlock");
	fcntl_lock(fd, F_SETLK, F_WRLCK, SEEK_SET, 0, 10, 0);
	child = fork();
	if (child == 0) {
		fcntl_lock(fd, F_SETLK, F_WRLCK, SEEK_SET, 10, 10, 0);
		gate_open(ready);
		fcntl_lock(fd, F_SETLKW, F_WRLCK, SEEK_SET, 0, 10, 0);
		_exit(0);
	}
	gate_wait(ready);
	wait_until_blocked(child, child);
	fcntl_lock(fd, F_SETLKW, F_WRLCK, SEEK_SET, 10, 10, EDEADLK);
	fcntl_lock(fd, F_SETLK, F_UNLCK, SEEK_SET, 0, 10, 0);
	reap(child);
	fcntl_lock(fd, F_SETLKW, F_WRLCK, SEEK_SET, 10, 10, 0);
	return done();
}
