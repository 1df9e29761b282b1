/* SPDX-License-Identifier: MIT */
/* flocktrace COMMAND: the table of commands. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "analyzer/commands/command.h"
#include "config.h"
#include "trace/format.h"

static const struct command *const commands[] = {
	&command_run,  &command_record, &command_report, &command_check,
	&command_dump, &command_doctor, &command_who,	 &command_top,
};

#define COMMANDS (sizeof(commands) / sizeof(*commands))

static void help(void)
{
	puts("Usage: flocktrace COMMAND [OPTIONS] …\n"
	     "Who holds that file lock, and why does my job hang?\n\nCommands:");
	for (size_t i = 0; i < COMMANDS; i++)
		printf("  %-8s %s\n           flocktrace %s %s\n", commands[i]->name,
		       commands[i]->summary, commands[i]->name, commands[i]->arguments);
	puts("\nOptions:\n"
	     "  --help     show this\n"
	     "  --version  show the versions of the program and of the trace format\n\n"
	     "flocktrace COMMAND --help tells more about one command.");
}

static int version(void)
{
	printf("flocktrace %s (trace format %d)\n", FLOCKTRACE_VERSION, FORMAT_VERSION);
	return 0;
}

static int run_command(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : NULL;

	if (!word) {
		fputs("flocktrace: no command; try 'flocktrace --help'\n", stderr);
		return EXIT_TROUBLE;
	}
	if (!strcmp(word, "--version") || !strcmp(word, "-V"))
		return version();
	if (!strcmp(word, "--help") || !strcmp(word, "-h")) {
		help();
		return 0;
	}
	for (size_t i = 0; i < COMMANDS; i++) {
		if (!strcmp(word, commands[i]->name))
			return commands[i]->main(argc - 1, argv + 1);
	}
	fprintf(stderr, "flocktrace: unknown %s '%s'; try 'flocktrace --help'\n",
		*word == '-' ? "option" : "command", word);
	return EXIT_TROUBLE;
}

/* What could not be written to stdout is no success, whichever command it was. */
int main(int argc, char **argv)
{
	int code = run_command(argc, argv);

	errno = 0;
	if (!fflush(stdout) && !ferror(stdout))
		return code;
	fprintf(stderr, "flocktrace: stdout: %s\n",
		errno ? strerror(errno) : "could not be written");
	return EXIT_TROUBLE;
}
