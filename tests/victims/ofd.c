/* SPDX-License-Identifier: MIT */
/* OFD locks: two descriptions in one process conflict, also with a POSIX lock. */
#include "victim.h"

#include <errno.h>

int main(void)
{
	int a, b;

	begin();
	a = fresh("ofd");
	b = another("ofd");
	fcntl_lock(a, F_OFD_SETLK, F_WRLCK, SEEK_SET, 0, 100, 0);
	fcntl_lock(b, F_OFD_SETLK, F_WRLCK, SEEK_SET, 50, 100, EAGAIN);
	fcntl_query(b, F_OFD_GETLK, F_WRLCK, SEEK_SET, 0, 0,
		    (struct answer){ F_WRLCK, 0, 100, -1 });
	fcntl_lock(b, F_SETLK, F_RDLCK, SEEK_SET, 99, 1, EAGAIN);
	fcntl_lock(b, F_OFD_SETLKW, F_WRLCK, SEEK_SET, 100, 100, 0);
	fcntl_lock(a, F_OFD_SETLKW, F_RDLCK, SEEK_SET, 0, 100, 0);
	fcntl_lock(b, F_OFD_SETLK, F_RDLCK, SEEK_SET, 0, 100, 0);
	fcntl_lock(a, F_OFD_SETLK, F_UNLCK, SEEK_SET, 0, 0, 0);
	fcntl_lock(b, F_OFD_SETLK, F_WRLCK, SEEK_SET, 0, 0, 0);

	/* A close of one description leaves the other's lock alone. */
	CHECK(close(a) == 0);
	a = another("ofd");
	fcntl_lock(a, F_OFD_SETLK, F_RDLCK, SEEK_SET, 0, 1, EAGAIN);
	CHECK(close(b) == 0);
	fcntl_lock(a, F_OFD_SETLK, F_RDLCK, SEEK_SET, 0, 1, 0);
	fcntl_query(a, F_OFD_GETLK, F_WRLCK, SEEK_SET, 0, 0, (struct answer){ F_UNLCK, 0, 0, 0 });
	return done();
}
