/* SPDX-License-Identifier: MIT */
/* Those who wait, and those who are told not to. */
#include <errno.h>
#include <pthread.h>
#include <sys/syscall.h>

#include "mistake.h"

/* ---- edeadlk: both of the twin take the locks in the same order. */

ROLE void take_first(int fd)
{
	record_lock(fd, F_SETLKW, F_WRLCK, 0, 10, 0);
}

ROLE void take_second(int fd)
{
	record_lock(fd, F_SETLKW, F_WRLCK, 10, 10, 0);
}

ROLE void wait_for_first(int fd)
{
	record_lock(fd, F_SETLKW, F_WRLCK, 0, 10, 0);
}

ROLE void ask_for_second(int fd, int error)
{
	record_lock(fd, F_SETLKW, F_WRLCK, 10, 10, error);
}

static void in_other_order(bool mistake, struct gate ready)
{
	int fd = open_lock("data");

	if (mistake)
		take_second(fd);
	gate_open(ready);
	wait_for_first(fd);
	if (!mistake)
		take_second(fd);
}

static void edeadlk(bool mistake)
{
	struct gate ready = gate_new();
	int fd = open_lock("data");
	pid_t child;

	take_first(fd);
	child = fork();
	if (child == 0) {
		in_other_order(mistake, ready);
		_exit(0);
	}
	gate_wait(ready);
	wait_until_blocked(child, child);
	ask_for_second(fd, mistake ? EDEADLK : 0);
	record_lock(fd, F_SETLK, F_UNLCK, 0, 0, 0);
	reap(child);
}

/* ---- spurious-edeadlk: in the twin nobody asks for what the idle thread holds. */

static void *waiting_thread(void *fd)
{
	wait_for_first(*(int *)fd);
	return NULL;
}

ROLE void idle_takes_second(int fd)
{
	record_lock(fd, F_SETLKW, F_WRLCK, 10, 10, 0);
}

static void two_threads(struct gate ready, struct gate leave)
{
	int fd = open_lock("data");
	pthread_t thread;

	idle_takes_second(fd);
	CHECK(pthread_create(&thread, NULL, waiting_thread, &fd) == 0);
	gate_open(ready);
	gate_wait(leave);
	record_lock(fd, F_SETLK, F_UNLCK, 10, 10, 0);
	CHECK(pthread_join(thread, NULL) == 0);
}

/* The tid of the thread that is not the first: it is the only other. */
static pid_t other_thread(pid_t pid)
{
	for (pid_t tid = pid + 1;; tid++)
		if (!syscall(SYS_tgkill, pid, tid, 0))
			return tid;
}

static void spurious_edeadlk(bool mistake)
{
	struct gate ready = gate_new(), leave = gate_new();
	int fd = open_lock("data");
	pid_t child, thread;

	take_first(fd);
	child = fork();
	if (child == 0) {
		two_threads(ready, leave);
		_exit(0);
	}
	gate_wait(ready);
	thread = other_thread(child);
	wait_until_blocked(child, thread);
	if (mistake)
		ask_for_second(fd, EDEADLK);
	else
		record_lock(fd, F_SETLKW, F_WRLCK, 20, 10, 0);
	gate_open(leave);
	record_lock(fd, F_SETLK, F_UNLCK, 0, 0, 0);
	reap(child);
}

/* ---- starved-writer: the readers of the twin were there before the writer. */

ROLE void read_along(int fd)
{
	file_lock(fd, LOCK_SH, 0);
}

ROLE void writer(const char *name)
{
	file_lock(open_lock(name), LOCK_EX, 0);
}

static void starved_writer(bool mistake)
{
	int fds[6];
	pid_t child;

	for (int i = 0; i < 6; i++)
		fds[i] = open_lock("data");
	for (int i = 0; i < (mistake ? 1 : 5); i++)
		read_along(fds[i]);
	child = fork();
	if (child == 0) {
		for (int i = 0; i < 6; i++)
			close(fds[i]);
		writer("data");
		_exit(0);
	}
	wait_until_blocked(child, child);
	for (int i = mistake ? 1 : 5; i < 6; i++) {
		usleep(5000);
		read_along(fds[i]);
	}
	for (int i = 0; i < 6; i++)
		file_lock(fds[i], LOCK_UN, 0);
	reap(child);
}

int main(int argc, char **argv)
{
	static const struct scenario scenarios[] = {
		{ "edeadlk", edeadlk },
		{ "spurious-edeadlk", spurious_edeadlk },
		{ "starved-writer", starved_writer },
		{ 0 },
	};

	return play(argc, argv, scenarios);
}
