/* SPDX-License-Identifier: MIT */
/* How far a report can be trusted: what the record lacks. */
#ifndef ANALYZER_RENDER_TRUST_H
#define ANALYZER_RENDER_TRUST_H

#include "analyzer/names/names.h"
#include "analyzer/render/scratch.h"
#include "analyzer/stats/report.h"

/* What is missing, in words: "3 processes not recorded (go-app: static); 12 records lost". ""
 * where the record is complete. */
const char *trust_missing(struct scratch *scratch, const struct report *report,
			  struct range_names *names);
/* How many processes lived on when the program had ended: what they did then is not recorded. */
uint32_t trust_still_running(const struct catalog *catalog);
/* The last part of a program's path. */
const char *trust_exe_name(const char *exe);

#endif
