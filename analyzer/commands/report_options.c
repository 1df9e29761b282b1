/* SPDX-License-Identifier: MIT */
#include "analyzer/commands/report_options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "analyzer/commands/command.h"
#include "analyzer/commands/moment.h"
#include "analyzer/commands/program_options.h"
#include "analyzer/names/names.h"

static int refuse_choice(const char *command, const char *what, const char *value, char *choices)
{
	int code = usage_error(command, "there is no %s '%s', but %s", what, value, choices);

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
static int filter_option(const char *command, int option, const char *value,
			 struct report_filter *filter)
{
	switch (option) {
	case OPTION_PATH:
		filter->path = value;
		return 0;
	case OPTION_PID:
		if (!parse_pid(value, &filter->pid))
			return usage_error(command, "--pid needs a process id, not '%s'", value);
		return 0;
	default:
		if (!parse_moment(value, option == OPTION_SINCE ? &filter->since : &filter->until))
			return usage_error(command,
					   "--%s needs seconds after the start or "
					   "YYYY-MM-DDTHH:MM:SS[Z], not '%s'",
					   option == OPTION_SINCE ? "since" : "until", value);
		return 0;
	}
}

/* How the table looks. 0: taken. */
static int view_option(const char *command, int option, const char *value,
		       struct report_options *options)
{
	options->table = true;
	if (option == OPTION_BY && !view_parse_by(value, &options->by))
		return refuse_choice(command, "view", value, view_choices_by());
	if (option == OPTION_SORT && !view_parse_sort(value, &options->view.sort))
		return refuse_choice(command, "key", value, view_choices_sort());
	return 0;
}

/* The usual columns are those of the view, so this comes after all options. 0: taken. */
static int choose_columns(const char *command, struct report_options *options)
{
	const char *list = options->columns;
	const char *wrong = list ? view_parse_columns(list, options->by, &options->view) : NULL;

	options->table |= list != NULL;
	return wrong ? refuse_choice(command, "column", wrong, view_choices_columns()) : 0;
}

/* So that a mistake in one of them is said before a program has run for an hour. */
static int check_files(struct report_options *options)
{
	static const struct catalog nothing;
	struct range_names *names = range_names_new(&nothing);
	char *trouble = options->names ? range_names_read(names, options->names) : NULL;

	range_names_free(names);
	if (!trouble && options->suppressions_file)
		trouble = suppressions_read(options->suppressions_file, &options->suppressions);
	if (!trouble)
		return 0;
	fprintf(stderr, "flocktrace: %s\n", trouble);
	free(trouble);
	return EXIT_TROUBLE;
}

int report_option(const char *command, int option, const char *value,
		  struct report_options *options)
{
	switch (option) {
	case OPTION_JSON:
		options->json = true;
		return 0;
	case OPTION_ALL:
		options->top = REPORT_ALL;
		return 0;
	case 'n':
		if (!parse_top(value, &options->top))
			return usage_error(command, "-n needs a number, not '%s'", value);
		return 0;
	case OPTION_STACKS:
		if (!view_parse_stacks(value, &options->stacks))
			return refuse_choice(command, "tree of stacks", value,
					     view_choices_stacks());
		return 0;
	case OPTION_BLAME:
		if (!view_parse_blame(value, &options->blame))
			return refuse_choice(command, "table of blame", value,
					     view_choices_blame());
		return 0;
	case OPTION_BY:
	case OPTION_SORT:
		return view_option(command, option, value, options);
	case OPTION_COLUMNS:
		options->columns = value;
		return 0;
	case OPTION_NAMES:
		options->names = value;
		return 0;
	case OPTION_SUPPRESSIONS:
		options->suppressions_file = value;
		return 0;
	default:
		return filter_option(command, option, value, &options->filter);
	}
}

int report_options_done(const char *command, struct report_options *options)
{
	int code = choose_columns(command, options);

	return code ? code : check_files(options);
}
