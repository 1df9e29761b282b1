/* SPDX-License-Identifier: MIT */
/* On a busy machine a fork child comes to its first words long after it was born; then it waits. */
#include "victim.h"

#include <pthread.h>

/* libc runs it inside fork, before the child comes back to whoever called that. */
static void be_late(void)
{
	usleep(300 * 1000);
}

int main(void)
{
	pid_t child;
	int fd;

	begin();
	fd = fresh("late_child");
	fcntl_lock(fd, F_SETLK, F_WRLCK, SEEK_SET, 0, 10, 0);
	CHECK(pthread_atfork(NULL, NULL, be_late) == 0);
	child = fork();
	if (child == 0) {
		fcntl_lock(fd, F_SETLKW, F_WRLCK, SEEK_SET, 0, 10, 0);
		_exit(0);
	}
	wait_until_blocked(child, child);
	usleep(100 * 1000);
	fcntl_lock(fd, F_SETLK, F_UNLCK, SEEK_SET, 0, 10, 0);
	reap(child);
	return done();
}
