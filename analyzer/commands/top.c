/* SPDX-License-Identifier: MIT */
/* flocktrace top: what `who` tells, again and again, and what a session has recorded of it. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "analyzer/base/memory.h"
#include "analyzer/base/units.h"
#include "analyzer/commands/command.h"
#include "analyzer/commands/newest.h"
#include "analyzer/commands/program_options.h"
#include "analyzer/commands/report_options.h"
#include "analyzer/now/now.h"
#include "analyzer/render/screen.h"
#include "analyzer/render/who.h"

/* Each look stops all lock operations of the machine for a moment. */
#define SECONDS_LEAST 0.5
#define SECONDS_MOST  3600.0
#define SECONDS_USUAL 2.0
#define LOOK_SHARE    4 /* of the time, at most one part in so many goes to looking */

struct top {
	struct who_options who;
	double seconds;
	char *session; /* NULL: none */
	char *text;    /* of the last look */
	int64_t wall;
	uint64_t took; /* ns */
};

static volatile sig_atomic_t signal_number;

static void note_signal(int number)
{
	signal_number = number;
}

/* ---- One look */

/* What the report says of a file that can't be read goes where the report would be. */
static void print_session(FILE *out, const struct top *top)
{
	struct report_options options = { .top = 3 };
	FILE *own_stderr = stderr;

	fprintf(out, "\nRecorded in %s:\n", top->session);
	stderr = out;
	report_trace(out, top->session, &options);
	stderr = own_stderr;
}

static uint64_t clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* 0 or errno of /proc/locks. */
static int look(struct top *top)
{
	const struct now_wanted all = { 0 };
	uint64_t begin = clock_now();
	size_t length;
	FILE *out;
	struct now now;
	int error = now_look(&now, &all);

	free(top->text);
	top->text = NULL;
	out = open_memstream(&top->text, &length);
	if (!error && out) {
		top->wall = now.wall;
		who_text(out, &now, &top->who);
		if (top->session)
			print_session(out, top);
	}
	if (!out || fclose(out))
		error = ENOMEM;
	now_free(&now);
	top->took = clock_now() - begin;
	return error;
}

/* ---- The screen */

static void draw(const struct top *top, unsigned *from)
{
	char clock[UNITS_ROOM];
	char *title =
		xasprintf("flocktrace top   %s   every %g s, by %s", units_clock(clock, top->wall),
			  top->seconds, who_sort_name(top->who.sort));

	screen_draw(title, top->text, "q quit   s sort   space now   arrows scroll", from);
	free(title);
}

/* Until when the text is good. A dear look is taken less often. */
static uint64_t next_look(const struct top *top)
{
	uint64_t interval = (uint64_t)(top->seconds * 1e9);

	return clock_now() +
	       (top->took * LOOK_SHARE > interval ? top->took * LOOK_SHARE : interval);
}

static int wait_time(uint64_t until)
{
	uint64_t now = clock_now();

	return now < until ? (int)((until - now) / 1000000) + 1 : 0;
}

static void scroll(enum screen_key key, unsigned *from)
{
	unsigned page = screen_page();

	if (key == SCREEN_UP)
		*from -= *from > 0;
	else if (key == SCREEN_DOWN)
		++*from;
	else if (key == SCREEN_PAGE_UP)
		*from = *from > page ? *from - page : 0;
	else if (key == SCREEN_PAGE_DOWN)
		*from += page;
	else if (key == SCREEN_HOME)
		*from = 0;
}

static int live(struct top *top)
{
	enum screen_key key = SCREEN_NOTHING;
	unsigned from = 0;
	int error = look(top);
	uint64_t until = next_look(top);

	while (!error && !signal_number && key != SCREEN_QUIT) {
		draw(top, &from);
		key = screen_wait(wait_time(until));
		scroll(key, &from);
		if (key == SCREEN_SORT)
			top->who.sort = (enum who_sort)((top->who.sort + 1) % WHO_SORTS);
		if (key == SCREEN_SORT || key == SCREEN_REFRESH || !wait_time(until)) {
			error = look(top);
			until = next_look(top);
		}
	}
	return error;
}

/* Without SA_RESTART: they end the wait for a key. */
static void catch_signals(void)
{
	static const int ends[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT };
	struct sigaction action = { .sa_handler = note_signal };

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		sigaction(ends[i], &action, NULL);
}

static int trouble(const char *what, const char *reason)
{
	fprintf(stderr, "flocktrace top: %s: %s\n", what, reason);
	return EXIT_TROUBLE;
}

static int on_terminal(struct top *top)
{
	int error;

	catch_signals();
	if (!screen_open(top->who.colour))
		return trouble("TERM", "this terminal can't be drawn on");
	error = live(top);
	screen_close();
	if (signal_number) {
		signal(signal_number, SIG_DFL);
		raise(signal_number);
	}
	return error ? trouble("/proc/locks", strerror(error)) : 0;
}

static int once(struct top *top)
{
	int error = look(top);

	if (error)
		return trouble("/proc/locks", strerror(error));
	fputs(top->text, stdout);
	return 0;
}

/* ---- The command */

static void help(void)
{
	printf("Usage: flocktrace top %s\n"
	       "Shows what 'who' tells of the whole machine again and again, and below that what a "
	       "session has\nrecorded: who waited for how long, with stacks. Without SESSION: the "
	       "newest one of yours into\nwhich somebody records, if there is one. Where stdin or "
	       "stdout is no terminal it is shown once.\n\n"
	       "  -d, --delay SECONDS  between two looks (2; from 0.5 to 3600)\n"
	       "      --sort=KEY       file (default), asleep, command, pid\n"
	       "  -h, --help           show this\n\n"
	       "Keys: q ends, s changes the order, space looks now, arrows and pages scroll.\n",
	       command_top.arguments);
}

static bool parse_seconds(const char *text, double *seconds)
{
	char *end;

	*seconds = strtod(text, &end);
	return end != text && !*end && *seconds >= SECONDS_LEAST && *seconds <= SECONDS_MOST;
}

/* A session that is named must be one; the newest may well be none. */
static int find_session(struct top *top, const char *name)
{
	if (!name) {
		top->session = newest_live_session();
		return 0;
	}
	if (access(name, R_OK))
		return trouble(name, strerror(errno));
	top->session = xstrdup(name);
	return 0;
}

static int top_main(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "delay", required_argument, NULL, 'd' },
		{ "sort", required_argument, NULL, OPTION_SORT },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	char directory[PATH_MAX];
	struct top top = {
		.who = { .colour = wants_colour(stdout),
			 .directory = getcwd(directory, sizeof(directory)) },
		.seconds = SECONDS_USUAL,
	};
	int option, code;

	opterr = 0;
	optind = 1;
	while ((option = getopt_long(argc, argv, ":d:h", long_options, NULL)) != -1) {
		switch (option) {
		case 'd':
			if (!parse_seconds(optarg, &top.seconds))
				return usage_error("top", "-d takes 0.5 to 3600 seconds, not '%s'",
						   optarg);
			break;
		case OPTION_SORT:
			if (!who_sort_parse(optarg, &top.who.sort))
				return usage_error("top", "cannot sort by '%s'", optarg);
			break;
		case 'h':
			help();
			return 0;
		case ':':
			return usage_error("top", "%s needs a value", argv[optind - 1]);
		case '?':
			return usage_error("top", "unknown option %s", argv[optind - 1]);
		}
	}
	if (argc - optind > 1)
		return usage_error("top", "one session, not %d", argc - optind);
	code = find_session(&top, argv[optind]);
	if (!code)
		code = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) ? on_terminal(&top)
								     : once(&top);
	free(top.session);
	free(top.text);
	return code;
}

const struct command command_top = {
	.name = "top",
	.arguments = "[-d SECONDS] [--sort=KEY] [SESSION]",
	.summary = "show that again and again, with what a session has recorded of it",
	.main = top_main,
};
