/* SPDX-License-Identifier: MIT */
/* Moments as users name them. */
#ifndef ANALYZER_COMMANDS_MOMENT_H
#define ANALYZER_COMMANDS_MOMENT_H

#include "analyzer/stats/report.h"

/*
 * "2.5": seconds after the start. "2026-03-01T03:12:07", also with a blank for the T, a fraction of
 * the second, and Z for UTC: wall clock, local without Z. False: neither.
 */
bool parse_moment(const char *text, struct moment *moment);

#endif
