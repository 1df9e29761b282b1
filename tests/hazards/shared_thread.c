/* SPDX-License-Identifier: MIT */
/*
 * A child of clone(CLONE_VM) locks while its parent does, each on a stack of its own, but with one
 * thread-local storage. It is made by libc's own function, whatever was preloaded: nobody sees it
 * coming.
 */
#include "host.h"

#include <dlfcn.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define STACK  (1 << 20)
#define ROUNDS 10000

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
		lock_and_unlock(fd);
	else if (number & 1)
		left(fd, number >> 1, depth - 1);
	else
		right(fd, number >> 1, depth - 1);
	__asm__ volatile("" ::: "memory");
}

static int lock_at_many_stacks(void *fd)
{
	for (unsigned i = 0; i < ROUNDS; i++)
		at_stack(*(int *)fd, i * 2654435761u >> 8, 12);
	return 0;
}

typedef int clone_function(int (*function)(void *argument), void *stack, int flags, void *argument,
			   ...);

int main(void)
{
	clone_function *libc_clone =
		(clone_function *)dlsym(dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD), "clone");
	int mine = memfd_create("mine", 0), its = memfd_create("its", 0), status;
	char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	CHECK(libc_clone && mine >= 0 && its >= 0 && stack != MAP_FAILED);
	lock_and_unlock(mine); /* the storage is this thread's now */
	pid = libc_clone(lock_at_many_stacks, stack + STACK, CLONE_VM | SIGCHLD, &its);
	CHECK(pid > 0);
	lock_at_many_stacks(&mine);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	puts("over");
	return 0;
}
