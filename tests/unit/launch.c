/* SPDX-License-Identifier: MIT */
/* The built flocktrace as its user starts it: statuses, signals, streams, and what it leaves. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TEXT_ROOM 65536

static char home[] = "/tmp/flocktrace-launch-XXXXXX";

static void begin(void)
{
	cr_assert(mkdtemp(home));
	setenv("XDG_RUNTIME_DIR", home, 1);
	setenv("TMPDIR", home, 1);
	cr_assert_eq(chdir(home), 0);
}

static void remove_all(void)
{
	DIR *files = opendir(home);
	struct dirent *entry;

	while (files && (entry = readdir(files)))
		unlink(entry->d_name);
	if (files)
		closedir(files);
	rmdir(home);
}

TestSuite(launch, .init = begin, .fini = remove_all, .timeout = 60);

static int files_left(void)
{
	DIR *files = opendir(home);
	struct dirent *entry;
	int count = 0;

	while ((entry = readdir(files)))
		count += entry->d_name[0] != '.';
	closedir(files);
	return count;
}

/* ---- Starting -------------------------------------------------------------------------------- */

struct child {
	pid_t pid;
	int in, out, err; /* our ends */
};

static void start(struct child *child, const char *const *argv)
{
	posix_spawn_file_actions_t actions;
	int in[2], out[2], err[2];

	cr_assert(!pipe2(in, O_CLOEXEC) && !pipe2(out, O_CLOEXEC) && !pipe2(err, O_CLOEXEC));
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in[0], 0);
	posix_spawn_file_actions_adddup2(&actions, out[1], 1);
	posix_spawn_file_actions_adddup2(&actions, err[1], 2);
	cr_assert_eq(posix_spawnp(&child->pid, argv[0], &actions, NULL, (char **)argv, environ), 0);
	posix_spawn_file_actions_destroy(&actions);
	close(in[0]);
	close(out[1]);
	close(err[1]);
	child->in = in[1];
	child->out = out[0];
	child->err = err[0];
}

static void read_all(int fd, char text[TEXT_ROOM])
{
	size_t length = 0;
	ssize_t got;

	while (length < TEXT_ROOM - 1 &&
	       (got = read(fd, text + length, TEXT_ROOM - 1 - length)) > 0)
		length += (size_t)got;
	text[length] = '\0';
	close(fd);
}

static char out[TEXT_ROOM], err[TEXT_ROOM];

static int finish(struct child *child)
{
	int status;

	close(child->in);
	read_all(child->out, out);
	read_all(child->err, err);
	cr_assert_eq(waitpid(child->pid, &status, 0), child->pid);
	return status;
}

static int run(const char *const *argv)
{
	struct child child;

	start(&child, argv);
	return finish(&child);
}

#define RUN(...)	  run((const char *const[]){ FLOCKTRACE, __VA_ARGS__, NULL })
#define START(child, ...) start(child, (const char *const[]){ FLOCKTRACE, __VA_ARGS__, NULL })

static bool exited(int status, int code)
{
	return WIFEXITED(status) && WEXITSTATUS(status) == code;
}

static bool died(int status, int signal)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == signal;
}

static void wait_for_ready(struct child *child)
{
	char text[6] = "";

	cr_assert_eq(read(child->out, text, 6), 6);
	cr_assert(!memcmp(text, "ready\n", 6));
}

/* ---- How it ends ----------------------------------------------------------------------------- */

Test(launch, run_ends_as_its_program_does)
{
	cr_expect(exited(RUN("run", "true"), 0), "%s", err);
	cr_expect(exited(RUN("run", "sh", "-c", "exit 3"), 3), "%s", err);
	cr_expect(exited(RUN("run", "--", "sh", "-c", "exit 255"), 255), "%s", err);
	cr_expect(died(RUN("run", "sh", "-c", "kill -9 $$"), SIGKILL), "%s", err);
	cr_expect(died(RUN("run", "sh", "-c", "kill -TERM $$"), SIGTERM), "%s", err);
	cr_expect(died(RUN("run", "sh", "-c", "kill -SEGV $$"), SIGSEGV), "%s", err);
	cr_expect_eq(files_left(), 0, "litter");
}

Test(launch, a_program_that_cannot_be_started_is_told_as_by_env)
{
	cr_expect(exited(RUN("run", "/nonexistent/program"), 127));
	cr_expect_str_eq(err, "flocktrace: /nonexistent/program: No such file or directory\n");
	cr_expect(exited(RUN("run", "no-such-program-here"), 127));
	cr_expect(exited(RUN("record", "/etc/passwd"), 126));
	cr_expect_str_eq(err, "flocktrace: /etc/passwd: Permission denied\n");
	cr_expect_eq(files_left(), 0, "litter");
}

Test(launch, wrong_usage_is_one_line_and_125)
{
	static const char *const cases[][4] = {
		{ NULL },
		{ "fly", NULL },
		{ "--fly", NULL },
		{ "run", NULL },
		{ "run", "--fly", NULL },
		{ "run", "-o", NULL },
		{ "record", NULL },
		{ "run", "-n", "x", "true" },
		{ "record", "-a", "1", "x" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *argv[6] = { FLOCKTRACE };

		memcpy(argv + 1, cases[i], sizeof(cases[i]));
		cr_expect(exited(run(argv), 125), "case %zu", i);
		cr_expect(strchr(err, '\n') && !strchr(err, '\n')[1] && strstr(err, "--help"),
			  "case %zu: %s", i, err);
		cr_expect_str_eq(out, "");
	}
}

Test(launch, help_and_version_go_to_stdout)
{
	cr_expect(exited(RUN("--version"), 0));
	cr_expect(strstr(out, "trace format"));
	cr_expect(exited(RUN("--help"), 0));
	cr_expect(strstr(out, "record"));
	cr_expect(exited(RUN("run", "--help"), 0));
	cr_expect(strstr(out, "--trace"));
	cr_expect_str_eq(err, "");
}

/* ---- What it leaves alone ---------------------------------------------------------------------
 */

Test(launch, the_program_has_stdin_and_stdout_for_itself)
{
	struct child child;

	START(&child, "run", "cat");
	cr_assert_eq(write(child.in, "hello\n", 6), 6);
	cr_expect(exited(finish(&child), 0));
	cr_expect_str_eq(out, "hello\n");
}

Test(launch, the_program_starts_with_the_signals_and_descriptors_of_its_caller)
{
	static const char script[] = "grep -E '^Sig(Blk|Ign)' /proc/self/status; ls /proc/self/fd";
	char native[TEXT_ROOM];

	signal(SIGUSR1, SIG_IGN);
	cr_assert(exited(run((const char *const[]){ "sh", "-c", script, NULL }), 0));
	strcpy(native, out);
	cr_assert(exited(RUN("run", "sh", "-c", script), 0));
	cr_expect_str_eq(out, native);
}

Test(launch, a_trace_that_exists_is_refused_before_anything_starts)
{
	int fd = open("old.trace", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	struct stat stat_;

	cr_assert(fd >= 0);
	close(fd);
	cr_expect(exited(RUN("run", "--trace", "old.trace", "touch", "started"), 125));
	cr_expect(exited(RUN("record", "-o", "old.trace", "touch", "started"), 125));
	cr_expect(stat("started", &stat_), "the program was started");
	cr_expect(!stat("old.trace", &stat_) && stat_.st_size == 0);
}

Test(launch, record_names_its_trace_and_the_next_command)
{
	char name[PATH_MAX];
	struct stat stat_;

	cr_expect(exited(RUN("record", "sh", "-c", "echo $$; exit 4"), 4), "%s", err);
	snprintf(name, sizeof(name), "flocktrace.sh.%d.trace", atoi(out));
	cr_expect(!stat(name, &stat_) && (stat_.st_mode & 0777) == 0600, "%s", name);
	cr_expect(strstr(err, "Next: flocktrace report flocktrace.sh."), "%s", err);
	cr_expect_eq(files_left(), 1, "litter");
}

/* ---- Signals ----------------------------------------------------------------------------------
 */

Test(launch, a_signal_is_passed_on_and_the_program_decides)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT };

	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
		struct child child;

		START(&child, "run", "sh", "-c",
		      "trap 'exit 7' TERM INT HUP QUIT; echo ready; while :; do sleep 0.01; done");
		wait_for_ready(&child);
		kill(child.pid, signals[i]);
		cr_expect(exited(finish(&child), 7), "signal %d", signals[i]);
		START(&child, "run", "sh", "-c", "echo ready; exec sleep 60");
		wait_for_ready(&child);
		kill(child.pid, signals[i]);
		cr_expect(died(finish(&child), signals[i]), "signal %d", signals[i]);
	}
	cr_expect_eq(files_left(), 0, "litter");
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

Test(launch, what_is_known_is_reported_a_second_after_a_signal_that_the_program_ignores)
{
	struct child child;
	struct pollfd report;
	double sent;

	START(&child, "run", "sh", "-c", "trap '' TERM; echo ready; read x; exit 5");
	wait_for_ready(&child);
	kill(child.pid, SIGTERM);
	sent = now();
	report = (struct pollfd){ .fd = child.err, .events = POLLIN };
	cr_expect_eq(poll(&report, 1, 20000), 1);
	cr_expect(now() - sent < 1.5, "after %f s", now() - sent);
	cr_expect_eq(waitpid(child.pid, NULL, WNOHANG), 0, "it did not wait for its program");
	cr_expect(exited(finish(&child), 5));
	cr_expect(strlen(err) > 0);
}

Test(launch, nohup_stays_nohup)
{
	struct child child;

	signal(SIGHUP, SIG_IGN);
	START(&child, "run", "sh", "-c", "echo ready; read x; exit 6");
	wait_for_ready(&child);
	kill(child.pid, SIGHUP);
	cr_expect(exited(finish(&child), 6));
}

/* ---- Who was not recorded ---------------------------------------------------------------------
 */

Test(launch, a_static_program_and_one_without_our_environment_are_named_with_the_reason)
{
	cr_expect(exited(RUN("record", "-o", "t", "sh", "-c", "sleep 0.3 | " LAUNCH_STATIC), 0));
	cr_expect(exited(RUN("report", "t"), 0));
	cr_expect(strstr(out, "(unit-system-static: static)"), "%s", out);
	cr_expect(exited(RUN("record", "-o", "u", "sh", "-c", "env -u LD_PRELOAD sleep 0.5"), 0));
	cr_expect(exited(RUN("report", "u"), 0));
	cr_expect(strstr(out, "(sleep: lost environment)"), "%s", out);
}

Test(launch, a_child_too_short_to_be_looked_at_is_counted_and_a_recorded_one_is_not)
{
	cr_expect(exited(RUN("run", "sh", "-c", "exec " LAUNCH_STATIC), 0));
	cr_expect(strstr(err, "INCOMPLETE: 1 process not recorded"), "%s", err);
	cr_expect(exited(RUN("run", "sh", "-c", "true | true; (:); x=$(echo hi); (exec true)"), 0));
	cr_expect(strstr(err, "Complete.") && !strstr(err, "INCOMPLETE"), "%s", err);
}
