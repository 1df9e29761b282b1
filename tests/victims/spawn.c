/* SPDX-License-Identifier: MIT */
/* posix_spawn: the child has the descriptions that its file actions give it. */
#include "victim.h"

#include <errno.h>
#include <spawn.h>
#include <string.h>

extern char **environ;

static int spawned(void)
{
	int other = another("spawn");

	flock_lock(other, LOCK_EX | LOCK_NB, EAGAIN);
	flock_lock(20, LOCK_SH, 0);
	flock_lock(other, LOCK_SH | LOCK_NB, 0);
	return 0;
}

int main(int argc, char **argv)
{
	char *arguments[] = { argv[0], (char[]){ "child" }, NULL };
	posix_spawn_file_actions_t actions;
	pid_t child;
	int fd, other;

	begin();
	if (argc > 1 && strcmp(argv[1], "child") == 0)
		return spawned();
	fd = fresh("spawn");
	flock_lock(fd, LOCK_EX, 0);
	CHECK(posix_spawn_file_actions_init(&actions) == 0);
	CHECK(posix_spawn_file_actions_adddup2(&actions, fd, 20) == 0);
	CHECK(posix_spawn_file_actions_addclose(&actions, fd) == 0);
	CHECK(posix_spawn(&child, "/proc/self/exe", &actions, NULL, arguments, environ) == 0);
	reap(child);
	/* The child made it a shared lock, and its own one died with it. */
	other = another("spawn");
	flock_lock(other, LOCK_SH | LOCK_NB, 0);
	flock_lock(other, LOCK_EX | LOCK_NB, EAGAIN);
	CHECK(close(fd) == 0);
	flock_lock(other, LOCK_EX | LOCK_NB, 0);
	return done();
}
