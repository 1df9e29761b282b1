/* SPDX-License-Identifier: MIT */
/* siglongjmp out of a blocked F_SETLKW: the call never comes back, the next ones are as ever. */
#include "victim.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>

static sigjmp_buf out;

static void on_signal(int sig)
{
	(void)sig;
	siglongjmp(out, 1);
}

static void wait_in_vain(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 10 };

	if (sigsetjmp(out, 1))
		return;
	CHECK(signal(SIGUSR1, on_signal) != SIG_ERR);
	expect_fcntl(fd, F_SETLKW, F_WRLCK, SEEK_SET, 0, 10, "?");
	fcntl(fd, F_SETLKW, &lock);
	CHECK(false);
}

int main(void)
{
	struct gate jumped = gate_new();
	pid_t child;
	int fd;

	begin();
	fd = fresh("longjmp");
	fcntl_lock(fd, F_SETLK, F_WRLCK, SEEK_SET, 0, 10, 0);
	child = fork();
	if (child == 0) {
		wait_in_vain(fd);
		fcntl_lock(fd, F_SETLK, F_WRLCK, SEEK_SET, 0, 10, EAGAIN);
		fcntl_lock(fd, F_SETLK, F_WRLCK, SEEK_SET, 10, 10, 0);
		gate_open(jumped);
		fcntl_lock(fd, F_SETLKW, F_WRLCK, SEEK_SET, 0, 10, 0);
		_exit(0);
	}
	wait_until_blocked(child, child);
	CHECK(kill(child, SIGUSR1) == 0);
	gate_wait(jumped);
	wait_until_blocked(child, child);
	fcntl_lock(fd, F_SETLK, F_UNLCK, SEEK_SET, 0, 0, 0);
	reap(child);
	return done();
}
