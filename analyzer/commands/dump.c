/* SPDX-License-Identifier: MIT */
#include "analyzer/commands/dump.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/commands/command.h"
#include "analyzer/commands/newest.h"
#include "analyzer/commands/program_options.h"

static void help(void)
{
	printf("Usage: flocktrace dump %s\n"
	       "Prints one line per record: position, seconds since the first record, process and "
	       "thread, then\nwhat it says. Lock calls are written as strace would. Without TRACE: "
	       "what report would take.\n\n"
	       "      --raw           also every field of the header, the slots and the "
	       "announcements,\n                      and all of the slow ring\n"
	       "      --calls         only the lock system calls, as strace prints them\n"
	       "  -h, --help          show this\n",
	       command_dump.arguments);
}

static void print_records(struct dump *dump)
{
	struct raw ring;

	if (dump->raw) {
		dump_header(dump);
		raw_open_slow(&ring, &dump->file);
		dump_ring(dump, &ring, "slow ");
		raw_close(&ring);
	}
	raw_open_ring(&ring, &dump->file);
	dump_ring(dump, &ring, "");
	raw_close(&ring);
	if (dump->raw)
		dump_slots(dump);
}

static int dump_file(struct dump *dump, const char *path, bool calls)
{
	const char *error;

	if (!trace_file_open(&dump->file, path, &error)) {
		fprintf(stderr, "flocktrace: %s: %s\n", path, error);
		return EXIT_TROUBLE;
	}
	if (calls)
		dump_calls(dump);
	else
		print_records(dump);
	intern_free(&dump->intern);
	trace_file_close(&dump->file);
	return 0;
}

static int dump_main(int argc, char **argv)
{
	enum { OPTION_RAW = 256, OPTION_CALLS };
	static const struct option options[] = {
		{ "raw", no_argument, NULL, OPTION_RAW },
		{ "calls", no_argument, NULL, OPTION_CALLS },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct dump dump = { .out = stdout };
	bool calls = false;
	char *newest = NULL;
	int option, status;

	opterr = 0;
	optind = 1;
	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (option) {
		case OPTION_RAW:
			dump.raw = true;
			break;
		case OPTION_CALLS:
			calls = true;
			break;
		case 'h':
			help();
			return 0;
		case '?':
			return usage_error("dump", "unknown option %s", argv[optind - 1]);
		}
	}
	if (argc - optind > 1)
		return usage_error("dump", "one TRACE at a time, not also '%s'", argv[optind + 1]);
	if (dump.raw && calls)
		return usage_error("dump", "--raw and --calls exclude each other");
	if (optind == argc && !(newest = newest_trace()))
		return EXIT_TROUBLE;
	status = dump_file(&dump, newest ? newest : argv[optind], calls);
	free(newest);
	return status;
}

const struct command command_dump = {
	.name = "dump",
	.arguments = "[--raw | --calls] [TRACE]",
	.summary = "one line per record",
	.main = dump_main,
};
