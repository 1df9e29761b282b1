/* SPDX-License-Identifier: MIT */
/* When the processes and the run were seen, and how they ended: what goes into the catalog. */
#ifndef ANALYZER_READ_LIVES_H
#define ANALYZER_READ_LIVES_H

#include <stdbool.h>

#include "analyzer/read/intern.h"
#include "analyzer/read/raw.h"

struct lives {
	struct intern *intern;
	struct catalog *catalog;
	VEC(bool) over; /* by process index: a RECORD_DEATH was read */
};

/* Something happened at this time; process: index, or NONE. */
void lives_see(struct lives *lives, uint32_t process, uint64_t time);
/* What an event, made of this record, tells about its process. */
void lives_follow(struct lives *lives, const struct raw_record *record, const struct event *event);
/* A RECORD_RUN. */
void lives_run(struct lives *lives, const struct raw_record *record);
bool lives_is_over(const struct lives *lives, uint32_t process);
void lives_free(struct lives *lives);

#endif
