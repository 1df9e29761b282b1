/* SPDX-License-Identifier: MIT */
/* A signal handler locks and unlocks while main is blocked in F_SETLKW, which then goes on. */
#include "victim.h"

#include <signal.h>

static struct gate ready, handled;
static int own;

static void on_signal(int sig)
{
	(void)sig;
	flock_lock(own, LOCK_EX, 0);
	fcntl_lock(own, F_SETLK, F_WRLCK, SEEK_SET, 0, 0, 0);
	flock_lock(own, LOCK_UN, 0);
	gate_open(handled);
}

int main(void)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	pid_t child;
	int fd;

	begin();
	ready = gate_new();
	handled = gate_new();
	own = fresh("handler.own");
	fd = fresh("handler");
	fcntl_lock(fd, F_SETLK, F_WRLCK, SEEK_SET, 0, 10, 0);
	child = fork();
	if (child == 0) {
		CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
		gate_open(ready);
		fcntl_lock(fd, F_SETLKW, F_WRLCK, SEEK_SET, 5, 10, 0);
		_exit(0);
	}
	gate_wait(ready);
	wait_until_blocked(child, child);
	CHECK(kill(child, SIGUSR1) == 0);
	gate_wait(handled);
	wait_until_blocked(child, child);
	fcntl_lock(fd, F_SETLK, F_UNLCK, SEEK_SET, 0, 0, 0);
	reap(child);
	return done();
}
