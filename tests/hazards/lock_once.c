/* SPDX-License-Identifier: MIT */
/*
 * lock_once FILE [linger]: locks the file in three ways, says so, and with a second argument waits
 * until its stdin ends. Small enough for any libc.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct flock range = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 5 };
	int fd = open(argv[1], O_RDWR | O_CREAT, 0644);
	char end;

	if (argc < 2 || fd < 0 || flock(fd, LOCK_EX) || fcntl(fd, F_SETLK, &range) ||
	    lockf(fd, F_TLOCK, 1) || close(fd)) {
		perror("lock_once");
		return 1;
	}
	puts("locked");
	fflush(stdout);
	while (argc > 2 && read(STDIN_FILENO, &end, 1) > 0)
		;
	return 0;
}
