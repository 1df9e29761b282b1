/* SPDX-License-Identifier: MIT */
/*
 * sanitized FILE [BUG | start PROGRAM ARG…]: locks the file from two threads, says so, then makes a
 * mistake that its sanitizer must find (overflow, leak, race, undefined), or becomes a program.
 */
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static const char *bug = "";
static int shared;
static void *volatile kept;

static void *lock(void *path)
{
	struct flock range = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 5 };
	int fd = open(path, O_RDWR | O_CREAT, 0644);

	if (fd < 0 || flock(fd, LOCK_EX) || fcntl(fd, F_OFD_SETLKW, &range) || close(fd)) {
		perror("sanitized");
		exit(1);
	}
	if (!strcmp(bug, "race"))
		shared++;
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	volatile int large = INT_MAX;

	if (argc < 2)
		return 1;
	if (argc > 2)
		bug = argv[2];
	if (pthread_create(&thread, NULL, lock, argv[1]))
		return 1;
	lock(argv[1]);
	pthread_join(thread, NULL);
	puts("locked");
	fflush(stdout);
	if (!strcmp(bug, "overflow")) {
		volatile char *text = malloc(8);

		text[large % 2 + 7] = 1;
	}
	if (!strcmp(bug, "leak")) {
		kept = malloc(1234);
		kept = NULL;
	}
	if (!strcmp(bug, "undefined"))
		large += 1;
	if (!strcmp(bug, "start"))
		execvp(argv[3], argv + 3);
	return 0;
}
