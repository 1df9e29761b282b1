/* SPDX-License-Identifier: MIT */
/* Calls that don't wait for a lock. */
#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#include "mistake.h"

/* ---- polling: the twin tries a few times, then waits. */

ROLE void holder(struct gate in, struct gate leave)
{
	int fd = open_lock("data");

	file_lock(fd, LOCK_EX, 0);
	gate_open(in);
	gate_wait(leave);
}

ROLE void try_again(int fd, int times)
{
	while (times-- > 0) {
		file_lock(fd, LOCK_EX | LOCK_NB, EWOULDBLOCK);
		usleep(500);
	}
}

static void polling(bool mistake)
{
	struct gate in = gate_new(), leave = gate_new();
	pid_t child = fork();
	int fd;

	if (child == 0) {
		holder(in, leave);
		_exit(0);
	}
	gate_wait(in);
	fd = open_lock("data");
	try_again(fd, mistake ? 60 : 10);
	gate_open(leave);
	file_lock(fd, LOCK_EX, 0);
	reap(child);
}

/* ---- test-then-lock: the twin does not wait if the test was wrong. */

static bool is_free(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_len = 10 };

	CHECK(fcntl(fd, F_GETLK, &lock) == 0);
	return lock.l_type == F_UNLCK;
}

ROLE void lock_if_free(int fd, int command)
{
	if (is_free(fd))
		record_lock(fd, command, F_WRLCK, 0, 10, 0);
}

static void test_then_lock(bool mistake)
{
	lock_if_free(open_lock("data"), mistake ? F_SETLKW : F_SETLK);
}

/* ---- slow-nonblocking: a tracer holds up each call; in the twin one of them. */

ROLE void try_thrice(const char *name)
{
	int fd = open_lock(name);

	for (int i = 0; i < 3; i++)
		record_lock(fd, F_SETLK, F_WRLCK, i, 1, 0);
}

static bool enters_setlk(pid_t child)
{
	struct __ptrace_syscall_info info = { 0 };

	ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof(info), &info);
	return info.op == PTRACE_SYSCALL_INFO_ENTRY && info.entry.nr == SYS_fcntl &&
	       info.entry.args[1] == F_SETLK;
}

static void slow_nonblocking(bool mistake)
{
	pid_t child = fork();
	int status, delays = mistake ? 3 : 1;

	if (child == 0) {
		CHECK(ptrace(PTRACE_TRACEME, 0, 0, 0) == 0);
		raise(SIGSTOP);
		try_thrice("data");
		_exit(0);
	}
	CHECK(waitpid(child, &status, 0) == child && WIFSTOPPED(status));
	CHECK(ptrace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACESYSGOOD) == 0);
	for (;;) {
		CHECK(ptrace(PTRACE_SYSCALL, child, 0, 0) == 0);
		CHECK(waitpid(child, &status, 0) == child);
		if (!WIFSTOPPED(status))
			break;
		if (delays && enters_setlk(child)) {
			delays--;
			usleep(15000);
		}
	}
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0 && !delays);
}

int main(int argc, char **argv)
{
	static const struct scenario scenarios[] = {
		{ "polling", polling },
		{ "test-then-lock", test_then_lock },
		{ "slow-nonblocking", slow_nonblocking },
		{ 0 },
	};

	return play(argc, argv, scenarios);
}
