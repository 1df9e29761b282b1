/* SPDX-License-Identifier: MIT */
/* What `run` and `check` fail a CI job for, and where they say so. */
#ifndef ANALYZER_COMMANDS_CI_OPTIONS_H
#define ANALYZER_COMMANDS_CI_OPTIONS_H

#include <getopt.h>
#include <stdio.h>

#include "analyzer/commands/report_options.h"
#include "analyzer/render/judge.h"

enum ci_option {
	OPTION_FAIL_ON = OPTION_NEXT,
	OPTION_MAX_WAIT,
	OPTION_MAX_HOLD,
	OPTION_STUCK_AFTER,
	OPTION_JUNIT,
	OPTION_CI_NEXT /* the command's further ones */
};

/* Rows for getopt_long(). */
#define CI_OPTIONS                                                              \
	{ "fail-on", required_argument, NULL, OPTION_FAIL_ON },                 \
		{ "max-wait", required_argument, NULL, OPTION_MAX_WAIT },       \
		{ "max-hold", required_argument, NULL, OPTION_MAX_HOLD },       \
		{ "stuck-after", required_argument, NULL, OPTION_STUCK_AFTER }, \
	{                                                                       \
		"junit", required_argument, NULL, OPTION_JUNIT                  \
	}

/* `known`: the conditions that this command can judge. */
#define CI_OPTIONS_HELP(known)                                                                   \
	"      --fail-on LIST  end with a status of its own where one of these is met:\n"        \
	"                      " known "\n"                                                      \
	"      --max-wait TIME  no wait may be longer: 500ms, 10s, 2min; means --fail-on=wait\n" \
	"      --max-hold TIME  no lock may be held for longer; means --fail-on=hold\n"          \
	"      --stuck-after TIME  how long a deadlock that somebody could still end must last " \
	"(10s)\n"                                                                                \
	"      --junit FILE    also a JUnit test report of these conditions\n"

struct ci_options {
	struct criteria criteria;
	const char *junit; /* NULL: none */
};

/* As report_option(). */
int ci_option(const char *command, int option, const char *value, struct ci_options *options);
/* After the last one. 0, or the exit status after saying what is wrong. */
int ci_options_done(const char *command, struct ci_options *options);
bool ci_is_wanted(const struct ci_options *options);

/* The value of an option that is a time, ns. As report_option(). */
int take_duration(const char *command, const char *option, const char *value, uint64_t *ns);
/* "500ms", "10s", "2min", "1h", "2.5": seconds. False: none of them. */
bool parse_duration(const char *text, uint64_t *ns);

#endif
