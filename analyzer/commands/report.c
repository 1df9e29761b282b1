/* SPDX-License-Identifier: MIT */
/* flocktrace report: the contention report of a trace or session. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyzer/commands/command.h"
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

static int report_main(int argc, char **argv)
{
	enum { JSON = 256, ALL, NAMES };
	static const struct option long_options[] = {
		{ "json", no_argument, NULL, JSON },
		{ "all", no_argument, NULL, ALL },
		{ "top", required_argument, NULL, 'n' },
		{ "output", required_argument, NULL, 'o' },
		{ "names", required_argument, NULL, NAMES },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct report_options options = { 0 };
	const char *output = NULL;
	int option;

	opterr = 0;
	optind = 1;
	while ((option = getopt_long(argc, argv, ":n:o:h", long_options, NULL)) != -1) {
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
	if (argc - optind > 1)
		return usage_error("report", "one TRACE at a time, not also '%s'",
				   argv[optind + 1]);
	if (optind < argc)
		return report(argv[optind], output, &options);
	return report_newest(output, &options);
}

const struct command command_report = {
	.name = "report",
	.arguments = "[--json] [-n N] [--all] [--names FILE] [-o FILE] [TRACE]",
	.summary = "tell who waited for which file lock, and for whom",
	.main = report_main,
};
