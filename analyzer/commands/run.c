/* SPDX-License-Identifier: MIT */
/* flocktrace run: a program, and the report after it. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "analyzer/base/memory.h"
#include "analyzer/commands/ci_live.h"
#include "analyzer/commands/ci_options.h"
#include "analyzer/commands/ci_result.h"
#include "analyzer/commands/command.h"
#include "analyzer/commands/notice.h"
#include "analyzer/commands/program_options.h"
#include "analyzer/commands/report_file.h"
#include "analyzer/commands/report_options.h"
#include "analyzer/commands/stuck.h"
#include "analyzer/commands/sweep.h"
#include "analyzer/launch/launcher.h"
#include "analyzer/launch/signals.h"

#define GRACE_USUAL UINT64_C(5000000000) /* ns */

struct run {
	const char *trace;  /* NULL: a file without a name */
	const char *output; /* of the report; NULL: stderr */
	bool output_is_new; /* the file is ours to take back */
	struct report_options report;
	struct ci_options ci;
	FILE *junit;	/* NULL: none */
	uint64_t grace; /* ns from SIGTERM to SIGKILL */
	char **argv;
	int fd;
	FILE *out;
	bool reported; /* early, because of a signal */
	pid_t program, reporter;
	struct notices notices;
};

/* The trace of a run that nobody asked to keep: gone with its last descriptor. */
static int open_unnamed(void)
{
	const char *directory = getenv("TMPDIR");
	char *template;
	int fd;

	if (!directory || !*directory)
		directory = "/tmp";
	fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0)
		return fd;
	template = xasprintf("%s/flocktrace.XXXXXX", directory);
	fd = mkostemp(template, O_CLOEXEC);
	if (fd >= 0)
		unlink(template);
	else
		fprintf(stderr, "flocktrace: %s: %s\n", directory, strerror(errno));
	free(template);
	return fd;
}

static int open_trace(void *context, pid_t program, const char **name)
{
	struct run *run = context;

	run->program = program;
	*name = run->trace ? run->trace : "temporary trace";
	return run->fd;
}

static void discard_trace(void *context)
{
	const struct run *run = context;

	if (run->trace)
		unlink(run->trace);
	if (run->output_is_new)
		unlink(run->output);
}

static struct trace_report *read_trace(const struct run *run)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", run->fd);
	return trace_report_read((const char *[]){ path }, 1, &run->report);
}

static void write_report(struct run *run, struct trace_report *report)
{
	/* A later report takes the place of an early one, where it can. */
	if (run->output && !fflush(run->out) && !ftruncate(fileno(run->out), 0))
		rewind(run->out);
	trace_report_write(report, run->out);
	if ((fflush(run->out) || ferror(run->out)) && run->output) /* the status is the program's */
		fprintf(stderr, "flocktrace: %s: the report could not be written\n", run->output);
	run->reported = true;
}

static void report(struct run *run)
{
	struct trace_report *report = read_trace(run);

	if (report)
		write_report(run, report);
	trace_report_free(report);
}

/* In a process of its own: looking names and lines up may take seconds, and the ring fills on. */
static void interrupted(void *context)
{
	struct run *run = context;

	fflush(NULL);
	run->reporter = fork();
	if (run->reporter <= 0)
		report(run);
	if (!run->reporter)
		_exit(0);
	run->reported = true;
}

static bool must_end(void *context, const struct live_verdict *verdicts, uint32_t count,
		     uint64_t now)
{
	struct run *run = context;
	char *reason = ci_reason_to_end(&run->ci.criteria, verdicts, count, now);

	run->ci.criteria.seen_live[CONDITION_DEADLOCK] = reason;
	return reason != NULL;
}

/* stderr is for a program to read, and ends with the report. */
static bool is_quiet(const struct run *run)
{
	return run->report.json && !run->output;
}

static void find_stuck(void *context, const struct pids *waiters, struct stuck_waits *found)
{
	const struct run *run = context;

	stuck_find(waiters, run->program, found);
}

static bool stuck(void *context, const struct stuck_wait *wait)
{
	struct run *run = context;

	if (run->ci.criteria.wanted[CONDITION_STUCK])
		run->ci.criteria.seen_live[CONDITION_STUCK] =
			xasprintf("%s: so the program was ended.", wait->sentence);
	else if (!is_quiet(run))
		stuck_say(wait);
	return run->ci.criteria.wanted[CONDITION_STUCK];
}

static void deadlock(void *context, const struct live_verdict *verdicts, uint32_t count)
{
	struct run *run = context;

	if (!is_quiet(run))
		notices_tell(&run->notices, run->fd, verdicts, count);
}

static void wait_for_reporter(const struct run *run)
{
	while (run->reporter > 0 && waitpid(run->reporter, NULL, 0) < 0 && errno == EINTR)
		;
}

/* What is in it stays until there is a report to put in its place. */
static FILE *open_output(struct run *run)
{
	int flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY;
	int fd = open(run->output, flags | O_EXCL, 0666);

	run->output_is_new = fd >= 0;
	if (fd < 0)
		fd = open(run->output, flags, 0666);
	return fd >= 0 ? fdopen(fd, "w") : NULL;
}

static bool open_files(struct run *run)
{
	run->out = stderr;
	if (!ci_open(&run->ci, &run->junit))
		return false;
	run->fd = run->trace ? create_new_file(run->trace) : open_unnamed();
	if (run->fd < 0)
		return false;
	if (!run->output)
		return true;
	run->out = open_output(run);
	if (run->out)
		return true;
	fprintf(stderr, "flocktrace: %s: %s\n", run->output, strerror(errno));
	discard_trace(run);
	return false;
}

static void say_next(const struct run *run)
{
	if (run->trace)
		print_next("report", (char *[]){ (char *)run->trace, NULL });
	else
		fputs("Next: flocktrace run --trace FILE … keeps what was recorded, for report and "
		      "dump\n",
		      stderr);
}

/* A job that fails is looked into later: its trace stays. */
static void keep_trace(struct run *run, pid_t program)
{
	char *name = default_trace_name(run->argv[0], program);
	int fd = create_new_file(name);

	if (fd >= 0 && copy_file(run->fd, fd)) {
		run->trace = name; /* for as long as we live */
		return;
	}
	if (fd >= 0) {
		fprintf(stderr, "flocktrace: %s: %s\n", name, strerror(errno));
		unlink(name);
	}
	free(name);
}

/* The report, the verdict; returns 0, or the status to end with instead of the program's. */
static int conclude(struct run *run)
{
	struct trace_report *report = read_trace(run);
	struct judgement judgement;
	int code;

	if (!report)
		return 0;
	if (!run->reported || run->trace)
		write_report(run, report);
	judgement = ci_conclude(&run->ci, report, run->junit, is_quiet(run));
	code = judgement.code;
	if (code && !run->trace)
		keep_trace(run, run->program);
	if (!is_quiet(run)) {
		judgement_print(stderr, &judgement, true, "flocktrace: ");
		say_next(run);
	}
	judgement_free(&judgement);
	trace_report_free(report);
	return code;
}

static int run_program(struct run *run)
{
	struct launch launch = {
		.argv = run->argv,
		.quiet = is_quiet(run),
		.open_trace = open_trace,
		.discard_trace = discard_trace,
		.interrupted = interrupted,
		.must_end = ci_is_wanted(&run->ci) ? must_end : NULL,
		.find_stuck = find_stuck,
		.stuck = stuck,
		.stuck_after = run->ci.criteria.stuck_after,
		.grace = run->grace,
		.deadlock = deadlock,
		.context = run,
	};
	int status, code = check_settings("run", is_quiet(run));

	if (code)
		return code;
	if (!open_files(run))
		return EXIT_TROUBLE;
	sweep_sessions();
	code = launch_program(&launch, &status);
	if (code)
		return code;
	wait_for_reporter(run);
	notices_end(&run->notices);
	code = conclude(run);
	if (code)
		return code;
	signals_exit_like(status);
}

static void help(void)
{
	printf("Usage: flocktrace run %s\n"
	       "Runs a program and reports afterwards who waited for which file lock, and for "
	       "whom. "
	       "Ends as the program does.\n\n"
	       "  -o, --output FILE   the report goes here instead of stderr\n"
	       "      --trace FILE    keep the trace; never overwritten\n" CI_OPTIONS_HELP(
		       "deadlock (81), stuck (86), wait, hold (83), finding, finding:ID (84),\n    "
		       "                  incomplete (85)") "      --grace TIME    what is ended "
							    "for a deadlock gets SIGTERM, and so "
							    "much later "
							    "SIGKILL (5s)\n" REPORT_OPTIONS_HELP
							    "  -h, --help          show this\n",
	       command_run.arguments);
}

static int run_main(int argc, char **argv)
{
	enum { TRACE = OPTION_CI_NEXT, GRACE };
	static const struct option options[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "trace", required_argument, NULL, TRACE },
		{ "grace", required_argument, NULL, GRACE },
		REPORT_OPTIONS,
		CI_OPTIONS,
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct run run = { .fd = -1, .grace = GRACE_USUAL };
	int option, code;

	opterr = 0;
	optind = 1;
	while ((option = getopt_long(argc, argv, "+:o:n:h", options, NULL)) != -1) {
		switch (option) {
		case 'o':
			run.output = optarg;
			break;
		case TRACE:
			run.trace = optarg;
			break;
		case GRACE:
			if (!parse_duration(optarg, &run.grace))
				return usage_error("run", "--grace needs a time, not '%s'", optarg);
			break;
		case 'h':
			help();
			return 0;
		case ':':
			return usage_error("run", "%s needs a value", argv[optind - 1]);
		case '?':
			return usage_error("run", "unknown option %s", argv[optind - 1]);
		default:
			if (option == OPTION_LIST_COLUMNS) {
				view_list_columns(stdout);
				return 0;
			}
			code = option < OPTION_NEXT
				       ? report_option("run", option, optarg, &run.report)
				       : ci_option("run", option, optarg, &run.ci);
			if (code)
				return code;
		}
	}
	code = report_options_done("run", &run.report);
	if (!code)
		code = ci_options_done("run", &run.ci);
	if (code)
		return code;
	if (optind == argc)
		return usage_error("run", "no program");
	run.argv = argv + optind;
	return run_program(&run);
}

const struct command command_run = {
	.name = "run",
	.arguments = "[OPTION…] [--] PROGRAM [ARG…]",
	.summary = "run a program and report who waited for which file lock",
	.main = run_main,
};
