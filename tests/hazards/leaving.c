/* SPDX-License-Identifier: MIT */
/*
 * Calls that never come back, or come from where nobody expects them: threads cancelled inside or
 * ended by a handler, key destructors and functions called at exit. Prints what the kernel says is
 * locked then.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hazard.h"

static int fd;
static atomic_int tid;

static void cleaned(void *argument)
{
	(void)argument;
	printf("its cleanup ran\n");
}

static void *wait_in_vain(void *argument)
{
	int type;

	if (argument)
		REQUIRE(!pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type));
	pthread_cleanup_push(cleaned, NULL);
	tid = (int)syscall(SYS_gettid);
	lock_record(fd, F_OFD_SETLKW, F_WRLCK);
	pthread_cleanup_pop(0);
	return NULL;
}

/* A pending cancellation takes effect in close, before the kernel is entered. */
static void *close_cancelled(void *argument)
{
	int state;

	(void)argument;
	REQUIRE(!pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state));
	REQUIRE(!pthread_cancel(pthread_self()));
	pthread_cleanup_push(cleaned, NULL);
	REQUIRE(!pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state));
	close(fd);
	pthread_cleanup_pop(0);
	return NULL;
}

static void join(pthread_t thread)
{
	void *result;

	REQUIRE(!pthread_join(thread, &result));
	printf("it was %s\n", result == PTHREAD_CANCELED ? "cancelled" : "not cancelled");
}

static int cancel(pthread_t thread)
{
	return pthread_cancel(thread);
}

static void end_thread(int number)
{
	(void)number;
	pthread_exit(PTHREAD_CANCELED);
}

/* From a handler that interrupts the call: its frames are unwound as by a cancellation. */
static int interrupt(pthread_t thread)
{
	struct sigaction action = { .sa_handler = end_thread };

	return sigaction(SIGUSR1, &action, NULL) || pthread_kill(thread, SIGUSR1);
}

static void leave_while_waiting(int (*leave)(pthread_t thread), void *how)
{
	int holder = open("waited", O_RDWR | O_CREAT, 0600);
	pthread_t thread;

	fd = open("waited", O_RDWR);
	lock_record(holder, F_OFD_SETLK, F_WRLCK);
	tid = 0;
	REQUIRE(!pthread_create(&thread, NULL, wait_in_vain, how));
	while (!tid)
		usleep(100);
	wait_until_blocked_in(tid, SYS_fcntl);
	REQUIRE(!leave(thread));
	join(thread);
	close(holder);
	lock_record(fd, F_OFD_SETLK, F_WRLCK);
	close(fd);
}

/* A child that is refused tells that the lock is still there; its wait, whose it is. */
static void cancel_close(void)
{
	pthread_t thread;
	pid_t child;
	int status, copy;

	fd = open("closed", O_RDWR | O_CREAT, 0600);
	lock_record(fd, F_SETLK, F_WRLCK);
	REQUIRE(!flock(fd, LOCK_EX));
	REQUIRE(!pthread_create(&thread, NULL, close_cancelled, NULL));
	join(thread);
	printf("the descriptor is %s\n", fcntl(fd, F_GETFD) >= 0 ? "open" : "closed");
	child = fork();
	if (!child) {
		copy = open("closed", O_RDWR);
		lock_record(copy, F_SETLKW, F_WRLCK);
		REQUIRE(!flock(copy, LOCK_EX));
		_exit(0);
	}
	wait_until_blocked_in(child, SYS_fcntl);
	REQUIRE(!unlock_record(fd));
	wait_until_blocked_in(child, SYS_flock);
	REQUIRE(!flock(fd, LOCK_UN));
	REQUIRE(waitpid(child, &status, 0) == child && !status);
}

/* ---- Late calls */

static void lock_file(const char *name)
{
	int late = open(name, O_RDWR | O_CREAT, 0600);

	lock_record(late, F_SETLK, F_WRLCK);
	REQUIRE(!flock(late, LOCK_EX) && !close(late));
}

static void at_exit(void)
{
	lock_file("at-exit");
}

__attribute__((destructor)) static void in_destructor(void)
{
	lock_file("in-destructor");
}

static pthread_key_t key;
static int rounds;

/* Sets itself again: destructors run several times over, also after the recorder's own. */
static void in_key_destructor(void *value)
{
	lock_file("in-key-destructor");
	if (++rounds < 3)
		pthread_setspecific(key, value);
}

static void *with_key(void *argument)
{
	REQUIRE(!pthread_setspecific(key, "value"));
	lock_file("in-thread");
	return argument;
}

static void late(void)
{
	pthread_t thread;

	REQUIRE(!pthread_key_create(&key, in_key_destructor) && !atexit(at_exit));
	REQUIRE(!pthread_create(&thread, NULL, with_key, NULL) && !pthread_join(thread, NULL));
	printf("%d rounds of destructors\n", rounds);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	leave_while_waiting(cancel, NULL);
	leave_while_waiting(cancel, &fd); /* any pointer: asynchronously */
	leave_while_waiting(interrupt, NULL);
	cancel_close();
	late();
	return 0;
}
