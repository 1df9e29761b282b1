/* SPDX-License-Identifier: MIT */
/* ioctl requests that exclude others are recorded; the rest pass through. */
#include "victim.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>

int main(void)
{
	int pty, terminal, readable, ends[2];

	begin();
	pty = posix_openpt(O_RDWR | O_NOCTTY);
	CHECK(pty >= 0 && grantpt(pty) == 0 && unlockpt(pty) == 0);
	terminal = open(ptsname(pty), O_RDWR | O_NOCTTY);
	CHECK(terminal >= 0);
	errno = 0;
	CHECK(ioctl(terminal, TIOCEXCL) == 0 && errno == 0);
	CHECK(ioctl(terminal, TIOCNXCL) == 0 && errno == 0);
	CHECK(pipe(ends) == 0 && write(ends[1], "abc", 3) == 3);
	CHECK(ioctl(ends[0], FIONREAD, &readable) == 0 && readable == 3 && errno == 0);
	CHECK(ioctl(99, TIOCEXCL) == -1 && errno == EBADF);
	CHECK(ioctl(ends[0], TIOCEXCL) == -1 && errno == ENOTTY);
	return done();
}
