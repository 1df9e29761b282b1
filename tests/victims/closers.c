/* SPDX-License-Identifier: MIT */
/* Each libc function that closes a descriptor drops POSIX locks; its name is the argument. */
#include "victim.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOCKED "closers"

/* Another descriptor of the locked file, whose closing drops the lock. */
static FILE *stream(void)
{
	FILE *file = fopen(LOCKED, "r+");

	CHECK(file);
	return file;
}

static void by_close(void)
{
	CHECK(close(another(LOCKED)) == 0);
}

static void by_fclose(void)
{
	CHECK(fclose(stream()) == 0);
}

static void by_freopen(void)
{
	CHECK(freopen("/dev/null", "r", stream()));
}

/* dup2 makes the pipe's descriptor one of the locked file. */
static void by_pclose(void)
{
	FILE *pipe = popen("exec sleep 0", "r");
	int fd = another(LOCKED);

	CHECK(pipe && dup2(fd, fileno(pipe)) == fileno(pipe));
	CHECK(pclose(pipe) == 0);
}

static void by_closedir(void)
{
	DIR *directory = opendir(".");
	int fd = another(LOCKED);

	CHECK(directory && dup2(fd, dirfd(directory)) == dirfd(directory));
	CHECK(closedir(directory) == 0);
}

static void by_close_range(void)
{
	int fd = another(LOCKED);

	CHECK(close_range(fd, fd, 0) == 0);
}

static void by_closefrom(void)
{
	closefrom(another(LOCKED));
}

static void by_dup2(void)
{
	int fd = another(LOCKED);

	CHECK(dup2(STDERR_FILENO, fd) == fd);
}

static void by_syscall(void)
{
	CHECK(syscall(SYS_close, another(LOCKED)) == 0);
}

static const struct {
	const char *name;
	void (*run)(void);
} closers[] = {
	{ "close", by_close },	       { "fclose", by_fclose },
	{ "freopen", by_freopen },     { "pclose", by_pclose },
	{ "closedir", by_closedir },   { "close_range", by_close_range },
	{ "closefrom", by_closefrom }, { "dup2", by_dup2 },
	{ "syscall", by_syscall },
};

int main(int argc, char **argv)
{
	size_t i;
	int fd;

	begin();
	CHECK(argc == 2);
	fd = fresh(LOCKED);
	fcntl_lock(fd, F_SETLK, F_WRLCK, SEEK_SET, 0, 10, 0);
	probe_in_child(LOCKED, EAGAIN);
	for (i = 0; i < sizeof(closers) / sizeof(closers[0]); i++) {
		if (strcmp(argv[1], closers[i].name))
			continue;
		closers[i].run();
		probe_in_child(LOCKED, 0);
		return done();
	}
	return 1;
}
