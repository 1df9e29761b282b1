/* SPDX-License-Identifier: MIT */
/*
 * Locks, puts a seccomp filter over itself, and goes on locking. The filter kills for everything
 * but what this program does itself from then on: flock, fcntl, close, read, write, exit,
 * exit_group, rt_sigreturn. Usage: hazard-sandbox
 * prctl|syscall-prctl|seccomp|unseen|seen|fork|permissive [PROGRAM ARG…]
 */
#include <alloca.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAIRS 1000

static void check(bool holds, const char *what)
{
	if (holds)
		return;
	dprintf(2, "%s: %s\n", what, strerror(errno));
	_exit(1);
}

#define ALLOW(name)                                                      \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)SYS_##name, 0, 1), \
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static void install(const char *how)
{
	bool all = !strcmp(how, "permissive"), forks = !strcmp(how, "fork");
	struct sock_filter strict[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		ALLOW(flock),
		ALLOW(fcntl),
		ALLOW(close),
		ALLOW(read),
		ALLOW(write),
		ALLOW(exit),
		ALLOW(exit_group),
		ALLOW(rt_sigreturn),
		BPF_STMT(BPF_RET | BPF_K, all ? SECCOMP_RET_ALLOW : SECCOMP_RET_KILL_PROCESS),
	};
	struct sock_filter forking[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		ALLOW(clone),
		ALLOW(wait4),
		ALLOW(set_robust_list),
		ALLOW(rseq),
		ALLOW(flock),
		ALLOW(write),
		ALLOW(exit_group),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	struct sock_fprog program = { sizeof(strict) / sizeof(*strict), strict };

	if (forks)
		program = (struct sock_fprog){ sizeof(forking) / sizeof(*forking), forking };
	check(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "PR_SET_NO_NEW_PRIVS");
	if (!strcmp(how, "syscall-prctl"))
		check(!syscall(SYS_prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0),
		      "syscall prctl");
	else if (!strcmp(how, "seccomp"))
		check(!syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC,
			       &program),
		      "seccomp");
	else
		check(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0), "prctl");
}

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static int open_new(const char *name)
{
	int fd = open(name, O_RDWR | O_CREAT, 0600);

	check(fd >= 0, name);
	return fd;
}

static void pair(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 20 };

	check(!fcntl(fd, F_SETLK, &lock), "F_SETLK");
	lock.l_type = F_UNLCK;
	check(!fcntl(fd, F_SETLK, &lock), "unlock");
	check(!flock(fd, LOCK_EX), "flock");
	check(!flock(fd, LOCK_UN), "LOCK_UN");
}

/* Another stack at each depth, and everywhere in a page: a struct flock may lie across its end. */
__attribute__((noinline)) static void pair_deep(int fd, int depth, size_t lower)
{
	volatile char *room = alloca(lower + 1);

	room[0] = 0;
	if (depth)
		pair_deep(fd, depth - 1, lower);
	else
		pair(fd);
	room[lower] = 0;
}

/* For longer than the recorder goes without asking which file an fd is. */
static void pairs(int fd)
{
	uint64_t end = now() + 300000000;
	int done;

	for (done = 0; done < PAIRS; done++)
		pair_deep(fd, done % 3, (size_t)(done % 257) * 16);
	while (now() < end)
		;
	pair(fd);
}

/* ---- What was not seen before the filter came */

static _Atomic bool ready, go, done;

static void *locker(void *argument)
{
	ready = true; /* what starts a thread is behind it */
	while (!go)
		;
	pair(*(int *)argument);
	done = true;
	for (;;)
		; /* ends with the process: an end of its own would be more system calls */
	return NULL;
}

static int on_alarm_fd;
static volatile int alarms;

static void on_alarm(int signal)
{
	int error = errno;

	(void)signal;
	check(!flock(on_alarm_fd, LOCK_SH), "flock in a handler");
	check(!flock(on_alarm_fd, LOCK_UN), "LOCK_UN in a handler");
	errno = error;
	alarms++;
}

/* 4 calls of a thread that never locked, 4 on an fd that was never locked, 3 with a range that
 * can't be told, of which one is lockf and known but for the range; and a close of another fd while
 * a POSIX lock is held. */
static void unseen(int fd, const char *filter)
{
	static struct flock elsewhere = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1 };
	struct itimerval each_ms = { { 0, 1000 }, { 0, 1000 } };
	int never_locked = open_new("never-locked"), other = open_new("other");
	sigset_t alarm_signal = { 0 };
	pthread_t thread;

	on_alarm_fd = open_new("handler");
	check(!flock(on_alarm_fd, LOCK_SH) && !flock(on_alarm_fd, LOCK_UN), "handler");
	signal(SIGALRM, on_alarm);
	check(!setitimer(ITIMER_REAL, &each_ms, NULL), "setitimer");
	sigaddset(&alarm_signal, SIGALRM); /* for this thread alone */
	pthread_sigmask(SIG_BLOCK, &alarm_signal, NULL);
	check(!pthread_create(&thread, NULL, locker, &fd), "pthread_create");
	pthread_sigmask(SIG_UNBLOCK, &alarm_signal, NULL);
	while (!ready)
		;
	install(filter);
	go = true;
	while (!done)
		;
	pair(never_locked);
	check(!fcntl(fd, F_SETLK, &elsewhere), "F_SETLK");
	elsewhere.l_type = F_UNLCK;
	check(!fcntl(fd, F_SETLK, &elsewhere), "F_UNLCK");
	pair(fd);
	check(!fcntl(fd, F_SETLK, &(struct flock){ .l_type = F_WRLCK, .l_len = 1 }), "F_SETLK");
	check(!close(other), "close");
	check(!close(fd), "close");
	while (alarms < 100)
		;
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";
	int fd = open_new("sandboxed");

	pair(fd);
	if (!strcmp(how, "unseen") || !strcmp(how, "seen")) {
		unseen(fd, *how == 's' ? "permissive" : "seccomp");
	} else if (!strcmp(how, "permissive")) {
		install(how);
		execv(argv[2], argv + 2);
		return 1;
	} else if (!strcmp(how, "fork")) {
		int status;
		pid_t child;

		install(how);
		child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
		check(child >= 0, "clone");
		if (!child) {
			check(!flock(fd, LOCK_EX) && !flock(fd, LOCK_UN), "flock in the child");
			_exit(7);
		}
		check(wait4(child, &status, 0, NULL) == child && status == 7 << 8, "the child");
	} else {
		install(how);
		pairs(fd);
	}
	check(write(1, "OK\n", 3) == 3, "write");
	_exit(0);
}
