/* SPDX-License-Identifier: MIT */
/* The report builder, fed by hand with what a model finds. Times are ns since the trace began. */
#ifndef TESTS_UNIT_STATS_TOLD_H
#define TESTS_UNIT_STATS_TOLD_H

#include "analyzer/stats/builder.h"
#include "analyzer/stats/report.h"

/* A builder for each test; `model` tells it what happened. */
extern struct model_callbacks model;
/* waits_kept: how many of the longest, 0: all. */
void begin_report(uint32_t waits_kept);
void end_report(void);
/* Another one in the same test. */
void begin_again(uint32_t waits_kept);
const struct report *finish(void);

/* Exclusive, of /a, by a process whose thread and stack have its number. */
struct hold hold_of(uint32_t process, uint64_t start, uint64_t end);
/* It holds [0, 100) of /a in the time between. */
struct overlap overlap_of(uint32_t process, uint64_t from, uint64_t to);
/* Process 9 waits for [0, 100) of /a. */
void wait_between(uint64_t from, uint64_t to, const struct overlap *overlaps, uint32_t count);
/* For exclusive [start, end) of a file (0: /a, 1: /b); error 0: granted. */
void request(uint32_t file, uint64_t start, uint64_t end, int error);
void tell_event(const struct event *event);
/* Whom a report blames whose lock was taken there; NULL: nobody. */
const struct blame *blame_on(const struct report *report, uint32_t holder_stack);

/* The first suite of each file that includes this. */
#define STATS_SUITE(name)            \
	static void begin_test(void) \
	{                            \
		begin_report(0);     \
	}                            \
	TestSuite(name, .init = begin_test, .fini = end_report)

#endif
