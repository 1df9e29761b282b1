/* SPDX-License-Identifier: MIT */
/*
 * first_walk: makes children while another thread is in the midst of what libunwind does once, at
 * its first walk. Each child locks, and must end: by fork(), and by a clone() that libc knows
 * nothing of.
 */
#include "host.h"

#include <dlfcn.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define PATIENCE_MS 20000

static _Atomic bool stops, stopped, goes_on;

/* libunwind's call of it comes here, as to any other definition in the program. */
__attribute__((visibility("default"))) int pthread_key_create(pthread_key_t *key,
							      void (*destructor)(void *value))
{
	int (*real)(pthread_key_t * key, void (*destructor)(void *value));

	*(void **)&real = dlsym(RTLD_NEXT, "pthread_key_create");
	stopped = stops;
	while (stopped && !goes_on)
		usleep(500);
	return real(key, destructor);
}

static void *walk(void *fd)
{
	stops = true;
	lock_and_unlock(*(int *)fd);
	stopped = true; /* also where nobody walks */
	return NULL;
}

static void child(int fd)
{
	stops = false;
	for (int i = 0; i < 3; i++)
		lock_and_unlock(fd);
	_exit(0);
}

/* A child that hangs may have all signals blocked: only SIGKILL ends it. */
static bool ends(pid_t pid)
{
	struct pollfd exit = { .fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN };
	int status, in_time;

	CHECK(exit.fd >= 0);
	in_time = poll(&exit, 1, PATIENCE_MS) == 1;
	if (!in_time)
		kill(pid, SIGKILL);
	CHECK(waitpid(pid, &status, 0) == pid);
	close(exit.fd);
	return in_time && status == 0;
}

int main(void)
{
	int fd = open("f", O_RDWR | O_CREAT, 0600);
	pthread_t thread;
	pid_t pid;

	CHECK(fd >= 0 && !pthread_create(&thread, NULL, walk, &fd));
	while (!stopped)
		usleep(500);
	pid = fork();
	if (!pid)
		child(fd);
	CHECK(pid > 0);
	printf("fork %s\n", ends(pid) ? "ends" : "hangs");
	pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (!pid)
		child(fd);
	CHECK(pid > 0);
	printf("clone %s\n", ends(pid) ? "ends" : "hangs");
	goes_on = true;
	CHECK(!pthread_join(thread, NULL));
	return 0;
}
