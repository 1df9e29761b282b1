/* SPDX-License-Identifier: MIT */
/* flocktrace dump from outside: what it prints, and how it ends. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "analyzer/base/memory.h"
#include "tests/support/mktrace.h"

#define SECOND UINT64_C(1000000000)

extern char **environ;

struct output {
	int status; /* exit status, -1: a signal */
	char out[65536], err[4096];
};

static void slurp(const char *path, char *text, size_t room)
{
	int fd = open(path, O_RDONLY);
	ssize_t length = read(fd, text, room - 1);

	cr_assert_geq(length, 0);
	text[length] = '\0';
	close(fd);
	unlink(path);
}

/* Runs flocktrace with these arguments, up to the first NULL. */
static struct output run(const char *first, const char *second, const char *third)
{
	static struct output output;
	char *out = mktrace_temporary("", 0), *err = mktrace_temporary("", 0);
	char *argv[] = { (char *)"flocktrace", (char *)first, (char *)second, (char *)third, NULL };
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int status;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 1, out, O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 2, err, O_WRONLY, 0);
	cr_assert_eq(posix_spawn(&pid, FLOCKTRACE, &actions, NULL, argv, environ), 0);
	posix_spawn_file_actions_destroy(&actions);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	output.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	slurp(out, output.out, sizeof(output.out));
	slurp(err, output.err, sizeof(output.err));
	free(out);
	free(err);
	return output;
}

static struct output run_on(const struct mktrace *make, const char *option)
{
	char *path = mktrace_temporary(make->bytes, make->size);
	struct output output = option ? run("dump", option, path) : run("dump", path, NULL);

	unlink(path);
	free(path);
	return output;
}

static struct record_lock lock(enum record_kind kind, uint32_t tid, unsigned mode, uint64_t time)
{
	return (struct record_lock){
		.kind = (uint8_t)kind,
		.op = OP_FCNTL_SETLKW,
		.flags = (uint16_t)(mode | (kind == RECORD_RESULT ? FLAG_HAS_REQUEST : 0)),
		.process = 1,
		.tid = tid,
		.fd = 3,
		.time = time,
		.len_or_end = 10,
		.outcome = kind == RECORD_RESULT ? OUTCOME(SECOND / 2, 0) : 0,
	};
}

#define CALL(tid, type, result)                                                                \
#tid " fcntl(3, F_SETLKW, {l_type=" #type ", l_whence=SEEK_SET, l_start=0, l_len=10})" \
	     " = " result "\n"

Test(dump, prints_a_line_for_each_record)
{
	struct mktrace *make = mktrace_trace(1);
	struct record_lock record;
	struct output output;

	mktrace_process(make, PROCESS_START, 1, 4711, 0, "/usr/bin/victim");
	record = lock(RECORD_REQUEST, 4711, FLAG_EXCLUSIVE, SECOND + 1);
	record.file = mktrace_file(make, 42, "/tmp/a\n.db");
	mktrace_lock(make, record);
	mktrace_hole(make, 2);
	record = lock(RECORD_RESULT, 4711, FLAG_EXCLUSIVE, SECOND + 1);
	record.file = 3;
	mktrace_lock(make, record);
	output = run_on(make, NULL);
	cr_expect_eq(output.status, 0);
	cr_expect_str_eq(
		output.out,
		"        1    0.000000000  4711/4711      process #1 started: /usr/bin/victim\n"
		"        3              -  file 2049:42 /tmp/a\\012.db\n"
		"        5    0.000000001  4711/4711      fcntl(3, F_SETLKW, {l_type=F_WRLCK, "
		"l_whence=SEEK_SET, l_start=0, l_len=10}) = ?  /tmp/a\\012.db  [0, 10)\n"
		"        6              -  lost: 2 positions\n"
		"        8    0.000000001  4711/4711      fcntl(3, F_SETLKW, {l_type=F_WRLCK, "
		"l_whence=SEEK_SET, l_start=0, l_len=10}) = 0  /tmp/a\\012.db  [0, 10)  "
		"500.0 ms\n",
		"%s", output.out);
	cr_expect_str_eq(output.err, "");
	mktrace_free(make);
}

Test(dump, calls_stand_where_they_began_with_the_results_that_came_later)
{
	struct mktrace *make = mktrace_trace(1);
	struct record_lock alone = lock(RECORD_REQUEST, 5, FLAG_SHARED, 60);
	struct output output;

	mktrace_lock(make, lock(RECORD_REQUEST, 1, FLAG_EXCLUSIVE, 10)); /* waits till the end */
	mktrace_lock(make, lock(RECORD_REQUEST, 2, FLAG_UNLOCK, 20));	 /* succeeds */
	mktrace_lock(make, lock(RECORD_REQUEST, 3, FLAG_UNLOCK, 30));	 /* fails */
	mktrace_lock(make, lock(RECORD_REQUEST, 2, FLAG_SHARED, 40));
	mktrace_lock(make, lock(RECORD_RESULT, 2, FLAG_SHARED, 40));
	alone = lock(RECORD_RESULT, 3, FLAG_UNLOCK, 30);
	alone.outcome = OUTCOME(1, 9);
	mktrace_lock(make, alone);
	mktrace_pending(make, 0, lock(RECORD_REQUEST, 4, FLAG_UNLOCK, 50),
			mktrace_lock(make, lock(RECORD_REQUEST, 4, FLAG_UNLOCK, 50)));
	mktrace_pending(make, 1, lock(RECORD_REQUEST, 5, FLAG_SHARED, 60), 0);
	mktrace_lock(make, lock(RECORD_RESULT, 1, FLAG_EXCLUSIVE, 10));
	output = run_on(make, "--calls");
	cr_expect_eq(output.status, 0);
	cr_expect_str_eq(output.out,
			 CALL(1, F_WRLCK, "0") CALL(2, F_UNLCK, "0")
				 CALL(3, F_UNLCK, "-1 EBADF (Bad file descriptor)")
					 CALL(2, F_RDLCK, "0") CALL(4, F_UNLCK, "?")
						 CALL(5, F_RDLCK, "?"),
			 "%s", output.out);
	mktrace_free(make);
}

Test(dump, a_call_whose_process_died_in_it_never_returned)
{
	struct mktrace *make = mktrace_trace(1);
	struct output output;

	mktrace_lock(make, lock(RECORD_REQUEST, 1, FLAG_EXCLUSIVE, 10));
	mktrace_lock(make, lock(RECORD_REQUEST, 2, FLAG_UNLOCK, 10));
	mktrace_pending(make, 0, lock(RECORD_REQUEST, 1, FLAG_EXCLUSIVE, 10), 1);
	mktrace_call(make, (struct record_call){
				   .kind = RECORD_DEATH, .process = 1, .value = 9, .time = 90 });
	output = run_on(make, "--calls");
	cr_expect_str_eq(output.out, CALL(1, F_WRLCK, "?") CALL(2, F_UNLCK, "0"), "%s", output.out);
	output = run_on(make, NULL);
	cr_expect_not_null(strstr(output.out, "= ? (died there)"), "%s", output.out);
	mktrace_free(make);
}

Test(dump, a_request_in_progress_is_still_waiting)
{
	struct mktrace *make = mktrace_trace(1);
	struct output output;

	mktrace_pending(make, 0, lock(RECORD_REQUEST, 5, FLAG_SHARED, 60), 0);
	output = run_on(make, NULL);
	cr_expect_not_null(strstr(output.out, "l_len=10}) = ? (still waiting)"), "%s", output.out);
	mktrace_free(make);
}

Test(dump, raw_shows_header_slots_and_slow_ring_too)
{
	struct mktrace *make = mktrace_session(MKTRACE_SMALL);
	struct output output;

	*mktrace_process_slot(make, 1) = (struct process_slot){ .process = 77, .pid = 4711 };
	mktrace_process_slot(make, 1)->grant[3] =
		(struct grant){ .state = GRANT_HELD, .op = OP_FLOCK, .inode = 4242 };
	mktrace_module(make, 1, 1, "/lib/libc.so.6");
	mktrace_into_slow(make, true);
	mktrace_lock(make, lock(RECORD_REQUEST, 5, FLAG_SHARED, 60));
	output = run_on(make, "--raw");
	cr_expect_eq(output.status, 0);
	cr_expect_not_null(strstr(output.out, "# ring_cells        256\n"));
	cr_expect_not_null(strstr(output.out, "# process slot 1: process #77, pid 4711"));
	cr_expect_not_null(strstr(output.out, "grant held: flock"));
	cr_expect_not_null(strstr(output.out, ":4242, start 0"));
	cr_expect_not_null(strstr(output.out, "build_id=5a5a"));
	cr_expect_not_null(strstr(output.out, "   slow 1    0.000000000"), "%s", output.out);
	mktrace_free(make);
}

Test(dump, bad_input_is_one_line_and_125)
{
	static const char no_trace[] = "this is no trace";
	char *path = mktrace_temporary(no_trace, sizeof(no_trace));
	char *expected = xasprintf("flocktrace: %s: not a flocktrace session or trace\n", path);
	struct output output = run("dump", path, NULL);

	cr_expect_eq(output.status, 125);
	cr_expect_str_eq(output.err, expected);
	cr_expect_str_eq(output.out, "");
	output = run("dump", "--calls", "/no/such/trace");
	cr_expect_eq(output.status, 125);
	cr_expect_str_eq(output.err, "flocktrace: /no/such/trace: No such file or directory\n");
	unlink(path);
	free(path);
	free(expected);
}

Test(dump, wrong_use_says_where_help_is)
{
	struct output output = run("dump", "--no-such-option", NULL);

	cr_expect_eq(output.status, 125);
	cr_expect_not_null(strstr(output.err, "; try 'flocktrace dump --help'\n"));
	output = run("dump", "a", "b");
	cr_expect_eq(output.status, 125);
	output = run("dump", "--raw", "--calls");
	cr_expect_eq(output.status, 125);
	output = run("dump", "--help", NULL);
	cr_expect_eq(output.status, 0);
	cr_expect_eq(strncmp(output.out, "Usage: flocktrace dump", 22), 0);
	cr_expect_str_eq(output.err, "");
}

/* A place of its own, with no session but those that the test makes. */
static char *empty_place(void)
{
	char *directory = xstrdup("/tmp/flocktrace-test.XXXXXX");

	cr_assert_not_null(mkdtemp(directory));
	cr_assert_eq(chdir(directory), 0);
	cr_assert_eq(setenv("XDG_RUNTIME_DIR", directory, 1), 0);
	return directory;
}

/* What this machine records at this moment may be named on a second line. */
static bool begins_with(const char *text, const char *expected)
{
	return !strncmp(text, expected, strlen(expected));
}

Test(dump, takes_the_newest_trace_or_session_and_says_which)
{
	struct mktrace *make = mktrace_session(MKTRACE_SMALL);
	char *directory = empty_place(), *session = xasprintf("%s/flocktrace/default", directory);
	char *expected =
		xasprintf("flocktrace: reading %s (nobody is recording into it now)\n", session);
	/* Newer than whatever other sessions this machine has. */
	struct timespec later[2] = { { .tv_sec = 4000000000 }, { .tv_sec = 4000000000 } };
	struct output output;

	cr_assert_eq(mkdir("flocktrace", 0700), 0);
	mktrace_write(make, "flocktrace.old.1.trace");
	mktrace_write(make, session);
	cr_assert_eq(utimensat(AT_FDCWD, session, later, 0), 0);
	output = run("dump", NULL, NULL);
	cr_expect_eq(output.status, 0);
	cr_expect(begins_with(output.err, expected), "%s", output.err);

	later[1].tv_sec++;
	cr_assert_eq(utimensat(AT_FDCWD, "flocktrace.old.1.trace", later, 0), 0);
	output = run("dump", NULL, NULL);
	cr_expect(begins_with(output.err, "flocktrace: reading flocktrace.old.1.trace (nobody is "
					  "recording into it now)\n"),
		  "%s", output.err);

	/* What only has the name is passed over, and so is a directory that others may write to. */
	later[1].tv_sec++;
	cr_assert_eq(truncate("flocktrace.old.1.trace", 0), 0);
	cr_assert_eq(utimensat(AT_FDCWD, "flocktrace.old.1.trace", later, 0), 0);
	output = run("dump", NULL, NULL);
	cr_expect(begins_with(output.err, expected), "%s", output.err);
	cr_assert_eq(chmod("flocktrace", 0777), 0);
	output = run("dump", NULL, NULL);
	cr_expect_null(strstr(output.err, session));

	unlink(session);
	unlink("flocktrace.old.1.trace");
	rmdir("flocktrace");
	rmdir(directory);
	free(directory);
	free(session);
	free(expected);
	mktrace_free(make);
}
