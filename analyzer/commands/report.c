/* SPDX-License-Identifier: MIT */
/* flocktrace report: the contention report of a trace or session. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyzer/commands/command.h"
#include "analyzer/commands/moment.h"
#include "analyzer/commands/newest.h"
#include "analyzer/commands/program_options.h"
#include "analyzer/commands/report_file.h"

static void help(void)
{
	printf("Usage: flocktrace report %s\n"
	       "Tells who waited for which file lock, how long, and who held it meanwhile. Without "
	       "TRACE:\nthe newest one.\n\n"
	       "      --json          the report for programs\n"
	       "  -n, --top N         so many waits and resources, 0: all (10; in JSON 1000 "
	       "waits)\n"
	       "      --all           all of them, also where nobody waited; the same as -n 0\n"
	       "      --by WHAT       the table is of each resource, site, process or command\n"
	       "      --sort KEY      its order: wait, wait-max, waited, acquired, failed-tries, "
	       "errors, held,\n"
	       "                      held-max\n"
	       "      --columns LIST  its columns; +LIST: these too\n"
	       "      --list-columns  the columns that there are\n"
	       "      --path PATTERN  only locks on files that match\n"
	       "      --pid PID       only what this process did, and waits for it\n"
	       "      --since TIME    only what was going on then or later: seconds after the "
	       "start, "
	       "or\n"
	       "                      YYYY-MM-DDTHH:MM:SS, with Z for UTC\n"
	       "      --until TIME    only what began before\n"
	       "      --names FILE    also these names for ranges of files\n"
	       "  -o, --output FILE   write it there instead of to stdout\n"
	       "  -h, --help          show this\n",
	       command_report.arguments);
}

static bool same_file(const char *a, const char *b)
{
	struct stat x, y;

	return !stat(a, &x) && !stat(b, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static int trouble(const char *name, const char *reason)
{
	fprintf(stderr, "flocktrace: %s: %s\n", name, reason);
	return EXIT_TROUBLE;
}

/* Opened only now that there is something to write. */
static int write_report(struct trace_report *report, const char *trace, const char *output)
{
	FILE *out = stdout;
	int failed;

	if (output && same_file(trace, output))
		return trouble(output, "is the trace itself");
	if (output)
		out = fopen(output, "we");
	if (!out)
		return trouble(output, strerror(errno));
	trace_report_write(report, out);
	errno = 0;
	failed = fflush(out) | ferror(out);
	if (output)
		failed |= fclose(out);
	if (failed)
		return trouble(output ? output : "stdout",
			       errno ? strerror(errno) : "could not be written");
	return 0;
}

static int report(const char *trace, const char *output, const struct report_options *options)
{
	struct trace_report *report = trace_report_read(trace, options);
	int code;

	if (!report)
		return EXIT_TROUBLE;
	code = write_report(report, trace, output);
	trace_report_free(report);
	if (!code && !output && !options->json && isatty(STDOUT_FILENO))
		print_next("dump", (char *[]){ (char *)trace, NULL });
	return code;
}

static int report_newest(const char *output, const struct report_options *options)
{
	char *trace = newest_trace();
	int code = trace ? report(trace, output, options) : EXIT_TROUBLE;

	free(trace);
	return code;
}

enum { JSON = 256, ALL, BY, SORT, COLUMN_LIST, LIST_COLUMNS, PATH, PID, SINCE, UNTIL, NAMES };

static int refuse_choice(const char *what, const char *value, char *choices)
{
	int code = usage_error("report", "there is no %s '%s', but %s", what, value, choices);

	free(choices);
	return code;
}

static bool parse_pid(const char *text, int32_t *pid)
{
	char *end;
	long number;

	if (*text < '1' || *text > '9')
		return false;
	errno = 0;
	number = strtol(text, &end, 10);
	*pid = (int32_t)number;
	return !errno && !*end && number <= INT32_MAX;
}

/* Which part of the trace. 0: taken. */
static int filter_option(int option, const char *value, struct report_filter *filter)
{
	switch (option) {
	case PATH:
		filter->path = value;
		return 0;
	case PID:
		if (!parse_pid(value, &filter->pid))
			return usage_error("report", "--pid needs a process id, not '%s'", value);
		return 0;
	default:
		if (!parse_moment(value, option == SINCE ? &filter->since : &filter->until))
			return usage_error("report",
					   "--%s needs seconds after the start or "
					   "YYYY-MM-DDTHH:MM:SS[Z], not '%s'",
					   option == SINCE ? "since" : "until", value);
		return 0;
	}
}

/* How the table looks. 0: taken. */
static int view_option(int option, const char *value, struct report_options *options)
{
	options->table = true;
	if (option == BY && !view_parse_by(value, &options->by))
		return refuse_choice("view", value, view_choices_by());
	if (option == SORT && !view_parse_sort(value, &options->view.sort))
		return refuse_choice("key", value, view_choices_sort());
	return 0;
}

/* After all options: the usual columns are those of the view. 0: taken. */
static int choose_columns(const char *list, struct report_options *options)
{
	const char *wrong = list ? view_parse_columns(list, options->by, &options->view) : NULL;

	options->table |= list != NULL;
	return wrong ? refuse_choice("column", wrong, view_choices_columns()) : 0;
}

static int report_main(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "json", no_argument, NULL, JSON },
		{ "all", no_argument, NULL, ALL },
		{ "top", required_argument, NULL, 'n' },
		{ "by", required_argument, NULL, BY },
		{ "sort", required_argument, NULL, SORT },
		{ "columns", required_argument, NULL, COLUMN_LIST },
		{ "list-columns", no_argument, NULL, LIST_COLUMNS },
		{ "path", required_argument, NULL, PATH },
		{ "pid", required_argument, NULL, PID },
		{ "since", required_argument, NULL, SINCE },
		{ "until", required_argument, NULL, UNTIL },
		{ "names", required_argument, NULL, NAMES },
		{ "output", required_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct report_options options = { 0 };
	const char *output = NULL, *columns = NULL;
	int option, code = 0;

	opterr = 0;
	optind = 1;
	while (!code && (option = getopt_long(argc, argv, ":n:o:h", long_options, NULL)) != -1) {
		switch (option) {
		case JSON:
			options.json = true;
			break;
		case ALL:
			options.top = REPORT_ALL;
			break;
		case 'n':
			if (!parse_top(optarg, &options.top))
				return usage_error("report", "-n needs a number, not '%s'", optarg);
			break;
		case BY:
		case SORT:
			code = view_option(option, optarg, &options);
			break;
		case COLUMN_LIST:
			columns = optarg;
			break;
		case LIST_COLUMNS:
			view_list_columns(stdout);
			return 0;
		case PATH:
		case PID:
		case SINCE:
		case UNTIL:
			code = filter_option(option, optarg, &options.filter);
			break;
		case NAMES:
			options.names = optarg;
			break;
		case 'o':
			output = optarg;
			break;
		case 'h':
			help();
			return 0;
		case ':':
			return usage_error("report", "%s needs a value", argv[optind - 1]);
		case '?':
			return usage_error("report", "unknown option %s", argv[optind - 1]);
		}
	}
	if (!code)
		code = choose_columns(columns, &options);
	if (code)
		return code;
	if (argc - optind > 1)
		return usage_error("report", "one TRACE at a time, not also '%s'",
				   argv[optind + 1]);
	if (optind < argc)
		return report(argv[optind], output, &options);
	return report_newest(output, &options);
}

const struct command command_report = {
	.name = "report",
	.arguments = "[OPTION…] [TRACE]",
	.summary = "tell who waited for which file lock, and for whom",
	.main = report_main,
};
