/* SPDX-License-Identifier: MIT */
#include "mistake.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int play(int argc, char **argv, const struct scenario *scenarios)
{
	for (; argc == 3 && scenarios->name; scenarios++) {
		if (strcmp(scenarios->name, argv[1]))
			continue;
		scenarios->play(!strcmp(argv[2], "mistake"));
		return 0;
	}
	fprintf(stderr, "usage: %s NAME mistake|twin\n", argv[0]);
	return 2;
}

int open_lock(const char *name)
{
	int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	CHECK(fd >= 0);
	return fd;
}

void record_lock(int fd, int command, int type, off_t start, off_t len, int error)
{
	struct flock lock = { .l_type = (short)type, .l_start = start, .l_len = len };
	int result = fcntl(fd, command, &lock);

	CHECK(error ? result == -1 && errno == error : result == 0);
}

void file_lock(int fd, int operation, int error)
{
	int result = flock(fd, operation);

	CHECK(error ? result == -1 && errno == error : result == 0);
}

void in_child(void (*role)(const char *name), const char *name)
{
	pid_t child = fork();

	if (child == 0) {
		role(name);
		_exit(0);
	}
	reap(child);
}
