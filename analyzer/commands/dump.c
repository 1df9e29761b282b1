/* SPDX-License-Identifier: MIT */
#include "analyzer/commands/dump.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/commands/command.h"
#include "analyzer/commands/newest.h"

static const char help[] =
	"Usage: flocktrace dump [--raw | --calls] [TRACE]\n"
	"\n"
	"Prints one line per record of a trace or a session: position, seconds since the first\n"
	"record, process and thread, then what it says. Lock calls are written as strace would.\n"
	"Without TRACE the newest one is taken.\n"
	"\n"
	"      --raw    also every field of the header, the slots and the announcements, and all "
	"of\n"
	"               the slow ring\n"
	"      --calls  only the lock system calls, as strace prints them\n"
	"      --help   this text\n"
	"\n"
	"Exit status: 0, or 125 if the trace cannot be read.\n"
	"\n"
	"Example: flocktrace dump flocktrace.python3.4711.trace | grep -c SETLKW\n";

static int wrong_use(void)
{
	fputs("Try 'flocktrace dump --help'\n", stderr);
	return EXIT_TROUBLE;
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
	if (fflush(dump->out) || ferror(dump->out)) {
		fprintf(stderr, "flocktrace: standard output: %s\n", strerror(errno));
		return EXIT_TROUBLE;
	}
	return 0;
}

static int dump_main(int argc, char **argv)
{
	enum { OPTION_RAW = 256, OPTION_CALLS, OPTION_HELP };
	static const struct option options[] = {
		{ "raw", no_argument, NULL, OPTION_RAW },
		{ "calls", no_argument, NULL, OPTION_CALLS },
		{ "help", no_argument, NULL, OPTION_HELP },
		{ 0 },
	};
	struct dump dump = { .out = stdout };
	bool calls = false;
	char *newest = NULL;
	int option, status;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (option == OPTION_RAW) {
			dump.raw = true;
		} else if (option == OPTION_CALLS) {
			calls = true;
		} else if (option == OPTION_HELP || option == 'h') {
			fputs(help, stdout);
			return 0;
		} else {
			return wrong_use();
		}
	}
	if (argc - optind > 1) {
		fprintf(stderr, "flocktrace: dump takes one trace, not also %s\n",
			argv[optind + 1]);
		return wrong_use();
	}
	if (dump.raw && calls) {
		fputs("flocktrace: --raw and --calls exclude each other\n", stderr);
		return wrong_use();
	}
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
