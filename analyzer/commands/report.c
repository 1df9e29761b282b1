/* SPDX-License-Identifier: MIT */
/* flocktrace report: the contention report of a trace or session. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyzer/commands/command.h"
#include "analyzer/commands/newest.h"
#include "analyzer/commands/program_options.h"
#include "analyzer/commands/report_file.h"
#include "analyzer/commands/report_options.h"

static void help(void)
{
	printf("Usage: flocktrace report %s\n"
	       "Tells who waited for which file lock, how long, and who held it meanwhile. Without "
	       "TRACE:\nthe newest one. Several that were recorded since one boot are reported on "
	       "as one.\n\n" REPORT_OPTIONS_HELP
	       "      --gen-suppressions  instead of a report: a file for --suppressions that has "
	       "all findings\n"
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
static int write_report(struct trace_report *report, const char *const *traces, uint32_t count,
			const char *output)
{
	FILE *out;
	int failed;

	if (!output) {
		trace_report_write(report, stdout);
		return 0;
	}
	for (uint32_t i = 0; i < count; i++)
		if (same_file(traces[i], output))
			return trouble(output, "is the trace itself");
	out = fopen(output, "we");
	if (!out)
		return trouble(output, strerror(errno));
	trace_report_write(report, out);
	errno = 0;
	failed = fflush(out) | ferror(out);
	failed |= fclose(out);
	return failed ? trouble(output, errno ? strerror(errno) : "could not be written") : 0;
}

static int report(const char *const *traces, uint32_t count, const char *output,
		  const struct report_options *options)
{
	struct trace_report *report = trace_report_read(traces, count, options);
	bool for_people = !options->json && !options->suppressions_only;
	int code;

	if (!report)
		return EXIT_TROUBLE;
	code = write_report(report, traces, count, output);
	trace_report_free(report);
	if (!code && !output && for_people && isatty(STDOUT_FILENO))
		print_next("dump", (char *[]){ (char *)traces[0], NULL });
	return code;
}

static int report_newest(const char *output, const struct report_options *options)
{
	char *trace = newest_trace();
	int code = trace ? report((const char *[]){ trace }, 1, output, options) : EXIT_TROUBLE;

	free(trace);
	return code;
}

enum { GEN_SUPPRESSIONS = OPTION_NEXT };

static int report_main(int argc, char **argv)
{
	static const struct option long_options[] = {
		REPORT_OPTIONS,
		{ "gen-suppressions", no_argument, NULL, GEN_SUPPRESSIONS },
		{ "output", required_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct report_options options = { 0 };
	const char *output = NULL;
	int option, code = 0;

	opterr = 0;
	optind = 1;
	while ((option = getopt_long(argc, argv, ":n:o:h", long_options, NULL)) != -1) {
		switch (option) {
		case GEN_SUPPRESSIONS:
			options.suppressions_only = true;
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
		default:
			if (option == OPTION_LIST_COLUMNS) {
				view_list_columns(stdout);
				return 0;
			}
			code = report_option("report", option, optarg, &options);
			if (code)
				return code;
		}
	}
	code = report_options_done("report", &options);
	if (code)
		return code;
	if (optind < argc)
		code = report((const char *const *)argv + optind, (uint32_t)(argc - optind), output,
			      &options);
	else
		code = report_newest(output, &options);
	suppressions_free(&options.suppressions);
	return code;
}

const struct command command_report = {
	.name = "report",
	.arguments = "[OPTION…] [TRACE…]",
	.summary = "tell who waited for which file lock, and for whom",
	.main = report_main,
};
