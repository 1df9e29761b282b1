/* SPDX-License-Identifier: MIT */
/*
 * A signal handler at each single step of setting and of reading the clock of a thread: the handler
 * sets and reads that clock too, and neither of them may get a time that was made of two moments.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "hazard.h"
#include "preload/clock.c"

#define APART  5000000 /* ns between the two moments */
#define NEAR   1000000 /* ns: what is further off is of two moments */
#define ROUNDS 100000
#define FAR    (UINT64_C(1) << 40) /* ticks */

_Atomic int sandbox_filters; /* none */

static struct ticker ticker;

/* What the tracer asks for, and what it is told. */
static struct shared {
	bool reading; /* the step is one of a reader, else of a writer */
	bool over;
	long handled, wrong;
	long long worst; /* ns */
} * shared;

static void check_now(uint64_t (*now)(struct ticker *))
{
	uint64_t before = clock_monotonic(), got = now(&ticker), after = clock_monotonic();
	long long off = got < before  ? (long long)(before - got)
			: got > after ? (long long)(got - after)
				      : 0;

	shared->wrong += off > NEAR;
	if (off > shared->worst)
		shared->worst = off;
}

static uint64_t read_unmarked(struct ticker *from)
{
	return ticker_now(from);
}

static uint64_t read_marked(struct ticker *from)
{
	uint64_t now;

	raise(SIGTRAP);
	now = ticker_now(from);
	raise(SIGTRAP);
	return now;
}

/* The moment is taken before: stepped, it would be two. */
static void set_marked(void)
{
	uint64_t before, ns, after;

	do {
		before = arch_ticks();
		ns = clock_monotonic();
		after = arch_ticks();
	} while (after - before > ONE_MOMENT);
	raise(SIGTRAP);
	set_moment(&ticker, before, ns);
	raise(SIGTRAP);
}

static void pass(long ns)
{
	uint64_t end = clock_monotonic() + (uint64_t)ns;

	while (clock_monotonic() < end)
		;
}

static void in_handler(int number)
{
	(void)number;
	if (shared->reading)
		ticker_resync(&ticker);
	else
		pass(APART);
	check_now(read_unmarked);
	shared->handled++;
}

static void stepped(void)
{
	struct sigaction action = { .sa_handler = in_handler };

	REQUIRE(!sigaction(SIGUSR1, &action, NULL));
	REQUIRE(!ptrace(PTRACE_TRACEME, 0, NULL, NULL));
	clock_find();
	while (!ticker.valid) {
		ticker_resync(&ticker);
		pass(MEASURE_NS);
	}
	raise(SIGTRAP);
	while (!shared->over) {
		ticker_resync(&ticker);
		ticker.valid = FAR; /* steps take time */
		pass(APART);
		if (shared->reading) {
			check_now(read_marked);
			continue;
		}
		set_marked();
		check_now(read_unmarked);
	}
	_exit(0);
}

/* ---- The tracer */

/* True at a mark, which is a signal that the program sent itself. */
static bool stopped_at_mark(pid_t pid)
{
	siginfo_t info;
	int status;

	REQUIRE(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status));
	REQUIRE(!ptrace(PTRACE_GETSIGINFO, pid, NULL, &info));
	return info.si_code == SI_TKILL;
}

/* From one mark to the next, with a signal after so many steps. False: there are fewer. */
static bool interrupt_after(pid_t pid, long steps)
{
	for (long done = 0; done < steps; done++) {
		REQUIRE(!ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL));
		if (stopped_at_mark(pid))
			return false;
	}
	REQUIRE(!ptrace(PTRACE_CONT, pid, NULL, SIGUSR1));
	REQUIRE(stopped_at_mark(pid));
	return true;
}

static void interrupt_everywhere(pid_t pid, bool reading)
{
	long steps = 0;

	shared->reading = reading;
	do {
		REQUIRE(!ptrace(PTRACE_CONT, pid, NULL, NULL));
		REQUIRE(stopped_at_mark(pid));
	} while (steps < ROUNDS && interrupt_after(pid, steps++));
	printf("%s: %ld steps\n", reading ? "read" : "set", steps - 1);
}

int main(void)
{
	pid_t pid;
	int status;

	setvbuf(stdout, NULL, _IOLBF, 0);
	clock_find();
	if (!ticks_are_the_clock) {
		puts("the clock is read each time here");
		return 77;
	}
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	REQUIRE(shared != MAP_FAILED);
	pid = fork();
	if (!pid)
		stepped();
	REQUIRE(stopped_at_mark(pid));
	interrupt_everywhere(pid, false);
	interrupt_everywhere(pid, true);
	shared->over = true;
	REQUIRE(!ptrace(PTRACE_DETACH, pid, NULL, NULL));
	REQUIRE(waitpid(pid, &status, 0) == pid && !status);
	printf("%ld signals, %ld wrong times, the worst %lld ns off\n", shared->handled,
	       shared->wrong, shared->worst);
	REQUIRE(shared->handled > 20 && !shared->wrong);
	return 0;
}
