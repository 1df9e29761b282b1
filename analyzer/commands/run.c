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
#include "analyzer/commands/command.h"
#include "analyzer/commands/program_options.h"
#include "analyzer/commands/report_file.h"
#include "analyzer/commands/report_options.h"
#include "analyzer/commands/sweep.h"
#include "analyzer/launch/launcher.h"
#include "analyzer/launch/signals.h"

struct run {
	const char *trace;  /* NULL: a file without a name */
	const char *output; /* of the report; NULL: stderr */
	bool output_is_new; /* the file is ours to take back */
	struct report_options report;
	char **argv;
	int fd;
	FILE *out;
	bool reported; /* early, because of a signal */
	pid_t reporter;
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

	(void)program;
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

static void report(struct run *run)
{
	char path[64];

	/* A later report takes the place of an early one, where it can. */
	if (run->output && !fflush(run->out) && !ftruncate(fileno(run->out), 0))
		rewind(run->out);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", run->fd);
	report_trace(run->out, path, &run->report);
	if ((fflush(run->out) || ferror(run->out)) && run->output) /* the status is the program's */
		fprintf(stderr, "flocktrace: %s: the report could not be written\n", run->output);
	run->reported = true;
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

static int run_program(struct run *run)
{
	struct launch launch = {
		.argv = run->argv,
		.quiet = run->report.json && !run->output,
		.open_trace = open_trace,
		.discard_trace = discard_trace,
		.interrupted = interrupted,
		.context = run,
	};
	int status, code = check_settings("run", run->report.json && !run->output);

	if (code)
		return code;
	if (!open_files(run))
		return EXIT_TROUBLE;
	sweep_sessions();
	code = launch_program(&launch, &status);
	if (code)
		return code;
	wait_for_reporter(run);
	if (!run->reported || run->trace)
		report(run);
	if (run->report.json && !run->output)
		; /* stderr is for a program to read, and ends with the report */
	else if (run->trace)
		print_next("report", (char *[]){ (char *)run->trace, NULL });
	else
		fputs("Next: flocktrace run --trace FILE … keeps what was recorded, for report and "
		      "dump\n",
		      stderr);
	signals_exit_like(status);
}

static void help(void)
{
	printf("Usage: flocktrace run %s\n"
	       "Runs a program and reports afterwards who waited for which file lock, and for "
	       "whom. "
	       "Ends as the program does.\n\n"
	       "  -o, --output FILE   the report goes here instead of stderr\n"
	       "      --trace FILE    keep the trace; never overwritten\n" REPORT_OPTIONS_HELP
	       "  -h, --help          show this\n",
	       command_run.arguments);
}

static int run_main(int argc, char **argv)
{
	enum { TRACE = OPTION_NEXT };
	static const struct option options[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "trace", required_argument, NULL, TRACE },
		REPORT_OPTIONS,
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct run run = { .fd = -1 };
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
			code = report_option("run", option, optarg, &run.report);
			if (code)
				return code;
		}
	}
	code = report_options_done("run", &run.report);
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
