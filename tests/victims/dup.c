/* SPDX-License-Identifier: MIT */
/* dup, dup2, dup3, F_DUPFD: one description, whose lock ends with its last descriptor. */
#include "victim.h"

#include <errno.h>

static int b;

/* The lock of `fd` lives on in `copy`, and ends with it. */
static void last_close_frees(int fd, int copy)
{
	CHECK(copy >= 0);
	flock_lock(fd, LOCK_EX, 0);
	CHECK(close(fd) == 0);
	flock_lock(b, LOCK_EX | LOCK_NB, EAGAIN);
	flock_lock(copy, LOCK_SH, 0);
	flock_lock(b, LOCK_SH | LOCK_NB, 0);
	flock_lock(b, LOCK_UN, 0);
	flock_lock(copy, LOCK_EX | LOCK_NB, 0);
	CHECK(close(copy) == 0);
	flock_lock(b, LOCK_EX | LOCK_NB, 0);
	flock_lock(b, LOCK_UN, 0);
}

int main(void)
{
	int fd, victim;

	begin();
	b = fresh("dup");
	fd = another("dup");
	last_close_frees(fd, dup(fd));
	fd = another("dup");
	last_close_frees(fd, dup2(fd, 30));
	fd = another("dup");
	last_close_frees(fd, dup3(fd, 31, O_CLOEXEC));
	fd = another("dup");
	last_close_frees(fd, fcntl(fd, F_DUPFD, 40));
	fd = another("dup");
	last_close_frees(fd, fcntl(fd, F_DUPFD_CLOEXEC, 50));

	/* dup2 onto a descriptor closes what was there, and onto itself nothing. */
	victim = another("dup");
	flock_lock(victim, LOCK_EX, 0);
	CHECK(dup2(victim, victim) == victim);
	flock_lock(b, LOCK_EX | LOCK_NB, EAGAIN);
	CHECK(dup2(b, victim) == victim);
	flock_lock(b, LOCK_EX | LOCK_NB, 0);
	flock_lock(victim, LOCK_UN, 0);
	return done();
}
