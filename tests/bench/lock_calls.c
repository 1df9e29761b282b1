/* SPDX-License-Identifier: MIT */
/*
 * How long lock calls take here, by the program's own clock: scripts/bench runs it alone and
 * recorded. Prints "NAME NANOSECONDS" for each operation, the median over BATCHES batches of SIZE
 * repetitions.
 *
 *   bench-lock_calls BATCHES SIZE FILE
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DEPTH	    15
#define BATCHES_MAX 1000
#define TRUE_SHARE  500 /* starting a program takes about so many times as long as the rest */

extern char **environ;

static const char *file_name;
static int file, pipe_ends[2];

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void fcntl_pair(void)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 100 };

	if (fcntl(file, F_SETLK, &lock))
		fail("F_SETLK");
	lock.l_type = F_UNLCK;
	if (fcntl(file, F_SETLK, &lock))
		fail("F_SETLK");
}

static void flock_pair(void)
{
	if (flock(file, LOCK_EX))
		fail("LOCK_EX");
	if (flock(file, LOCK_UN))
		fail("LOCK_UN");
}

static void lockf_pair(void)
{
	if (lockf(file, F_LOCK, 100))
		fail("F_LOCK");
	if (lockf(file, F_ULOCK, 100))
		fail("F_ULOCK");
}

/* What the recorder must ask at each lockf: where the file stands. */
static void position_pair(void)
{
	if (lseek(file, 0, SEEK_CUR) < 0 || lseek(file, 0, SEEK_CUR) < 0)
		fail("lseek");
}

static void get_flags(void)
{
	if (fcntl(file, F_GETFL) < 0)
		fail("F_GETFL");
}

static void bytes_to_read(void)
{
	int readable;

	if (ioctl(pipe_ends[0], FIONREAD, &readable))
		fail("FIONREAD");
}

static void open_and_close(void)
{
	int fd = open(file_name, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || close(fd))
		fail(file_name);
}

static void start_true(void)
{
	char name[] = "/bin/true";
	char *arguments[] = { name, NULL };
	int status;
	pid_t pid;

	if (posix_spawn(&pid, name, NULL, NULL, arguments, environ) ||
	    waitpid(pid, &status, 0) != pid || status)
		fail(name);
}

static const struct operation {
	const char *name;
	void (*once)(void);
	int share; /* of the repetitions: 1 / share */
} operations[] = {
	/* close comes first, while this process has no lock that a close could drop. */
	{ "close", open_and_close, 1 },	  { "F_GETFL", get_flags, 1 },
	{ "FIONREAD", bytes_to_read, 1 }, { "fcntl", fcntl_pair, 1 },
	{ "flock", flock_pair, 1 },	  { "lockf", lockf_pair, 1 },
	{ "lseek", position_pair, 1 },	  { "/bin/true", start_true, TRUE_SHARE },
};

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double measure(const struct operation *operation, int batches, int size)
{
	static double ns[BATCHES_MAX];
	uint64_t begin;

	for (int batch = 0; batch < batches; batch++) {
		begin = now();
		for (int i = 0; i < size; i++)
			operation->once();
		ns[batch] = (double)(now() - begin) / size;
	}
	qsort(ns, (size_t)batches, sizeof(*ns), by_value);
	return ns[batches / 2];
}

/* The calls are made from here: main is one frame, measure and the operation are two. */
static __attribute__((noinline)) double descend(int depth, const struct operation *operation,
						int batches, int size)
{
	volatile double ns = depth > 1 ? descend(depth - 1, operation, batches, size)
				       : measure(operation, batches, size);

	return ns;
}

int main(int argc, char **argv)
{
	int batches = argc == 4 ? atoi(argv[1]) : 0, size = argc == 4 ? atoi(argv[2]) : 0;

	if (batches < 1 || batches > BATCHES_MAX || size < 1) {
		fputs("usage: bench-lock_calls BATCHES SIZE FILE\n", stderr);
		return 2;
	}
	file_name = argv[3];
	file = open(file_name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (file < 0 || pipe2(pipe_ends, O_CLOEXEC))
		fail(file_name);
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		const struct operation *operation = &operations[i];
		int repetitions = size / operation->share ? size / operation->share : 1;

		descend(1, operation, 1, repetitions); /* warm */
		printf("%s %.1f\n", operation->name,
		       descend(DEPTH - 3, operation, batches, repetitions));
	}
	return 0;
}
