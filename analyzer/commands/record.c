/* SPDX-License-Identifier: MIT */
/* flocktrace record: a program, or a session that others record into, to a trace file. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyzer/base/memory.h"
#include "analyzer/commands/ci_options.h"
#include "analyzer/commands/command.h"
#include "analyzer/commands/notice.h"
#include "analyzer/commands/program_options.h"
#include "analyzer/commands/stuck.h"
#include "analyzer/commands/sweep.h"
#include "analyzer/launch/launcher.h"
#include "analyzer/launch/session.h"
#include "analyzer/launch/signals.h"

struct record {
	const char *output;  /* NULL: the default name */
	const char *attach;  /* a session's path or a pid; NULL: a program is started */
	const char *subject; /* goes into the default name */
	int attached_pid;
	pid_t program;	      /* 0: none of ours */
	uint64_t stuck_after; /* ns */
	struct notices notices;
	char *path; /* owned; NULL: nothing was made */
	int fd;
};

static int open_trace(void *context, pid_t program, const char **name)
{
	struct record *record = context;

	record->program = program;
	if (record->fd < 0) {
		record->path = default_trace_name(record->subject,
						  program ? program : record->attached_pid);
		record->fd = create_new_file(record->path);
		if (record->fd < 0) {
			free(record->path);
			record->path = NULL;
		}
	}
	*name = record->path;
	return record->fd;
}

static void deadlock(void *context, const struct live_verdict *verdicts, uint32_t count)
{
	struct record *record = context;

	notices_tell(&record->notices, record->fd, verdicts, count);
}

static void find_stuck(void *context, const struct pids *waiters, struct stuck_waits *found)
{
	const struct record *record = context;

	stuck_find(waiters, record->program, found);
}

static bool stuck(void *context, const struct stuck_wait *wait)
{
	(void)context;
	stuck_say(wait);
	return false;
}

static void discard_trace(void *context)
{
	struct record *record = context;

	if (record->path)
		unlink(record->path);
}

static int start(struct record *record)
{
	if (!record->output)
		return 0;
	record->fd = create_new_file(record->output);
	if (record->fd < 0)
		return EXIT_TROUBLE;
	record->path = xstrdup(record->output);
	return 0;
}

static int record_program(struct record *record, char **argv)
{
	struct launch launch = {
		.argv = argv,
		.open_trace = open_trace,
		.discard_trace = discard_trace,
		.deadlock = deadlock,
		.find_stuck = find_stuck,
		.stuck = stuck,
		.stuck_after = record->stuck_after,
		.context = record,
	};
	int status, code;

	record->subject = argv[0];
	code = check_settings("record", false);
	if (!code)
		code = start(record);
	if (code)
		return code;
	sweep_sessions();
	code = launch_program(&launch, &status);
	notices_end(&record->notices);
	if (code) {
		free(record->path);
		return code;
	}
	print_next("report", (char *[]){ record->path, NULL });
	free(record->path);
	signals_exit_like(status);
}

/* The session's path; NULL after saying why. */
static char *find_session(struct record *record)
{
	char *end, *error, *path;
	long pid = strtol(record->attach, &end, 10);

	if (*end || end == record->attach || pid <= 0 || pid > INT_MAX)
		return xstrdup(record->attach);
	path = session_of_process((int)pid, &error);
	if (!path) {
		fprintf(stderr, "flocktrace: %s\n", error);
		free(error);
	}
	record->attached_pid = (int)pid;
	return path;
}

static int record_session(struct record *record)
{
	struct launch launch = { .open_trace = open_trace,
				 .deadlock = deadlock,
				 .find_stuck = find_stuck,
				 .stuck = stuck,
				 .stuck_after = record->stuck_after,
				 .context = record };
	char *session = find_session(record);
	int code;

	if (!session)
		return EXIT_TROUBLE;
	record->subject = "session";
	if (!record->attached_pid)
		record->attached_pid = getpid();
	code = start(record);
	if (!code)
		code = launch_attached(&launch, session);
	notices_end(&record->notices);
	free(session);
	if (code)
		discard_trace(record);
	else
		print_next("report", (char *[]){ record->path, NULL });
	return code;
}

static void help(void)
{
	printf("Usage: flocktrace record %s\n"
	       "Records the file locks of a program and its children to a trace file, and ends as "
	       "the "
	       "program does.\n\n"
	       "  -o, --output FILE          the trace (flocktrace.PROGRAM.PID.trace); never "
	       "overwritten\n"
	       "  -a, --attach SESSION|PID   instead of a program: what others record into this "
	       "session, until\n"
	       "                             ^C or until the last of them has ended\n"
	       "      --stuck-after TIME     who has waited for so long for somebody who won't "
	       "release is told (10s)\n"
	       "  -h, --help                 show this\n",
	       command_record.arguments);
}

static int record_main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "attach", required_argument, NULL, 'a' },
		{ "stuck-after", required_argument, NULL, OPTION_STUCK_AFTER },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct record record = { .fd = -1, .stuck_after = STUCK_AFTER };
	int option, code;

	opterr = 0;
	optind = 1;
	while ((option = getopt_long(argc, argv, "+:o:a:h", options, NULL)) != -1) {
		switch (option) {
		case 'o':
			record.output = optarg;
			break;
		case 'a':
			record.attach = optarg;
			break;
		case OPTION_STUCK_AFTER:
			code = take_duration("record", "stuck-after", optarg, &record.stuck_after);
			if (code)
				return code;
			break;
		case 'h':
			help();
			return 0;
		case ':':
			return usage_error("record", "%s needs a value", argv[optind - 1]);
		case '?':
			return usage_error("record", "unknown option %s", argv[optind - 1]);
		}
	}
	if (record.attach && optind < argc)
		return usage_error("record", "--attach and a program exclude each other");
	if (record.attach)
		return record_session(&record);
	if (optind == argc)
		return usage_error("record", "no program");
	return record_program(&record, argv + optind);
}

const struct command command_record = {
	.name = "record",
	.arguments = "[-o FILE] [--] PROGRAM [ARG…]  |  [-o FILE] --attach SESSION|PID",
	.summary = "record a program's file locks to a trace file",
	.main = record_main,
};
