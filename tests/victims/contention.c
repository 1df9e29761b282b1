/* SPDX-License-Identifier: MIT */
/* The parent holds a lock for the milliseconds of its argument while the child waits. */
#include "victim.h"

#include <stdlib.h>

static void hold(int fd, int milliseconds)
{
	struct gate ready = gate_new();
	pid_t child = fork();

	if (child == 0) {
		fd = another("contention");
		gate_wait(ready);
		fcntl_lock(fd, F_SETLKW, F_WRLCK, SEEK_SET, 50, 100, 0);
		fcntl_lock(fd, F_SETLK, F_UNLCK, SEEK_SET, 0, 0, 0);
		flock_lock(fd, LOCK_EX, 0);
		flock_lock(fd, LOCK_UN, 0);
		_exit(0);
	}
	fcntl_lock(fd, F_SETLKW, F_WRLCK, SEEK_SET, 0, 100, 0);
	flock_lock(fd, LOCK_SH, 0);
	gate_open(ready);
	wait_until_blocked(child, child);
	usleep(milliseconds * 1000);
	fcntl_lock(fd, F_SETLK, F_UNLCK, SEEK_SET, 0, 100, 0);
	wait_until_blocked(child, child);
	usleep(milliseconds * 1000);
	flock_lock(fd, LOCK_UN, 0);
	reap(child);
}

int main(int argc, char **argv)
{
	begin();
	hold(fresh("contention"), argc > 1 ? atoi(argv[1]) : 100);
	return done();
}
