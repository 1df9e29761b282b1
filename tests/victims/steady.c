/* SPDX-License-Identifier: MIT */
/*
 * The same calls many times over: what the recorder asks the kernel on its own account must not
 * grow with them.
 */
#include "victim.h"

#include <alloca.h>
#include <stdint.h>
#include <sys/ioctl.h>

#define ROUNDS 300

static void lock_again_and_again(int fd, int unlike, int pipe_end)
{
	int round, readable;

	for (round = 0; round < ROUNDS; round++) {
		fcntl_lock(fd, F_SETLK, F_WRLCK, SEEK_SET, 0, 10, 0);
		fcntl_lock(fd, F_SETLK, F_UNLCK, SEEK_SET, 0, 10, 0);
		flock_lock(fd, LOCK_EX, 0);
		flock_lock(fd, LOCK_SH, 0);
		CHECK(close(dup(unlike)) == 0);
		CHECK(fcntl(fd, F_GETFL) >= 0);
		CHECK(ioctl(pipe_end, FIONREAD, &readable) == 0);
		flock_lock(fd, LOCK_UN, 0);
	}
}

int main(void)
{
	int ends[2];
	char *room;

	begin();
	CHECK(pipe(ends) == 0);
	/* Away from the end of a page: a struct flock that might lie across it is looked at with
	 * care. */
	room = alloca(1 + ((uintptr_t)__builtin_frame_address(0) - 3072) % 4096);
	*(volatile char *)room = 0;
	lock_again_and_again(fresh("steady"), ends[1], ends[0]);
	return done();
}
