/* SPDX-License-Identifier: MIT */
/*
 * Every fcntl command there could be, with every kind of argument, on every kind of descriptor: one
 * line for each call, with its result, errno and what the struct holds after it. Addresses are
 * fixed, so that two runs print the same.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE	  4096
#define ARENA	  ((char *)0x1010000000) /* more than an int holds */
#define UNMAPPED  ((char *)0x1020000000)
#define UNTOUCHED 0x5A5A /* no errno has this value */
#define COMMANDS  1100

static const int odd_commands[] = { -1, INT32_MIN, INT32_MAX, 4096, 0x40000005, 0x10025 };

/* What the argument points at: writable, read-only, neither; and the last bytes before that. */
static struct flock *const writable = (struct flock *)ARENA;
static struct flock *const read_only = (struct flock *)(ARENA + PAGE);
static char *const neither = ARENA + 2 * PAGE;

static void require(int condition, const char *what)
{
	if (condition)
		return;
	perror(what);
	exit(1);
}

static void make_arena(void)
{
	char *got = mmap(ARENA, 3 * PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	require(got == ARENA, "mmap");
	memset(ARENA, 0, 2 * PAGE);
	*read_only = (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 10 };
	require(!mprotect(ARENA + PAGE, PAGE, PROT_READ), "mprotect");
	require(!mprotect(neither, PAGE, PROT_NONE), "mprotect");
}

/* A descriptor of its own for each call: what F_SETFL or F_SETLEASE did is gone with it. */
static int open_kind(const char *kind)
{
	int ends[2];

	if (!strcmp(kind, "file"))
		return open("file", O_RDWR | O_CREAT, 0600);
	if (!strcmp(kind, "directory"))
		return open(".", O_RDONLY | O_DIRECTORY);
	if (!strcmp(kind, "pipe")) {
		require(!pipe(ends), "pipe");
		close(ends[1]);
		return ends[0];
	}
	return !strcmp(kind, "closed") ? 900 : -1;
}

static void one_call(const char *kind, int command, const char *name, void *argument)
{
	struct flock before = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 5, .l_len = 7 };
	int fd = open_kind(kind), result, error;

	*writable = before;
	errno = UNTOUCHED;
	result = fcntl(fd, command, argument);
	error = errno;
	printf("%s %d %s = %d %d", kind, command, name, result, error);
	if (memcmp(writable, &before, sizeof(before)))
		printf(" %d %d %lld %lld %d", writable->l_type, writable->l_whence,
		       (long long)writable->l_start, (long long)writable->l_len, writable->l_pid);
	putchar('\n');
	if ((command == F_DUPFD || command == F_DUPFD_CLOEXEC) && result >= 0)
		close(result);
	if (fd >= 0)
		close(fd);
}

static void every_argument(const char *kind, int command)
{
	one_call(kind, command, "0", NULL);
	one_call(kind, command, "-1", (void *)-1);
	one_call(kind, command, "42", (void *)42);
	one_call(kind, command, "writable", writable);
	one_call(kind, command, "read-only", read_only);
	one_call(kind, command, "unmapped", UNMAPPED);
	one_call(kind, command, "neither", neither);
	one_call(kind, command, "cut", neither - sizeof(struct flock) / 2);
}

int main(void)
{
	static const char *const kinds[] = { "file", "directory", "pipe", "closed", "none" };

	/* F_NOTIFY and leases send signals. */
	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_IGN);
	make_arena();
	for (unsigned i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		for (int command = 0; command <= COMMANDS; command++)
			every_argument(kinds[i], command);
		for (unsigned j = 0; j < sizeof(odd_commands) / sizeof(*odd_commands); j++)
			every_argument(kinds[i], odd_commands[j]);
	}
	return 0;
}
