/* SPDX-License-Identifier: MIT */
/* Sessions that no launcher looks after: who is still there? */
#include "analyzer/read/reader.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/mktrace.h"

extern char **environ;

static void read_text(const char *path, char *text, size_t room)
{
	int fd = open(path, O_RDONLY);
	ssize_t length = read(fd, text, room - 1);

	cr_assert_gt(length, 0, "%s", path);
	text[length] = '\0';
	close(fd);
}

static uint64_t start_time(pid_t pid)
{
	char path[64], text[1024], *at;
	unsigned long long ticks;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	read_text(path, text, sizeof(text));
	at = strrchr(text, ')');
	for (int field = 2; field < 22; field++)
		at = strchr(at + 1, ' ');
	ticks = strtoull(at, NULL, 10);
	return ticks;
}

/* A session of this boot with one process in it. */
static struct mktrace *session_with(pid_t pid, uint64_t started)
{
	struct mktrace *make = mktrace_session(MKTRACE_SMALL);
	struct record_process record = { .kind = RECORD_PROCESS,
					 .reason = PROCESS_START,
					 .process = 1,
					 .pid = pid,
					 .bytes = 2,
					 .time = 1000,
					 .start_time = started };
	char text[64], digits[33] = "";
	struct stat status;
	unsigned n = 0;

	cr_assert_eq(stat("/proc/self/ns/pid", &status), 0);
	record.pidns = status.st_ino;
	mktrace_long(make, &record, "x", 2);
	read_text("/proc/sys/kernel/random/boot_id", text, sizeof(text));
	for (const char *at = text; *at && n < 32; at++) {
		if (*at != '-')
			digits[n++] = *at;
	}
	make->header->boot_id[1] = strtoull(digits + 16, NULL, 16);
	digits[16] = '\0';
	make->header->boot_id[0] = strtoull(digits, NULL, 16);
	return make;
}

struct outcome {
	int deaths;
	bool dead, live;
	uint64_t death, end;
};

static struct outcome read_session(struct mktrace *make)
{
	char *path = mktrace_temporary(make->bytes, make->size);
	const char *error = NULL;
	struct reader *reader = reader_open(path, &error);
	struct outcome outcome = { 0 };
	struct event event;

	cr_assert_not_null(reader, "%s", error);
	while (reader_next(reader, &event)) {
		if (event.kind == EVENT_DEATH) {
			outcome.deaths++;
			outcome.death = event.time;
		}
		outcome.end = event.time;
	}
	outcome.dead = reader_catalog(reader)->processes[0].dead;
	outcome.live = reader_catalog(reader)->run.live;
	reader_free(reader);
	unlink(path);
	free(path);
	mktrace_free(make);
	return outcome;
}

Test(alive, a_session_with_a_living_process_is_live_and_ends_now)
{
	struct outcome outcome = read_session(session_with(getpid(), start_time(getpid())));

	cr_expect_eq(outcome.deaths, 0);
	cr_expect(!outcome.dead && outcome.live);
	cr_expect_gt(outcome.end, 1000000);
}

Test(alive, a_fork_child_that_came_late_to_say_when_it_started_is_alive)
{
	struct outcome outcome = read_session(session_with(getpid(), start_time(getpid()) + 500));

	cr_expect_eq(outcome.deaths, 0);
	cr_expect(outcome.live);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

Test(alive, a_process_that_is_gone_has_died_by_now_at_the_latest)
{
	char *argv[] = { (char *)"true", NULL };
	pid_t pid;
	uint64_t started, before;
	struct outcome outcome;

	cr_assert_eq(posix_spawnp(&pid, "true", NULL, NULL, argv, environ), 0);
	started = start_time(pid);
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
	before = now_ns();
	outcome = read_session(session_with(pid, started));
	cr_expect_eq(outcome.deaths, 1);
	cr_expect(outcome.dead && !outcome.live);
	cr_expect(before <= outcome.death && outcome.death <= now_ns());
	cr_expect_eq(outcome.end, 1000);
}

Test(alive, a_pid_that_came_round_again_is_another_process)
{
	struct outcome outcome = read_session(session_with(getpid(), start_time(getpid()) - 100));

	cr_expect_eq(outcome.deaths, 1);
	cr_expect(!outcome.live);
}

Test(alive, nobody_is_called_dead_across_a_boot_or_a_pid_namespace)
{
	struct mktrace *make = session_with(1 << 21, 5);
	struct record_process record;
	struct outcome outcome;

	make->header->boot_id[0] ^= 1;
	outcome = read_session(make);
	cr_expect_eq(outcome.deaths, 0);

	make = session_with(1 << 21, 5);
	memcpy(&record, mktrace_cell(make, 1), sizeof(record));
	record.pidns++;
	make->header->ring_head.value = 1;
	mktrace_long(make, &record, "x", 2);
	outcome = read_session(make);
	cr_expect_eq(outcome.deaths, 0);
	cr_expect(!outcome.dead);
}

Test(alive, a_trace_is_the_past)
{
	struct mktrace *make = mktrace_trace(1);
	struct outcome outcome;

	mktrace_process(make, PROCESS_START, 1, 1 << 21, 0, "/bin/x");
	outcome = read_session(make);
	cr_expect_eq(outcome.deaths, 0);
	cr_expect(!outcome.live);
}
