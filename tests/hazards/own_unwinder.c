/* SPDX-License-Identifier: MIT */
/*
 * Uses libunwind itself, before and after locks and in a thread: says what frames and names it
 * finds. Names of static functions it reads from the file of the program.
 */
#define UNW_LOCAL_ONLY
#include "host.h"

#include <libunwind.h>
#include <pthread.h>
#include <string.h>

static __attribute__((noinline)) void say_frames(const char *when)
{
	unw_context_t context;
	unw_cursor_t cursor;
	unw_word_t offset;
	char name[64];
	int error;

	printf("%s:", when);
	unw_getcontext(&context);
	unw_init_local(&cursor, &context);
	do {
		error = unw_get_proc_name(&cursor, name, sizeof(name), &offset);
		printf(" %s", error ? unw_strerror(error) : name);
	} while ((error || strcmp(name, "main")) && unw_step(&cursor) > 0);
	printf("\n");
	fflush(stdout);
}

static __attribute__((noinline)) void guess(int fd)
{
	(void)fd;
	say_frames("by guess");
}

static __attribute__((noinline)) void inner(int fd, const char *when)
{
	say_frames(when);
	lock_and_unlock(fd);
	say_frames(when);
}

static void *in_thread(void *fd)
{
	inner(*(int *)fd, "in a thread");
	return NULL;
}

int main(void)
{
	int fd = open("f", O_RDWR | O_CREAT, 0600);
	pthread_t thread;

	CHECK(fd >= 0);
	lock_and_unlock(fd);
	for (int i = 0; i < 3; i++)
		inner(fd, "again");
	through_no_tables(guess, fd, 8);
	CHECK(!pthread_create(&thread, NULL, in_thread, &fd));
	CHECK(!pthread_join(thread, NULL));
	return 0;
}
