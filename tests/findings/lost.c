/* SPDX-License-Identifier: MIT */
/* Locks that a process has lost and believes to have. */
#include <errno.h>

#include "mistake.h"

/* ---- close-drops-lock: the twin frees its lock first. */

ROLE void intruder(const char *name)
{
	record_lock(open_lock(name), F_SETLK, F_WRLCK, 0, 10, 0);
}

ROLE void take_records(int fd)
{
	record_lock(fd, F_SETLK, F_WRLCK, 0, 10, 0);
}

ROLE void look_into_file(const char *name)
{
	CHECK(close(open_lock(name)) == 0);
}

ROLE void free_records(int fd)
{
	record_lock(fd, F_SETLK, F_UNLCK, 0, 10, 0);
}

static void close_drops_lock(bool mistake)
{
	int fd = open_lock("data");

	take_records(fd);
	if (!mistake)
		free_records(fd);
	look_into_file("data");
	in_child(intruder, "data");
	if (mistake)
		free_records(fd);
	close(fd);
}

/* ---- upgrade-lost-lock: the twin gives up at once. */

ROLE void take_shared(int fd)
{
	file_lock(fd, LOCK_SH, 0);
}

ROLE void try_to_convert(int fd)
{
	file_lock(fd, LOCK_EX | LOCK_NB, EWOULDBLOCK);
}

ROLE void writer_gets_in(const char *name)
{
	file_lock(open_lock(name), LOCK_EX, 0);
}

static void upgrade_lost_lock(bool mistake)
{
	int fd = open_lock("data"), reader = open_lock("data");

	take_shared(fd);
	file_lock(reader, LOCK_SH, 0);
	try_to_convert(fd);
	file_lock(reader, LOCK_UN, 0);
	if (mistake) {
		in_child(writer_gets_in, "data");
		usleep(WORK_US);
	}
	file_lock(fd, LOCK_UN, 0);
}

/* ---- upgrade-gap: in the twin nobody else comes, before it converts and after. */

ROLE void convert(int fd)
{
	file_lock(fd, LOCK_EX, 0);
}

ROLE void other_reader(struct gate in, struct gate leave)
{
	int fd = open_lock("data");

	file_lock(fd, LOCK_SH, 0);
	gate_open(in);
	gate_wait(leave);
	file_lock(fd, LOCK_UN, 0);
}

static pid_t start_reader(struct gate in, struct gate leave)
{
	pid_t child = fork();

	if (child == 0) {
		other_reader(in, leave);
		_exit(0);
	}
	gate_wait(in);
	return child;
}

ROLE void writer_in_between(const char *name)
{
	int fd = open_lock(name);

	file_lock(fd, LOCK_EX, 0);
	usleep(1000);
	file_lock(fd, LOCK_UN, 0);
}

/* It waits before the one who converts begins to, so it is served first. */
static pid_t start_writer(void)
{
	pid_t child = fork();

	if (child == 0) {
		writer_in_between("data");
		_exit(0);
	}
	wait_until_blocked(child, child);
	return child;
}

static void upgrade_gap(bool mistake)
{
	struct gate in = gate_new(), leave = gate_new();
	int fd = open_lock("data");
	pid_t reader = start_reader(in, leave), self = getpid(), helper, writer = 0;

	take_shared(fd);
	if (mistake)
		writer = start_writer();
	helper = fork();
	if (helper == 0) {
		wait_until_blocked(self, self);
		gate_open(leave);
		_exit(0);
	}
	convert(fd);
	file_lock(fd, LOCK_UN, 0);
	reap(helper);
	reap(reader);
	if (mistake)
		reap(writer);
	else
		writer_in_between("data");
}

/* ---- unlocked-by-other: the child of the twin closes what it has inherited. */

ROLE void take_for_parent(int fd)
{
	file_lock(fd, LOCK_EX, 0);
}

ROLE void child_cleans_up(int fd, bool mistake)
{
	if (mistake)
		file_lock(fd, LOCK_UN, 0);
	else
		close(fd);
}

static void unlocked_by_other(bool mistake)
{
	int fd = open_lock("data");
	pid_t child;

	take_for_parent(fd);
	child = fork();
	if (child == 0) {
		child_cleans_up(fd, mistake);
		_exit(0);
	}
	reap(child);
	if (mistake)
		in_child(writer_gets_in, "data");
	file_lock(fd, LOCK_UN, 0);
}

int main(int argc, char **argv)
{
	static const struct scenario scenarios[] = {
		{ "close-drops-lock", close_drops_lock },
		{ "upgrade-lost-lock", upgrade_lost_lock },
		{ "upgrade-gap", upgrade_gap },
		{ "unlocked-by-other", unlocked_by_other },
		{ 0 },
	};

	return play(argc, argv, scenarios);
}
