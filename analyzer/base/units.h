/* SPDX-License-Identifier: MIT */
/* Times, ranges and sizes as people read them. Each writes into `buffer` and returns it. */
#ifndef ANALYZER_BASE_UNITS_H
#define ANALYZER_BASE_UNITS_H

#include <stddef.h>
#include <stdint.h>

#define UNITS_ROOM 64 /* enough for any of these */

/* "812 ns", "3.41 us", "12.7 ms", "1.203 s", "2 min 3 s", "1 h 2 min": three or four digits. */
char *units_duration(char buffer[UNITS_ROOM], uint64_t ns);
/* "[0, 100)", "[100, EOF)". */
char *units_range(char buffer[UNITS_ROOM], uint64_t start, uint64_t end);
/* ISO 8601 in UTC with microseconds: "2026-03-01T03:12:07.123456Z". ns since 1970. */
char *units_iso(char buffer[UNITS_ROOM], int64_t wall_ns);
/* "03:12:07", local time of day. */
char *units_clock(char buffer[UNITS_ROOM], int64_t wall_ns);
/* "1,204". */
char *units_count(char buffer[UNITS_ROOM], uint64_t count);
/* "97 %", "<1 %"; "100 %" from 99.9 % on. `whole` 0: "0 %". */
char *units_share(char buffer[UNITS_ROOM], uint64_t part, uint64_t whole);

#endif
