/* SPDX-License-Identifier: MIT */
/*
 * Blame, roots, processes, parts and waits are added up on ways of their own: that they agree is
 * looked at on every trace.
 */
#ifndef ANALYZER_STATS_BALANCE_H
#define ANALYZER_STATS_BALANCE_H

#include "analyzer/stats/report.h"

/* ns by which any of these sums differs from its waits: 0, or a mistake of flocktrace. */
uint64_t unbalanced(const struct report *report);

#endif
