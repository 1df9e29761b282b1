/* SPDX-License-Identifier: MIT */
/* Locks on another file, or of another kind, than the others'. */
#include <stdio.h>
#include <sys/stat.h>

#include "mistake.h"

/* ---- mixed-apis: in the twin both use flock, and one record locks besides. */

ROLE void by_flock(const char *name)
{
	file_lock(open_lock(name), LOCK_EX, 0);
}

ROLE void by_record_lock(const char *name)
{
	record_lock(open_lock(name), F_SETLK, F_WRLCK, 0, 0, 0);
}

static void by_both(const char *name)
{
	by_flock(name);
	by_record_lock(name);
}

static void mixed_apis(bool mistake)
{
	in_child(by_flock, "data");
	in_child(mistake ? by_record_lock : by_both, "data");
}

/* ---- unlinked-lock-file: the twin looks whether its file still has the name, and opens anew. */

static struct gate opened, unlinked;

ROLE void lock_and_unlink(const char *name)
{
	int fd = open_lock(name);

	file_lock(fd, LOCK_EX, 0);
	gate_wait(opened);
	CHECK(unlink(name) == 0);
	file_lock(fd, LOCK_UN, 0);
	gate_open(unlinked);
}

ROLE int open_before(const char *name)
{
	int fd = open_lock(name);

	gate_open(opened);
	gate_wait(unlinked);
	return fd;
}

ROLE void lock_nameless(const char *name)
{
	file_lock(open_before(name), LOCK_EX, 0);
	usleep(WORK_US);
}

ROLE void lock_and_look(const char *name)
{
	struct stat locked, named;
	int fd = open_before(name);

	file_lock(fd, LOCK_EX, 0);
	CHECK(fstat(fd, &locked) == 0 && locked.st_nlink == 0 && stat(name, &named) != 0);
	close(fd);
	file_lock(open_lock(name), LOCK_EX, 0);
	usleep(WORK_US);
}

static void unlinked_lock_file(bool mistake)
{
	pid_t first;

	opened = gate_new();
	unlinked = gate_new();
	close(open_lock("data"));
	first = fork();
	if (first == 0) {
		lock_and_unlink("data");
		_exit(0);
	}
	in_child(mistake ? lock_nameless : lock_and_look, "data");
	reap(first);
}

/* ---- replaced-lock-file: in the twin the old one is not locked any more. */

ROLE void hold_old(struct gate in, struct gate leave)
{
	int fd = open_lock("data");

	file_lock(fd, LOCK_EX, 0);
	gate_open(in);
	gate_wait(leave);
	file_lock(fd, LOCK_UN, 0);
}

ROLE void lock_new(const char *name)
{
	file_lock(open_lock(name), LOCK_EX, 0);
}

static void replaced_lock_file(bool mistake)
{
	struct gate in = gate_new(), leave = gate_new();
	pid_t holder = fork();

	if (holder == 0) {
		hold_old(in, leave);
		_exit(0);
	}
	gate_wait(in);
	CHECK(rename("data", "old") == 0);
	if (!mistake) {
		gate_open(leave);
		reap(holder);
	}
	in_child(lock_new, "data");
	if (mistake) {
		gate_open(leave);
		reap(holder);
	}
}

int main(int argc, char **argv)
{
	static const struct scenario scenarios[] = {
		{ "mixed-apis", mixed_apis },
		{ "unlinked-lock-file", unlinked_lock_file },
		{ "replaced-lock-file", replaced_lock_file },
		{ 0 },
	};

	return play(argc, argv, scenarios);
}
