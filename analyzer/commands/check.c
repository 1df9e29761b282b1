/* SPDX-License-Identifier: MIT */
/* flocktrace check: verdicts on a trace, for CI. */
#include <stdlib.h>

#include "analyzer/commands/ci_options.h"
#include "analyzer/commands/ci_result.h"
#include "analyzer/commands/command.h"
#include "analyzer/commands/newest.h"
#include "analyzer/commands/program_options.h"
#include "analyzer/commands/report_file.h"

struct check {
	struct report_options report;
	struct ci_options ci;
	const char *const *traces;
	uint32_t trace_count;
};

static void help(void)
{
	printf("Usage: flocktrace check %s\n"
	       "Says whether a recording is good enough for a CI job to pass. Without TRACE: the "
	       "newest one.\nWithout --fail-on and limits: deadlock,incomplete. Ends with 0, or "
	       "with the status of the first\ncondition that is met, incomplete last.\n\n" //
	       CI_OPTIONS_HELP(
		       "deadlock (81), stuck (86), wait, hold (83), finding, finding:ID (84),\n    "
		       "                  incomplete (85)") SELECT_OPTIONS_HELP
	       "  -h, --help          show this\n",
	       command_check.arguments);
}

static int check(const struct check *check)
{
	struct trace_report *report;
	struct judgement judgement;
	FILE *junit;
	int code;

	if (!ci_open(&check->ci, &junit))
		return EXIT_TROUBLE;
	report = trace_report_read(check->traces, check->trace_count, &check->report);
	if (!report) {
		if (junit)
			fclose(junit);
		return EXIT_TROUBLE;
	}
	judgement = ci_conclude(&check->ci, report, junit, false);
	judgement_print(stdout, &judgement, false, "");
	fflush(stdout);
	code = judgement.code;
	if (code)
		print_next("report", (char *const *)check->traces);
	judgement_free(&judgement);
	trace_report_free(report);
	return code;
}

static int check_newest(struct check *options)
{
	char *trace = newest_trace();
	const char *traces[] = { trace, NULL };
	int code = EXIT_TROUBLE;

	options->traces = traces;
	options->trace_count = 1;
	if (trace)
		code = check(options);
	free(trace);
	return code;
}

static int options_done(struct check *options)
{
	struct criteria *criteria = &options->ci.criteria;
	int code = report_options_done("check", &options->report);

	if (!ci_is_wanted(&options->ci))
		criteria->wanted[CONDITION_DEADLOCK] = criteria->wanted[CONDITION_INCOMPLETE] =
			true;
	return code ? code : ci_options_done("check", &options->ci);
}

static int check_main(int argc, char **argv)
{
	static const struct option long_options[] = {
		CI_OPTIONS,
		SELECT_OPTIONS,
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct check options = { 0 };
	int option, code = 0;

	opterr = 0;
	optind = 1;
	while (!code && (option = getopt_long(argc, argv, ":h", long_options, NULL)) != -1) {
		switch (option) {
		case 'h':
			help();
			return 0;
		case ':':
			return usage_error("check", "%s needs a value", argv[optind - 1]);
		case '?':
			return usage_error("check", "unknown option %s", argv[optind - 1]);
		default:
			code = option < OPTION_NEXT
				       ? report_option("check", option, optarg, &options.report)
				       : ci_option("check", option, optarg, &options.ci);
		}
	}
	if (!code)
		code = options_done(&options);
	if (code)
		return code;
	options.traces = (const char *const *)argv + optind;
	options.trace_count = (uint32_t)(argc - optind);
	code = optind < argc ? check(&options) : check_newest(&options);
	suppressions_free(&options.report.suppressions);
	return code;
}

const struct command command_check = {
	.name = "check",
	.arguments = "[OPTION…] [TRACE…]",
	.summary = "tell a CI job whether there were deadlocks, long waits, lock mistakes",
	.main = check_main,
};
