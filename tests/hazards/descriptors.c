/* SPDX-License-Identifier: MIT */
/*
 * Says which descriptors are open after each step; then closes all of them, reuses the numbers, and
 * says what became of the files while it locks through frames at which an unwinder must guess.
 */
#include "host.h"

#include <pthread.h>
#include <string.h>

#define NUMBERS 256

static void say_open(const char *when)
{
	printf("%s:", when);
	for (int fd = 0; fd < NUMBERS; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			printf(" %d", fd);
	printf("\n");
	fflush(stdout);
}

static __attribute__((noinline)) void lock(int fd)
{
	lock_and_unlock(fd);
}

/* An unmapped page, the first page, no address at all, and what looks like a stack but is not. */
static void lock_through_frames_to_guess_at(int fd)
{
	static unsigned long looks_like_frames[64];
	const unsigned long garbage[] = { 8, 0x7000, ~7UL, (unsigned long)looks_like_frames, 1 };

	for (unsigned i = 0; i < 64; i++)
		looks_like_frames[i] = (unsigned long)&looks_like_frames[i + 2 < 64 ? i + 2 : 0];
	for (unsigned i = 0; i < sizeof(garbage) / sizeof(*garbage); i++)
		through_no_tables(lock, fd, garbage[i]);
}

static void *in_thread(void *fd)
{
	lock(*(int *)fd);
	lock_through_frames_to_guess_at(*(int *)fd);
	return NULL;
}

static void in_a_thread(int fd)
{
	pthread_t thread;

	CHECK(!pthread_create(&thread, NULL, in_thread, &fd));
	CHECK(!pthread_join(thread, NULL));
}

static void say_file(int fd)
{
	char text[64] = "";
	off_t at = lseek(fd, 0, SEEK_CUR);
	ssize_t got = pread(fd, text, sizeof(text) - 1, 0);

	printf("%d: offset %ld, \"%.*s\"\n", fd, (long)at, got > 0 ? (int)got : 0, text);
	fflush(stdout);
}

static void reuse_all_numbers(void)
{
	char name[16];
	int fd;

	closefrom(3);
	for (int i = 3; i < 12; i++) {
		snprintf(name, sizeof(name), "file%d", i);
		fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
		CHECK(fd == i && dprintf(fd, "this is file %d", i) > 0 &&
		      lseek(fd, 5, SEEK_SET) == 5);
	}
}

int main(void)
{
	int fd = open("f", O_RDWR | O_CREAT, 0600);

	say_open("at start");
	lock(fd);
	say_open("after a lock");
	lock_through_frames_to_guess_at(fd);
	say_open("after guesses");
	in_a_thread(fd);
	say_open("after a thread");
	for (int round = 0; round < 3; round++) {
		reuse_all_numbers();
		lock(11);
		lock_through_frames_to_guess_at(11);
		in_a_thread(10);
		for (int i = 3; i < 12; i++)
			say_file(i);
		say_open("after reuse");
	}
	return 0;
}
