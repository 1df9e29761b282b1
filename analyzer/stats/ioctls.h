/* SPDX-License-Identifier: MIT */
/* ioctl calls by request and file, as far as they were recorded. */
#ifndef ANALYZER_STATS_IOCTLS_H
#define ANALYZER_STATS_IOCTLS_H

#include "analyzer/base/map.h"
#include "analyzer/base/vec.h"
#include "analyzer/stats/histogram.h"
#include "analyzer/stats/report.h"

/* Requests are any numbers, and files come without end: beyond so many they share one line. */
#define IOCTLS_KEPT 4096

struct ioctl_entry {
	struct report_ioctl counts;
	struct histogram time;
	uint64_t begun, ended;
};

struct ioctls {
	VEC(struct ioctl_entry) entries;
	struct map map;
	VEC(struct report_ioctl) list;
};

/* filter: NULL: all. */
void ioctls_event(struct ioctls *ioctls, const struct event *event,
		  const struct report_filter *filter, const struct catalog *catalog);
/* By total time, largest first; valid until the ioctls are freed. */
struct report_ioctl *ioctls_finish(struct ioctls *ioctls, uint32_t *count);
void ioctls_free(struct ioctls *ioctls);

#endif
