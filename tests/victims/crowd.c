/* SPDX-License-Identifier: MIT */
/*
 * Many processes that wait, all at once and until they are killed, for how long a look at them may
 * take. Usage:
 *   ring WORLD COUNT     each has one lock and waits for that of the next: a deadlock
 *   queue COUNT QUEUES   all wait, in so many queues, each for one who sleeps: none
 * Prints "standing NANOSECONDS" once all have gone into their last call: when the last of them did,
 * CLOCK_MONOTONIC. Ends with 77 where there may not be so many processes.
 */
#include "victim.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>

#define SKIPPED 77
#define MOST	5000

static _Atomic uint64_t *went; /* into its last call, by member; ns */
static struct gate here, go;

static uint64_t clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Through a descriptor of its own: what all inherit has one owner. */
static void take(const char *world, int number)
{
	struct flock lock = { .l_type = F_WRLCK, .l_start = number, .l_len = 1 };
	bool whole = !strcmp(world, "flock");
	char name[32] = "crowd";
	int fd;

	if (whole)
		snprintf(name, sizeof(name), "crowd%d", number);
	fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	CHECK(fd >= 0);
	if (whole)
		CHECK(!flock(fd, LOCK_EX));
	else
		CHECK(!fcntl(fd, !strcmp(world, "ofd") ? F_OFD_SETLKW : F_SETLKW, &lock));
}

/* Takes one lock, and when all have theirs, the other; either may be none: -1. */
static void start(const char *world, int number, int first, int second)
{
	pid_t parent = getpid(), child = fork();

	if (child > 0)
		return;
	if (child < 0) {
		CHECK(errno == EAGAIN);
		exit(SKIPPED); /* the others see it */
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	if (first >= 0)
		take(world, first);
	gate_open(here);
	gate_wait(go);
	atomic_store(&went[number], clock_now());
	if (second >= 0)
		take(world, second);
	for (;;)
		pause();
}

static int number_of(const char *word)
{
	int number = word ? atoi(word) : 0;

	CHECK(number > 0 && number <= MOST);
	return number;
}

static void let_go(int count)
{
	uint64_t last = 0;

	for (int i = 0; i < count; i++)
		gate_wait(here);
	for (int i = 0; i < count; i++)
		gate_open(go);
	for (int i = 0; i < count; i++) {
		while (!atomic_load(&went[i]))
			usleep(100);
		if (atomic_load(&went[i]) > last)
			last = atomic_load(&went[i]);
	}
	printf("standing %llu\n", (unsigned long long)last);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	int count, queues;

	CHECK(argc == 4);
	here = gate_new();
	go = gate_new();
	went = mmap(NULL, 2 * MOST * sizeof(*went), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(went != MAP_FAILED);
	if (!strcmp(argv[1], "ring")) {
		count = number_of(argv[3]);
		for (int i = 0; i < count; i++)
			start(argv[2], i, i, (i + 1) % count);
		let_go(count);
	} else {
		CHECK(!strcmp(argv[1], "queue"));
		count = number_of(argv[2]);
		queues = number_of(argv[3]);
		for (int i = 0; i < queues; i++)
			start("ofd", i, i, -1);
		for (int i = 0; i < count; i++)
			start("ofd", queues + i, -1, i % queues);
		let_go(queues + count);
	}
	for (;;)
		pause();
}
