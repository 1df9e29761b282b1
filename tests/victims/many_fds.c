/* SPDX-License-Identifier: MIT */
/* Descriptors beyond 64: each has its own lock, and each close is seen. */
#include "victim.h"

#include <errno.h>

#define FILES 200

int main(void)
{
	int fd[FILES], base, other, i;

	begin();
	base = fresh("many_fds");
	other = another("many_fds");
	for (i = 0; i < FILES; i++) {
		fd[i] = another("many_fds");
		fcntl_lock(fd[i], F_OFD_SETLK, F_WRLCK, SEEK_SET, i, 1, 0);
	}
	CHECK(fd[FILES - 1] > 128);
	fcntl_lock(base, F_OFD_SETLK, F_WRLCK, SEEK_SET, 0, FILES, EAGAIN);
	/* Every second one goes; 64 and 128 share a bit of the watch word with others. */
	for (i = 0; i < FILES; i += 2)
		CHECK(close(fd[i]) == 0);
	for (i = 0; i < FILES; i++)
		fcntl_lock(other, F_OFD_SETLK, F_WRLCK, SEEK_SET, i, 1, i % 2 ? EAGAIN : 0);
	for (i = 1; i < FILES; i += 2)
		CHECK(close(fd[i]) == 0);
	fcntl_lock(other, F_OFD_SETLK, F_WRLCK, SEEK_SET, 0, FILES, 0);
	return done();
}
