/* SPDX-License-Identifier: MIT */
/*
 * A child in its parent's memory, and on its thread-local storage, locks: what its parent has
 * locked before and what it opens itself. argv[1] is how it was made. Meanwhile, where it has not
 * to wait, and afterwards the parent locks too.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdalign.h>
#include <stdint.h>
#include <sys/file.h>
#include <sys/wait.h>

#include "hazard.h"

static int known, meanwhile;
static int go[2], done[2];

static void lock_known(void)
{
	REQUIRE(!flock(known, LOCK_EX) && !flock(known, LOCK_UN));
}

/* Four calls. */
static void lock_as_child(void)
{
	int own = open("own", O_RDWR | O_CREAT, 0600);

	lock_known();
	lock_record(own, F_SETLK, F_WRLCK);
	REQUIRE(!unlock_record(own));
	alarm(100);
	alarm(0);
}

static int child(void *argument)
{
	char byte;

	(void)argument;
	lock_as_child();
	REQUIRE(write(done[1], "", 1) == 1 && read(go[0], &byte, 1) == 1);
	lock_as_child();
	return 0;
}

static void reap(pid_t pid)
{
	int status;

	REQUIRE(pid > 0 && waitpid(pid, &status, __WALL) == pid && !status);
}

static void by_vfork(void)
{
	pid_t pid = vfork();

	if (!pid) {
		lock_as_child();
		_exit(0);
	}
	reap(pid);
}

/* Both are at it, one after the other. */
static void take_turns(pid_t pid)
{
	char byte;

	REQUIRE(read(done[0], &byte, 1) == 1);
	REQUIRE(!flock(meanwhile, LOCK_EX) && !flock(meanwhile, LOCK_UN));
	REQUIRE(write(go[1], "", 1) == 1);
	reap(pid);
}

static alignas(16) char child_stack[65536];
#define STACK_TOP (child_stack + sizeof(child_stack))

static void by_clone(void)
{
	take_turns(clone(child, STACK_TOP, CLONE_VM | SIGCHLD, NULL));
}

static void child_and_exit(void)
{
	_exit(child(NULL));
}

/* On a stack of its own, where syscall() finds an address to return to. */
static void by_syscall(void)
{
	uintptr_t *top = (uintptr_t *)(STACK_TOP - 16);

	*top = (uintptr_t)child_and_exit;
	take_turns((pid_t)syscall(SYS_clone, CLONE_VM | SIGCHLD, top, NULL, NULL, NULL));
}

int main(int argc, char **argv)
{
	REQUIRE(argc == 2 && !pipe(go) && !pipe(done));
	known = open("known", O_RDWR | O_CREAT, 0600);
	meanwhile = open("meanwhile", O_RDWR | O_CREAT, 0600);
	REQUIRE(known >= 0 && meanwhile >= 0);
	lock_known();
	if (!strcmp(argv[1], "vfork"))
		by_vfork();
	else if (!strcmp(argv[1], "clone"))
		by_clone();
	else
		by_syscall();
	lock_known();
	return 0;
}
