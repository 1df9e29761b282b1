/* SPDX-License-Identifier: MIT */
/* From a trace to its report; what `report` and `run` share. */
#ifndef ANALYZER_COMMANDS_REPORT_FILE_H
#define ANALYZER_COMMANDS_REPORT_FILE_H

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>

#include "analyzer/commands/suppressions.h"
#include "analyzer/deadlock/deadlock.h"
#include "analyzer/render/judge.h"
#include "analyzer/render/view.h"

#define REPORT_ALL UINT_MAX

struct report_options {
	bool json;
	/* How many waits and resources to show; 0: the usual number (in JSON: REPORT_WAITS waits
	 * and always all resources), REPORT_ALL: all. */
	unsigned top;
	enum view_by by;
	struct view view;
	enum stacks_view stacks;
	enum blame_view blame;
	bool table; /* asked for: also where nobody waited */
	struct report_filter filter;
	const char *columns; /* as the user has written them; NULL: the usual ones */
	const char *names;   /* file of names for ranges; NULL: only the known ones */
	const char *suppressions_file;
	struct suppressions suppressions;
	bool suppressions_only; /* instead of a report: the file that suppresses all findings */
};

struct trace_report;

/*
 * Reads session or trace files, several as one. NULL: one can't be read, or they don't go together,
 * and a line on stderr names it and the reason. Paths and options must outlive the report.
 */
struct trace_report *trace_report_read(const char *const *paths, uint32_t count,
				       const struct report_options *options);
/* Writes it, with colour if `out` is a terminal that wants it. */
void trace_report_write(struct trace_report *report, FILE *out);
/* The same as text, without colour; the caller frees it. */
char *trace_report_text(struct trace_report *report);
/* The caller frees it by judgement_free(). */
struct judgement trace_report_judge(struct trace_report *report, const struct criteria *criteria);
/* Writes those of its deadlocks that are wanted, each with all who take part. */
void trace_report_deadlocks(struct trace_report *report, FILE *out,
			    bool (*wanted)(const void *context, const struct catalog *catalog,
					   const struct deadlock *deadlock),
			    const void *context);
void trace_report_free(struct trace_report *report);

/* Whether colours may be written to it: a terminal, and the environment has nothing against it. */
bool wants_colour(FILE *out);

/* All of that. Returns 0, or EXIT_TROUBLE if the trace can't be read. */
int report_trace(FILE *out, const char *path, const struct report_options *options);

/* The number of -n: from 1; "0" means all. False: `text` is no such number. */
bool parse_top(const char *text, unsigned *top);

#endif
