/* SPDX-License-Identifier: MIT */
/* Errors of lock calls, counted by operation, errno, file and site. */
#ifndef ANALYZER_STATS_ERRORS_H
#define ANALYZER_STATS_ERRORS_H

#include "analyzer/base/map.h"
#include "analyzer/base/vec.h"
#include "analyzer/stats/report.h"

struct errors {
	VEC(struct report_error) items;
	struct map map;
};

/* Busy: somebody else has the lock. Both errors are allowed by POSIX, and both happen. */
bool is_conflict(const struct request *request);
void errors_add(struct errors *errors, const struct request *request);
/* By count, largest first. */
void errors_sort(struct errors *errors);
void errors_free(struct errors *errors);

#endif
