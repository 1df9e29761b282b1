/* SPDX-License-Identifier: MIT */
/*
 * A holder and a waiter, each some calls deep; says "holder FUNCTION LINE" and "waiter FUNCTION
 * LINE" for every frame, innermost first. With the argument "thread" both work in threads.
 */
#include "victim.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* The line of the call that stands on the same line of source. */
#define FRAME(depth, call)                         \
	do {                                       \
		frames[depth].line = __LINE__;     \
		frames[depth].function = __func__; \
		call;                              \
	} while (0)

static struct {
	const char *function;
	int line;
} frames[3];

static const char *who;
static struct gate taken, leave, waiting;

static void say_frames(void)
{
	int i;

	for (i = 0; i < 3; i++)
		dprintf(STDOUT_FILENO, "%s %s %d\n", who, frames[i].function, frames[i].line);
}

/* A store after each call keeps the compiler from turning it into a jump. */
static volatile int after;

static __attribute__((noinline)) void take(int fd, int mode)
{
	FRAME(0, after = flock(fd, mode));
}

static inline __attribute__((always_inline)) void prepare_and_take(int fd, int mode)
{
	FRAME(1, take(fd, mode); after = 1);
}

static __attribute__((noinline)) void hold_for_report(int fd)
{
	FRAME(2, prepare_and_take(fd, LOCK_EX); after = 2);
	say_frames();
	gate_open(taken);
	gate_wait(leave);
	CHECK(flock(fd, LOCK_UN) == 0);
}

static __attribute__((noinline)) void wait_for_report(int fd)
{
	FRAME(2, prepare_and_take(fd, LOCK_SH); after = 2);
	say_frames();
}

static void *hold_in_thread(void *fd)
{
	hold_for_report(*(int *)fd);
	after = 3;
	return NULL;
}

static void *wait_in_thread(void *fd)
{
	pid_t self = gettid();

	CHECK(write(waiting.end[1], &self, sizeof(self)) == sizeof(self));
	wait_for_report(*(int *)fd);
	after = 3;
	return NULL;
}

static void run(bool threaded, void *(*work)(void *), int fd)
{
	pthread_t thread;

	if (!threaded) {
		work(&fd);
		return;
	}
	CHECK(pthread_create(&thread, NULL, work, &fd) == 0);
	CHECK(pthread_join(thread, NULL) == 0);
}

int main(int argc, char **argv)
{
	bool threaded = argc > 1 && strcmp(argv[1], "thread") == 0;
	pid_t holder, waiter, thread;
	int fd = fresh("stacks");

	taken = gate_new();
	leave = gate_new();
	waiting = gate_new();
	holder = fork();
	if (holder == 0) {
		who = "holder";
		run(threaded, hold_in_thread, another("stacks"));
		_exit(0);
	}
	gate_wait(taken);
	waiter = fork();
	if (waiter == 0) {
		who = "waiter";
		run(threaded, wait_in_thread, another("stacks"));
		_exit(0);
	}
	CHECK(read(waiting.end[0], &thread, sizeof(thread)) == sizeof(thread));
	wait_until_blocked(waiter, thread);
	gate_open(leave);
	reap(holder);
	reap(waiter);
	CHECK(close(fd) == 0);
	return done();
}
