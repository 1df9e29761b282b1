/* SPDX-License-Identifier: MIT */
/* A subcommand: one file each, one row in main.c. */
#ifndef ANALYZER_COMMANDS_COMMAND_H
#define ANALYZER_COMMANDS_COMMAND_H

/* Exit codes of flocktrace itself, as env(1) and timeout(1) have them. */
#define EXIT_TROUBLE	    125 /* flocktrace itself or its usage */
#define EXIT_CANNOT_EXECUTE 126
#define EXIT_NOT_FOUND	    127

struct command {
	const char *name;
	const char *arguments; /* for the usage line */
	const char *summary;
	int (*main)(int argc,
		    char **argv); /* argv[0] is the command's name; returns the exit status */
};

extern const struct command command_run, command_record, command_report, command_check,
	command_dump, command_doctor, command_who, command_top;

#endif
