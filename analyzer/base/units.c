/* SPDX-License-Identifier: MIT */
#include "analyzer/base/units.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#define NS_PER_S INT64_C(1000000000)

char *units_duration(char buffer[UNITS_ROOM], uint64_t ns)
{
	if (ns < 1000)
		snprintf(buffer, UNITS_ROOM, "%" PRIu64 " ns", ns);
	else if (ns < 999950)
		snprintf(buffer, UNITS_ROOM, ns < 9995 ? "%.2f us" : "%.1f us", (double)ns / 1e3);
	else if (ns < UINT64_C(999950000))
		snprintf(buffer, UNITS_ROOM, ns < 9995000 ? "%.2f ms" : "%.1f ms",
			 (double)ns / 1e6);
	else if (ns < UINT64_C(60000000000))
		snprintf(buffer, UNITS_ROOM, ns < UINT64_C(9999500000) ? "%.3f s" : "%.1f s",
			 (double)ns / 1e9);
	else if (ns < UINT64_C(3600000000000))
		snprintf(buffer, UNITS_ROOM, "%" PRIu64 " min %" PRIu64 " s",
			 ns / UINT64_C(60000000000), ns / UINT64_C(1000000000) % 60);
	else
		snprintf(buffer, UNITS_ROOM, "%" PRIu64 " h %" PRIu64 " min",
			 ns / UINT64_C(3600000000000), ns / UINT64_C(60000000000) % 60);
	return buffer;
}

char *units_range(char buffer[UNITS_ROOM], uint64_t start, uint64_t end)
{
	/* Past the last byte that a file can have. */
	if (end > INT64_MAX)
		snprintf(buffer, UNITS_ROOM, "[%" PRIu64 ", EOF)", start);
	else
		snprintf(buffer, UNITS_ROOM, "[%" PRIu64 ", %" PRIu64 ")", start, end);
	return buffer;
}

static void split(int64_t wall_ns, time_t *seconds, long *ns)
{
	*seconds = (time_t)(wall_ns / NS_PER_S);
	*ns = (long)(wall_ns % NS_PER_S);
	if (*ns < 0) {
		*ns += NS_PER_S;
		*seconds -= 1;
	}
}

char *units_iso(char buffer[UNITS_ROOM], int64_t wall_ns)
{
	time_t seconds;
	long ns;
	struct tm tm;
	size_t length;

	split(wall_ns, &seconds, &ns);
	if (!gmtime_r(&seconds, &tm)) {
		snprintf(buffer, UNITS_ROOM, "%" PRId64 " ns", wall_ns);
		return buffer;
	}
	length = strftime(buffer, UNITS_ROOM, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buffer + length, UNITS_ROOM - length, ".%06ldZ", ns / 1000);
	return buffer;
}

char *units_clock(char buffer[UNITS_ROOM], int64_t wall_ns)
{
	time_t seconds;
	long ns;
	struct tm tm;

	split(wall_ns, &seconds, &ns);
	if (!localtime_r(&seconds, &tm) || !strftime(buffer, UNITS_ROOM, "%H:%M:%S", &tm))
		snprintf(buffer, UNITS_ROOM, "?");
	return buffer;
}

char *units_count(char buffer[UNITS_ROOM], uint64_t count)
{
	char digits[24];
	int length = snprintf(digits, sizeof(digits), "%" PRIu64, count);
	char *at = buffer;

	for (int i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0)
			*at++ = ',';
		*at++ = digits[i];
	}
	*at = '\0';
	return buffer;
}

char *units_share(char buffer[UNITS_ROOM], uint64_t part, uint64_t whole)
{
	double percent = whole ? (double)part / (double)whole * 100 : 0;

	if (part && percent < 0.5)
		snprintf(buffer, UNITS_ROOM, "<1 %%");
	else if (percent >= 99 && percent < 99.9)
		snprintf(buffer, UNITS_ROOM, "99 %%");
	else
		snprintf(buffer, UNITS_ROOM, "%.0f %%", percent);
	return buffer;
}
