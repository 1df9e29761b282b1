/* SPDX-License-Identifier: MIT */
/*
 * A 32-bit program, built without the headers and start files of a 32-bit libc, which are seldom
 * installed: only its libc.so.6 is.
 */
int flock(int fd, int operation);
int open(const char *path, int flags, ...);
int puts(const char *text);
void exit(int status) __attribute__((noreturn));
void _start(void);

#define READ_WRITE_CREATE 0102
#define EXCLUSIVE	  2

__attribute__((force_align_arg_pointer)) void _start(void)
{
	int fd = open("f", READ_WRITE_CREATE, 0644);

	if (fd < 0 || flock(fd, EXCLUSIVE))
		exit(1);
	puts("locked");
	exit(0);
}
