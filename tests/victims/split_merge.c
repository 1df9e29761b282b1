/* SPDX-License-Identifier: MIT */
/* Unlocking the middle splits a lock, locking the gap merges it; a child asks what is left. */
#include "victim.h"

static void ask(off_t start, off_t len, struct answer answer)
{
	pid_t child = fork();

	if (child == 0) {
		fcntl_query(another("split_merge"), F_GETLK, F_WRLCK, SEEK_SET, start, len, answer);
		_exit(0);
	}
	reap(child);
}

int main(void)
{
	pid_t self = getpid();
	int fd;

	begin();
	fd = fresh("split_merge");
	fcntl_lock(fd, F_SETLK, F_WRLCK, SEEK_SET, 0, 100, 0);
	fcntl_lock(fd, F_SETLK, F_UNLCK, SEEK_SET, 40, 20, 0);
	ask(0, 0, (struct answer){ F_WRLCK, 0, 40, self });
	ask(40, 20, (struct answer){ .type = F_UNLCK });
	ask(50, 0, (struct answer){ F_WRLCK, 60, 40, self });

	fcntl_lock(fd, F_SETLK, F_RDLCK, SEEK_SET, 10, 10, 0);
	ask(10, 1, (struct answer){ F_RDLCK, 10, 10, self });
	ask(20, 1, (struct answer){ F_WRLCK, 20, 20, self });

	fcntl_lock(fd, F_SETLK, F_WRLCK, SEEK_SET, 10, 50, 0);
	ask(99, 1, (struct answer){ F_WRLCK, 0, 100, self });
	fcntl_lock(fd, F_SETLK, F_UNLCK, SEEK_SET, 99, 0, 0);
	ask(0, 0, (struct answer){ F_WRLCK, 0, 99, self });
	fcntl_lock(fd, F_SETLK, F_UNLCK, SEEK_SET, 0, 0, 0);
	ask(0, 0, (struct answer){ .type = F_UNLCK });
	return done();
}
