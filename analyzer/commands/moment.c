/* SPDX-License-Identifier: MIT */
#include "analyzer/commands/moment.h"

#include <ctype.h>
#include <string.h>
#include <time.h>

#define NS_PER_S     INT64_C(1000000000)
#define MOST_SECONDS INT64_C(1000000000)

/* ".5" as ns; `at` is moved behind it. */
static int64_t fraction(const char **at)
{
	int64_t ns = 0, unit = NS_PER_S / 10;

	if (**at != '.')
		return 0;
	for (++*at; isdigit((unsigned char)**at); ++*at, unit /= 10)
		ns += (**at - '0') * unit;
	return ns;
}

static bool parse_seconds(const char *text, struct moment *moment)
{
	int64_t seconds = 0;

	if (!isdigit((unsigned char)*text))
		return false;
	for (; isdigit((unsigned char)*text); text++) {
		seconds = 10 * seconds + (*text - '0');
		if (seconds > MOST_SECONDS)
			return false;
	}
	*moment = (struct moment){ .given = true, .ns = seconds * NS_PER_S + fraction(&text) };
	return !*text;
}

static bool parse_wall(const char *text, struct moment *moment)
{
	struct tm tm = { .tm_isdst = -1 };
	const char *at = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	int64_t ns;
	time_t seconds;

	if (!at)
		at = strptime(text, "%Y-%m-%d %H:%M:%S", &tm);
	if (!at)
		return false;
	ns = fraction(&at);
	tm.tm_isdst = -1;
	seconds = *at == 'Z' ? timegm(&tm) : mktime(&tm);
	at += *at == 'Z';
	*moment = (struct moment){ .given = true, .wall = true, .ns = seconds * NS_PER_S + ns };
	return !*at;
}

bool parse_moment(const char *text, struct moment *moment)
{
	return parse_seconds(text, moment) || parse_wall(text, moment);
}
