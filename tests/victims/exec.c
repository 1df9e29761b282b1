/* SPDX-License-Identifier: MIT */
/* exec keeps POSIX locks and open descriptions; close-on-exec drops what it closes. */
#include "victim.h"

#include <errno.h>
#include <stdlib.h>

/* Arguments of the second image: the descriptor that stayed open. */
static int second_image(int fd)
{
	int other = another("exec.flock");

	probe_in_child("exec.posix", EAGAIN);
	probe_in_child("exec.dropped", 0);
	flock_lock(other, LOCK_SH | LOCK_NB, EAGAIN);
	flock_lock(fd, LOCK_UN, 0);
	flock_lock(other, LOCK_SH | LOCK_NB, 0);
	other = another("exec.cloexec");
	flock_lock(other, LOCK_EX | LOCK_NB, 0);
	return done();
}

int main(int argc, char **argv)
{
	int fd, cloexec;

	begin();
	if (argc > 1)
		return second_image(atoi(argv[1]));
	fd = fresh("exec.posix");
	fcntl_lock(fd, F_SETLK, F_WRLCK, SEEK_SET, 0, 10, 0);
	fd = fresh("exec.dropped");
	fcntl_lock(fd, F_SETLK, F_WRLCK, SEEK_SET, 0, 10, 0);
	CHECK(fcntl(fd, F_SETFD, FD_CLOEXEC) == 0);
	cloexec = open("exec.cloexec", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	flock_lock(cloexec, LOCK_EX, 0);
	fd = fresh("exec.flock");
	flock_lock(fd, LOCK_EX, 0);
	CHECK(fd == 6);
	execl("/proc/self/exe", argv[0], "6", (char *)NULL);
	return 1;
}
