/* SPDX-License-Identifier: MIT */
/* F_GETLK and F_OFD_GETLK: nobody in the way, another process, oneself. */
#include "victim.h"

int main(void)
{
	struct answer nobody = { F_UNLCK, 0, 0, 0 };
	pid_t child, parent = getpid();
	int fd;

	begin();
	fd = fresh("getlk");
	fcntl_query(fd, F_GETLK, F_WRLCK, SEEK_SET, 0, 0, nobody);
	fcntl_lock(fd, F_SETLK, F_WRLCK, SEEK_SET, 10, 20, 0);
	fcntl_lock(fd, F_SETLK, F_RDLCK, SEEK_SET, 100, 0, 0);
	/* Its own locks never stand in its way. */
	fcntl_query(fd, F_GETLK, F_WRLCK, SEEK_SET, 0, 0, nobody);
	child = fork();
	if (child == 0) {
		fcntl_query(fd, F_GETLK, F_WRLCK, SEEK_SET, 0, 0,
			    (struct answer){ F_WRLCK, 10, 20, parent });
		fcntl_query(fd, F_GETLK, F_RDLCK, SEEK_SET, 50, 1000, nobody);
		CHECK(lseek(fd, 200, SEEK_SET) == 200);
		fcntl_query(fd, F_GETLK, F_WRLCK, SEEK_CUR, -100, 10,
			    (struct answer){ F_RDLCK, 100, 0, parent });
		fcntl_query(fd, F_OFD_GETLK, F_RDLCK, SEEK_SET, 29, -5,
			    (struct answer){ F_WRLCK, 10, 20, parent });
		fcntl_query(fd, F_GETLK, F_WRLCK, SEEK_SET, 10, -10, nobody);
		_exit(0);
	}
	reap(child);
	return done();
}
