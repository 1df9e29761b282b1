/* SPDX-License-Identifier: MIT */
/* Locks that somebody has who should not, or not any more. */
#include <errno.h>
#include <sys/prctl.h>

#include "mistake.h"

/* ---- leaked-to-child: the twin opens its file with O_CLOEXEC. */

ROLE void take_and_start(bool mistake, struct gate program_ends)
{
	int fd = open("data", O_RDWR | O_CREAT | (mistake ? 0 : O_CLOEXEC), 0600);

	file_lock(fd, LOCK_EX, 0);
	if (fork() == 0) {
		dup2(program_ends.end[0], 0);
		execl("/bin/cat", "cat", NULL);
		_exit(1);
	}
}

ROLE void other_wants(int fd, int error)
{
	file_lock(fd, LOCK_EX | LOCK_NB, error);
}

static void leaked_to_child(bool mistake)
{
	struct gate program_ends = gate_new();
	int fd = open_lock("data");
	pid_t taker;

	CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
	taker = fork();
	if (taker == 0) {
		take_and_start(mistake, program_ends);
		_exit(0);
	}
	reap(taker);
	usleep(WORK_US);
	other_wants(fd, mistake ? EWOULDBLOCK : 0);
	close(program_ends.end[1]);
	CHECK(wait(NULL) > 0);
}

/* ---- never-released: the twin holds as long at last, and releases. */

ROLE void take_shortly(int fd)
{
	record_lock(fd, F_SETLK, F_WRLCK, 0, 10, 0);
	record_lock(fd, F_SETLK, F_UNLCK, 0, 10, 0);
}

ROLE void take_for_good(int fd)
{
	record_lock(fd, F_SETLK, F_WRLCK, 0, 10, 0);
}

static void never_released(bool mistake)
{
	int fd = open_lock("data");

	for (int i = 0; i < 20; i++)
		take_shortly(fd);
	take_for_good(fd);
	usleep(1100000);
	if (!mistake)
		record_lock(fd, F_SETLK, F_UNLCK, 0, 10, 0);
}

int main(int argc, char **argv)
{
	static const struct scenario scenarios[] = {
		{ "leaked-to-child", leaked_to_child },
		{ "never-released", never_released },
		{ 0 },
	};

	return play(argc, argv, scenarios);
}
