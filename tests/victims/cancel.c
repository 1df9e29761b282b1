/* SPDX-License-Identifier: MIT */
/* pthread_cancel of a thread that is blocked in F_SETLKW: its cleanup runs, the others go on. */
#include "victim.h"

#include <errno.h>
#include <pthread.h>

static struct gate started;
static pid_t waiter;
static bool cleaned;

static void clean_up(void *argument)
{
	cleaned = true;
	fcntl_lock(*(int *)argument, F_OFD_SETLK, F_WRLCK, SEEK_SET, 100, 10, 0);
}

static void *wait_for_lock(void *argument)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 10 };
	int fd = *(int *)argument;

	pthread_cleanup_push(clean_up, argument);
	waiter = gettid();
	gate_open(started);
	expect_fcntl(fd, F_OFD_SETLKW, F_WRLCK, SEEK_SET, 0, 10, "?");
	fcntl(fd, F_OFD_SETLKW, &lock);
	pthread_cleanup_pop(0);
	return NULL;
}

int main(void)
{
	pthread_t thread;
	void *result;
	int fd, other;

	begin();
	started = gate_new();
	fd = fresh("cancel");
	other = another("cancel");
	fcntl_lock(fd, F_OFD_SETLK, F_WRLCK, SEEK_SET, 0, 10, 0);
	CHECK(pthread_create(&thread, NULL, wait_for_lock, &other) == 0);
	gate_wait(started);
	wait_until_blocked(getpid(), waiter);
	CHECK(pthread_cancel(thread) == 0);
	CHECK(pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED && cleaned);
	fcntl_lock(other, F_OFD_SETLK, F_WRLCK, SEEK_SET, 5, 1, EAGAIN);
	fcntl_lock(fd, F_OFD_SETLK, F_UNLCK, SEEK_SET, 0, 0, 0);
	fcntl_lock(other, F_OFD_SETLK, F_WRLCK, SEEK_SET, 5, 1, 0);
	return done();
}
