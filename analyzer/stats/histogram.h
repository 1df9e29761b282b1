/* SPDX-License-Identifier: MIT */
/*
 * A log-linear histogram of times: 32 buckets per octave, so a quantile is at most 1.6 % off. Holds
 * only the span of buckets that were used. Zero-initialised is empty.
 */
#ifndef ANALYZER_STATS_HISTOGRAM_H
#define ANALYZER_STATS_HISTOGRAM_H

#include <stdint.h>

#include "analyzer/stats/report.h"

struct histogram {
	uint64_t *buckets; /* counts of bucket first .. first + span - 1 */
	uint32_t first, span;
	uint64_t count, total, min, max; /* exact */
};

void histogram_add(struct histogram *histogram, uint64_t value);
/* As if every value of `from` had been added to `into`. */
void histogram_merge(struct histogram *into, const struct histogram *from);
/*
 * The value below or at which `per_mille` of 1000 values lie; 0 of an empty histogram. The smallest
 * and the largest value are exact.
 */
uint64_t histogram_quantile(const struct histogram *histogram, unsigned per_mille);
struct distribution histogram_distribution(const struct histogram *histogram);
void histogram_free(struct histogram *histogram);

#endif
