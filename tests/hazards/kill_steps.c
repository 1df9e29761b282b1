/* SPDX-License-Identifier: MIT */
/*
 * Kills a program with SIGKILL after each single step through one pair of recorded lock calls, and
 * looks at the session every time: nothing half written is shown, nothing that was there is gone,
 * and a neighbour goes on recording. Usage: hazard-kill_steps PRELOAD HOST WARM KILLS SEED KILLS:
 * that many of the steps, chosen by SEED; 0: all of them.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "written.h"

#define SESSION	       "session"
#define ANSWERS_WITHIN 20 /* seconds: then the neighbour has stalled, and SIGALRM ends the test */

static const char *preload, *host, *warm;

static void check(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

static void preloaded(const char *mode)
{
	setenv("LD_PRELOAD", preload, 1);
	setenv("FLOCKTRACE_SESSION", SESSION, 1);
	execl(host, host, mode, warm, (char *)NULL);
	_exit(127);
}

/* ---- The neighbour */

static struct {
	pid_t pid;
	int ask, answer;
	long pairs;
} neighbour;

static void start_neighbour(void)
{
	int ask[2], answer[2];

	check(!pipe(ask) && !pipe(answer), "pipe");
	neighbour.pid = fork();
	if (!neighbour.pid) {
		dup2(ask[0], 0);
		dup2(answer[1], 1);
		close(ask[1]);
		close(answer[0]);
		preloaded("neighbour");
	}
	close(ask[0]);
	close(answer[1]);
	neighbour.ask = ask[1];
	neighbour.answer = answer[0];
}

static void neighbour_goes_on(struct written *now)
{
	char byte = 0;

	alarm(ANSWERS_WITHIN);
	check(write(neighbour.ask, &byte, 1) == 1 && read(neighbour.answer, &byte, 1) == 1,
	      "the neighbour");
	alarm(0);
	neighbour.pairs++;
	written_read(SESSION, host, now);
	check(written_count(now, neighbour.pid, neighbour.pairs, 0) == 2,
	      "the neighbour's records");
}

/* ---- The program that is killed */

static pid_t start_stepped(void)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		preloaded("step");
	}
	/* exec, then the program's own SIGTRAP. */
	check(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status), "exec");
	check(!ptrace(PTRACE_CONT, pid, NULL, NULL), "PTRACE_CONT");
	check(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP,
	      "the first mark");
	return pid;
}

/* The second mark is a signal that the program sent itself. */
static bool at_mark(pid_t pid)
{
	siginfo_t info;

	check(!ptrace(PTRACE_GETSIGINFO, pid, NULL, &info), "PTRACE_GETSIGINFO");
	return info.si_code == SI_TKILL;
}

/* Returns how many steps were made: fewer than `steps` if the second mark came first. */
static long step(pid_t pid, long steps)
{
	int status;

	for (long done = 0; done < steps; done++) {
		check(!ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL), "PTRACE_SINGLESTEP");
		check(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status), "a step");
		if (at_mark(pid))
			return done;
	}
	return steps;
}

/* Returns the steps that were made, and how many records of the pair there are then. */
static long kill_after(long steps, uint32_t *records)
{
	static struct written before, after;
	pid_t pid = start_stepped();
	long done;

	written_read(SESSION, host, &before);
	done = step(pid, steps);
	kill(pid, SIGKILL);
	check(waitpid(pid, NULL, 0) == pid, "death");
	written_read(SESSION, host, &after);
	written_compare(&before, &after);
	written_by(&after, before.head, pid, neighbour.pid);
	*records = written_count(&after, pid, atoi(warm) + 1, before.head);
	neighbour_goes_on(&after);
	return done;
}

/* One of each stretch of steps; both sides of a record must have been seen, or all were elsewhere.
 */
static void kill_everywhere(long all, long kills)
{
	long seen[3] = { 0 };
	uint32_t records;

	for (long k = 0; k < kills; k++) {
		kill_after(all * k / kills + random() % (all / kills + 1), &records);
		check(records <= 2, "more records than calls");
		seen[records]++;
	}
	printf("killed at %ld of %ld steps: no record %ld times, one %ld, two %ld\n", kills, all,
	       seen[0], seen[1], seen[2]);
	check(seen[0] && seen[1] + seen[2], "kills between the records");
}

int main(int argc, char **argv)
{
	long all, kills;
	uint32_t records;

	check(argc == 6, "usage");
	preload = argv[1];
	host = argv[2];
	warm = argv[3];
	srandom((unsigned)atol(argv[5]));
	written_make(SESSION);
	start_neighbour();
	all = kill_after(10000000, &records);
	check(records == 2, "a lock and its unlock");
	kills = atol(argv[4]);
	kill_everywhere(all, kills && kills < all ? kills : all);
	close(neighbour.ask);
	check(waitpid(neighbour.pid, NULL, 0) == neighbour.pid, "the neighbour's end");
	return 0;
}
