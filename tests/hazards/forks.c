/* SPDX-License-Identifier: MIT */
/*
 * forks COUNT LIBRARY: makes children while other threads load libraries, iterate over them, and
 * lock at ever new stacks. Each child locks, at a stack of its own, and must end. The first one is
 * made before anybody has walked, while a thread stays inside of its iteration.
 */
#include "host.h"

#include <dlfcn.h>
#include <link.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define PATIENCE_MS 20000

static _Atomic int over;
static const char *library;

static __attribute__((noinline)) void lock(int fd)
{
	lock_and_unlock(fd);
}

/* A stack for each number: which of two frames is where. */
static void at_stack(int fd, unsigned number, int depth);

static __attribute__((noinline)) void left(int fd, unsigned number, int depth)
{
	at_stack(fd, number, depth);
	__asm__ volatile("" ::: "memory");
}

static __attribute__((noinline)) void right(int fd, unsigned number, int depth)
{
	at_stack(fd, number, depth);
	__asm__ volatile("" ::: "memory");
}

static void at_stack(int fd, unsigned number, int depth)
{
	if (!depth)
		lock(fd);
	else if (number & 1)
		left(fd, number >> 1, depth - 1);
	else
		right(fd, number >> 1, depth - 1);
	__asm__ volatile("" ::: "memory");
}

static void *load(void *nothing)
{
	while (!over) {
		void *handle = dlopen(library, RTLD_NOW);

		CHECK(handle && !dlclose(handle));
	}
	return nothing;
}

static int look(struct dl_phdr_info *info, size_t size, void *count)
{
	(void)size;
	*(int *)count += info->dlpi_phnum;
	return 0;
}

static void *iterate(void *nothing)
{
	int count = 0;

	while (!over)
		dl_iterate_phdr(look, &count);
	return nothing;
}

static _Atomic int inside, leave;

static int stay(struct dl_phdr_info *info, size_t size, void *nothing)
{
	(void)info, (void)size, (void)nothing;
	inside = 1;
	while (!leave)
		usleep(100);
	return 1;
}

static void *iterate_slowly(void *nothing)
{
	dl_iterate_phdr(stay, NULL);
	return nothing;
}

static void *walk(void *nothing)
{
	int fd = open("walks", O_RDWR | O_CREAT, 0600);

	for (unsigned number = 0; !over; number++)
		at_stack(fd, number, 12);
	return nothing;
}

static void child(int fd, unsigned number)
{
	at_stack(fd, number * 2654435761u, 14);
	through_no_tables(lock, fd, 8);
	_exit(0);
}

/* A child that hangs may have all signals blocked: only SIGKILL ends it. */
static int ended(pid_t pid)
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

static void fork_while_one_iterates(int fd)
{
	pthread_t thread;
	pid_t pid;

	CHECK(!pthread_create(&thread, NULL, iterate_slowly, NULL));
	while (!inside)
		usleep(100);
	pid = fork();
	if (!pid)
		child(fd, 0);
	CHECK(pid > 0 && ended(pid));
	leave = 1;
	CHECK(!pthread_join(thread, NULL));
}

int main(int argc, char **argv)
{
	void *(*const work[])(void *) = { load, iterate, walk, walk };
	int count = argc > 2 ? atoi(argv[1]) : 0, done = 0;
	int fd = open("f", O_RDWR | O_CREAT, 0600);
	pthread_t thread[4];

	CHECK(count > 0 && fd >= 0);
	library = argv[2];
	fork_while_one_iterates(fd);
	for (int i = 0; i < 4; i++)
		CHECK(!pthread_create(&thread[i], NULL, work[i], NULL));
	for (int i = 0; i < count && done == i; i++) {
		pid_t pid = fork();

		if (!pid)
			child(fd, (unsigned)i);
		CHECK(pid > 0);
		done += ended(pid);
	}
	over = 1;
	for (int i = 0; i < 4; i++)
		CHECK(!pthread_join(thread[i], NULL));
	printf("%d of %d children ended\n", done, count);
	return 0;
}
