/* SPDX-License-Identifier: MIT */
/* The options of a report, for the commands that write one. */
#ifndef ANALYZER_COMMANDS_REPORT_OPTIONS_H
#define ANALYZER_COMMANDS_REPORT_OPTIONS_H

#include <getopt.h>

#include "analyzer/commands/report_file.h"

enum report_option {
	OPTION_JSON = 256,
	OPTION_ALL,
	OPTION_BY,
	OPTION_SORT,
	OPTION_BLAME,
	OPTION_STACKS,
	OPTION_COLUMNS,
	OPTION_LIST_COLUMNS, /* the command's own: prints them and ends */
	OPTION_PATH,
	OPTION_PID,
	OPTION_SINCE,
	OPTION_UNTIL,
	OPTION_NAMES,
	OPTION_SUPPRESSIONS,
	OPTION_NEXT /* the command's further ones */
};

/* What is reported on. */
#define SELECT_OPTIONS                                                       \
	{ "path", required_argument, NULL, OPTION_PATH },                    \
		{ "pid", required_argument, NULL, OPTION_PID },              \
		{ "since", required_argument, NULL, OPTION_SINCE },          \
		{ "until", required_argument, NULL, OPTION_UNTIL },          \
		{ "names", required_argument, NULL, OPTION_NAMES },          \
	{                                                                    \
		"suppressions", required_argument, NULL, OPTION_SUPPRESSIONS \
	}

/* Rows for getopt_long(), beside "n:" of the short ones. */
#define REPORT_OPTIONS                                                                        \
	{ "json", no_argument, NULL, OPTION_JSON }, { "all", no_argument, NULL, OPTION_ALL }, \
		{ "top", required_argument, NULL, 'n' },                                      \
		{ "by", required_argument, NULL, OPTION_BY },                                 \
		{ "sort", required_argument, NULL, OPTION_SORT },                             \
		{ "stacks", required_argument, NULL, OPTION_STACKS },                         \
		{ "blame", required_argument, NULL, OPTION_BLAME },                           \
		{ "columns", required_argument, NULL, OPTION_COLUMNS },                       \
		{ "list-columns", no_argument, NULL, OPTION_LIST_COLUMNS }, SELECT_OPTIONS

#define SELECT_OPTIONS_HELP                                                              \
	"      --path PATTERN  only locks on files that match\n"                         \
	"      --pid PID       only what this process did, and waits for it\n"           \
	"      --since TIME    only what was going on then or later: seconds after the " \
	"start, "                                                                        \
	"or\n"                                                                           \
	"                      YYYY-MM-DDTHH:MM:SS, with Z for UTC\n"                    \
	"      --until TIME    only what began before\n"                                 \
	"      --names FILE    also these names for ranges of files\n"                   \
	"      --suppressions FILE  findings that are counted, and not shown\n"

#define REPORT_OPTIONS_HELP                                                                        \
	"      --json          the report for programs\n"                                          \
	"  -n, --top N         so many waits and resources, 0: all (10; in JSON 1000 "             \
	"waits)\n"                                                                                 \
	"      --all           all of them, also where nobody waited; the same as -n 0\n"          \
	"      --by WHAT       the table is of each resource, site, process or command\n"          \
	"      --sort KEY      its order: wait, wait-max, waited, acquired, failed-tries, "        \
	"errors, held,\n"                                                                          \
	"                      held-max\n"                                                         \
	"      --blame WHAT    also a table of blame: by site, process or resource\n"              \
	"      --stacks WHICH  also the stacks as a tree, by time waited there, caused there, or " \
	"both\n"                                                                                   \
	"      --columns LIST  its columns; +LIST: these too\n"                                    \
	"      --list-columns  the columns that there are\n" SELECT_OPTIONS_HELP

/* One of them. 0: taken; else it was refused in one line: the exit status. `value` must outlive the
 * options. */
int report_option(const char *command, int option, const char *value,
		  struct report_options *options);
/* After the last one: reads the files that they name. As above. */
int report_options_done(const char *command, struct report_options *options);

#endif
