/* SPDX-License-Identifier: MIT */
/* For a script: locks until the process ends, without ever coming back to the interpreter. */
#include <sys/file.h>

void lock_on_and_on(int fd);

void lock_on_and_on(int fd)
{
	while (!flock(fd, LOCK_EX) && !flock(fd, LOCK_UN))
		;
}
