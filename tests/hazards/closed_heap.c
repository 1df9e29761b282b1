/* SPDX-License-Identifier: MIT */
/*
 * Brings its own allocator, and shuts it when all is set up: whoever asks for memory then, or gives
 * some back, kills the program.
 */
#include "host.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>

#define ROOM (64u << 20)

static char heap[ROOM] __attribute__((aligned(16)));
static _Atomic size_t used;
static _Atomic int shut;

static void *take(size_t size, size_t align)
{
	size_t at;

	if (shut) {
		(void)!write(STDERR_FILENO, "the heap is shut\n", 17);
		abort();
	}
	at = atomic_fetch_add(&used, size + align + 16);
	if (at + size + align + 16 > ROOM)
		return NULL;
	at = (at + 16 + align - 1) & ~(align - 1);
	((size_t *)(heap + at))[-1] = size;
	return heap + at;
}

void *malloc(size_t size)
{
	return take(size, 16);
}

void *calloc(size_t count, size_t size)
{
	return take(count * size, 16);
}

void *realloc(void *memory, size_t size)
{
	void *larger = take(size, 16);
	size_t before = memory ? ((size_t *)memory)[-1] : 0;

	if (larger && before)
		memcpy(larger, memory, before < size ? before : size);
	return larger;
}

void *memalign(size_t align, size_t size)
{
	return take(size, align);
}

void *aligned_alloc(size_t align, size_t size)
{
	return take(size, align);
}

int posix_memalign(void **memory, size_t align, size_t size)
{
	*memory = take(size, align);
	return *memory ? 0 : ENOMEM;
}

void free(void *memory)
{
	if (memory && shut)
		take(0, 16);
}

static pthread_barrier_t start, end;

static __attribute__((noinline)) void lock(int fd)
{
	lock_and_unlock(fd);
}

static __attribute__((noinline)) void deep(int fd, int depth)
{
	if (depth)
		deep(fd, depth - 1);
	else
		lock(fd);
	__asm__ volatile("" ::: "memory"); /* no tail call */
}

static void every_way(int fd)
{
	int copy;

	for (int depth = 0; depth < 40; depth++)
		deep(fd, depth);
	through_no_tables(lock, fd, 8);
	CHECK(!lockf(fd, F_LOCK, 10) && (copy = dup(fd)) >= 0 && !close(copy));
}

static void *in_thread(void *fd)
{
	pthread_barrier_wait(&start);
	every_way(*(int *)fd);
	pthread_barrier_wait(&end);
	return NULL;
}

static void on_signal(int signal)
{
	(void)signal;
	lock(3);
}

int main(void)
{
	int fd = open("f", O_RDWR | O_CREAT, 0600), status;
	pthread_t thread;
	pid_t child;

	CHECK(fd == 3);
	CHECK(!pthread_barrier_init(&start, NULL, 2) && !pthread_barrier_init(&end, NULL, 2));
	CHECK(!pthread_create(&thread, NULL, in_thread, &fd));
	CHECK(signal(SIGUSR1, on_signal) != SIG_ERR);
	shut = 1;
	pthread_barrier_wait(&start);
	every_way(fd);
	raise(SIGUSR1);
	pthread_barrier_wait(&end);
	child = fork();
	if (!child) {
		every_way(fd);
		_exit(0);
	}
	CHECK(waitpid(child, &status, 0) == child && status == 0);
	shut = 0;
	CHECK(!pthread_join(thread, NULL));
	(void)!write(STDOUT_FILENO, "nobody asked\n", 13);
	return 0;
}
