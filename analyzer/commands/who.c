/* SPDX-License-Identifier: MIT */
/* flocktrace who: who holds and who waits for file locks on this machine, now. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyzer/commands/command.h"
#include "analyzer/commands/program_options.h"
#include "analyzer/commands/report_file.h"
#include "analyzer/now/now.h"
#include "analyzer/render/who.h"
#include "analyzer/system/process.h"

#define EXIT_NOBODY 1

enum { SORT = 256, STACK, JSON };

static void help(void)
{
	printf("Usage: flocktrace who %s\n"
	       "Tells who holds and who waits for file locks on this machine now: those of one "
	       "file, or those\nof one process, with those in its way and those it is in the way "
	       "of. Nothing needs to have been\nrecorded. Ends with 0 if there are any, with 1 if "
	       "there are none.\n\n"
	       "      --json      for programs; see flocktrace(1)\n"
	       "      --sort=KEY  file (default), asleep, command, pid\n"
	       "      --stack     the native stacks too. For that each thread is stopped for a "
	       "moment "
	       "(ptrace);\n"
	       "                  one that waits for a lock goes to the end of its queue\n"
	       "  -h, --help      show this\n",
	       command_who.arguments);
}

static int look(const struct now_wanted *wanted, const struct who_options *options, bool json)
{
	struct now now;
	int error = now_look(&now, wanted);
	bool any = now.holds.count || now.waits.count;

	if (error)
		fprintf(stderr, "flocktrace who: /proc/locks: %s\n", strerror(error));
	else if (json)
		who_json(stdout, &now, options);
	else
		who_text(stdout, &now, options);
	now_free(&now);
	return error ? EXIT_TROUBLE : any ? 0 : EXIT_NOBODY;
}

/* A number is a process; a file that is called like one is ./4711. */
static int parse_target(const char *word, struct now_wanted *wanted)
{
	struct process_stat stat;
	char *end;
	long pid = strtol(word, &end, 10);
	int error;

	if (!*end && end != word) {
		wanted->pid = pid > 0 && pid <= INT_MAX ? (pid_t)pid : 0;
		error = wanted->pid && process_stat(wanted->pid, &stat) ? 0 : ESRCH;
	} else {
		error = now_want_file(wanted, word);
	}
	if (error)
		fprintf(stderr, "flocktrace who: %s: %s\n", word, strerror(error));
	return error ? EXIT_TROUBLE : 0;
}

static int who_main(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "json", no_argument, NULL, JSON },
		{ "sort", required_argument, NULL, SORT },
		{ "stack", no_argument, NULL, STACK },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	char directory[PATH_MAX];
	struct who_options options = {
		.colour = wants_colour(stdout),
		.directory = getcwd(directory, sizeof(directory)),
	};
	struct now_wanted wanted = { 0 };
	bool json = false;
	int option, code;

	opterr = 0;
	optind = 1;
	while ((option = getopt_long(argc, argv, ":h", long_options, NULL)) != -1) {
		switch (option) {
		case JSON:
			json = true;
			break;
		case SORT:
			if (!who_sort_parse(optarg, &options.sort))
				return usage_error("who", "cannot sort by '%s'", optarg);
			break;
		case STACK:
			options.stacks = true;
			break;
		case 'h':
			help();
			return 0;
		case ':':
			return usage_error("who", "%s needs a value", argv[optind - 1]);
		case '?':
			return usage_error("who", "unknown option %s", argv[optind - 1]);
		}
	}
	if (argc - optind > 1)
		return usage_error("who", "one file or one process, not %d", argc - optind);
	code = optind < argc ? parse_target(argv[optind], &wanted) : 0;
	return code ? code : look(&wanted, &options, json);
}

const struct command command_who = {
	.name = "who",
	.arguments = "[OPTION…] [PATH|PID]",
	.summary = "tell who holds and who waits for file locks on this machine now",
	.main = who_main,
};
