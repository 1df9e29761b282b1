/* SPDX-License-Identifier: MIT */
/* Which part of a trace a report is about. The replay sees all of it. */
#ifndef ANALYZER_STATS_FILTER_H
#define ANALYZER_STATS_FILTER_H

#include "analyzer/stats/report.h"

/* Something on a file, of any of these processes, that lasted from begin to end. */
bool filter_wants(const struct report_filter *filter, const struct catalog *catalog, uint32_t file,
		  const uint32_t *processes, uint32_t count, uint64_t begin, uint64_t end);
bool filter_wants_request(const struct report_filter *filter, const struct catalog *catalog,
			  const struct request *request);
bool filter_wants_hold(const struct report_filter *filter, const struct catalog *catalog,
		       const struct hold *hold);
/* Of a process: whether it waited, or was waited for. */
bool filter_wants_wait(const struct report_filter *filter, const struct catalog *catalog,
		       const struct wait *wait);

#endif
