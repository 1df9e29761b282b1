/* SPDX-License-Identifier: MIT */
/* alarm(2) ends a blocked F_SETLKW, flock and lockf with EINTR. */
#include "victim.h"

#include <errno.h>
#include <signal.h>
#include <sys/time.h>

static void on_alarm(int sig)
{
	(void)sig;
}

/* Fires again and again: a signal that comes before the call has begun must not be the only one. */
static void arm(int milliseconds)
{
	struct itimerval timer = { { 0, milliseconds * 1000 }, { 0, milliseconds * 1000 } };

	CHECK(setitimer(ITIMER_REAL, &timer, NULL) == 0);
}

int main(void)
{
	struct sigaction action = { .sa_handler = on_alarm };
	pid_t child;
	int fd;

	begin();
	fd = fresh("alarm");
	fcntl_lock(fd, F_SETLK, F_WRLCK, SEEK_SET, 0, 10, 0);
	flock_lock(fd, LOCK_EX, 0);
	child = fork();
	if (child == 0) {
		CHECK(sigaction(SIGALRM, &action, NULL) == 0);
		fd = another("alarm");
		arm(100);
		fcntl_lock(fd, F_SETLKW, F_RDLCK, SEEK_SET, 9, 10, EINTR);
		flock_lock(fd, LOCK_SH, EINTR);
		fcntl_lock(fd, F_OFD_SETLKW, F_WRLCK, SEEK_SET, 0, 0, EINTR);
		lockf_lock(fd, F_LOCK, 0, EINTR);
		arm(0);
		_exit(0);
	}
	reap(child);
	return done();
}
