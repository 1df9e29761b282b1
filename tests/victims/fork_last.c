/* SPDX-License-Identifier: MIT */
/* A description that parent and child share keeps its lock until the last of them closes it. */
#include "victim.h"

#include <errno.h>

int main(void)
{
	struct gate checked;
	int fd, other;
	pid_t child;

	begin();
	fd = fresh("fork_last");
	flock_lock(fd, LOCK_EX, 0);
	checked = gate_new();
	child = fork();
	if (child == 0) {
		gate_wait(checked);
		_exit(0);
	}
	CHECK(close(fd) == 0);
	other = another("fork_last");
	flock_lock(other, LOCK_EX | LOCK_NB, EAGAIN);
	gate_open(checked);
	reap(child);
	/* The child never closed it: its death did. */
	flock_lock(other, LOCK_EX | LOCK_NB, 0);
	return done();
}
