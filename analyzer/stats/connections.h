/* SPDX-License-Identifier: MIT */
/*
 * Processes that take record locks of one file through several descriptors. Such locks of one
 * process never conflict, so a library that opens a file twice keeps its own users apart without
 * lock calls.
 */
#ifndef ANALYZER_STATS_CONNECTIONS_H
#define ANALYZER_STATS_CONNECTIONS_H

#include "analyzer/base/vec.h"
#include "analyzer/stats/report.h"

struct connection {
	uint32_t process, file;
	int32_t fd;
	uint32_t next; /* of the same process */
	bool several;
};

struct connections {
	VEC(struct connection) items;
	VEC(uint32_t) first; /* by process: its latest, NONE */
	VEC(struct several_descriptors) several;
};

void connections_event(struct connections *connections, const struct event *event);
void connections_free(struct connections *connections);

#endif
