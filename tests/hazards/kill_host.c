/* SPDX-License-Identifier: MIT */
/*
 * Locks ranges that tell their own length (written.h), for hazard-kill_steps.
 * Usage: hazard-kill_host step WARM        WARM pairs, SIGTRAP, one pair, SIGTRAP
 *        hazard-kill_host neighbour        a pair for each byte on stdin, answered with a byte
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "written.h"

static void pair(int fd, long i)
{
	struct flock lock = { .l_type = F_WRLCK, .l_start = start_of(i), .l_len = length_of(i) };

	if (fcntl(fd, F_SETLK, &lock))
		_exit(2);
	lock.l_type = F_UNLCK;
	if (fcntl(fd, F_SETLK, &lock))
		_exit(2);
}

int main(int argc, char **argv)
{
	bool neighbour = argc > 1 && !strcmp(argv[1], "neighbour");
	int fd = open(neighbour ? "neighbour" : "stepped", O_RDWR | O_CREAT, 0600);
	int warm = argc > 2 ? atoi(argv[2]) : 0;
	char byte;

	if (fd < 0)
		return 2;
	for (long i = 1; neighbour; i++) {
		if (read(0, &byte, 1) != 1)
			return 0;
		pair(fd, i);
		if (write(1, &byte, 1) != 1)
			return 2;
	}
	for (long i = 1; i <= warm + 1; i++) {
		if (i == warm + 1)
			raise(SIGTRAP);
		pair(fd, i);
	}
	raise(SIGTRAP);
	return 0;
}
