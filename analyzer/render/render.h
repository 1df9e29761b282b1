/* SPDX-License-Identifier: MIT */
/* A report for people and for programs. Both show the same struct report. */
#ifndef ANALYZER_RENDER_RENDER_H
#define ANALYZER_RENDER_RENDER_H

#include <stdbool.h>
#include <stdio.h>

#include "analyzer/deadlock/deadlock.h"
#include "analyzer/findings/findings.h"
#include "analyzer/names/names.h"
#include "analyzer/render/view.h"
#include "analyzer/stats/report.h"
#include "analyzer/symbols/symbols.h"

struct render_options {
	unsigned top; /* how many waits and resources to show, 0: all */
	bool colour;
	const char *directory; /* paths below it are shown relative to it; NULL: none */
	bool table;	       /* also where nobody waited */
	struct view view;
	enum stacks_view stacks;
	enum blame_view blame;
	struct range_names *names;	   /* of ranges; NULL: none are known */
	const struct deadlocks *deadlocks; /* NULL: nobody has looked for any */
};

/* findings: NULL, where nobody has looked for any. */
void render_text(FILE *out, const struct report *report, const struct findings *findings,
		 struct symbols *symbols, const struct render_options *options);
/* The deadlock at `index`, alone, as it is while it lasts. */
void render_deadlock(FILE *out, const struct report *report, uint32_t index,
		     struct symbols *symbols, const struct render_options *options);
void render_json(FILE *out, const struct report *report, const struct findings *findings,
		 struct symbols *symbols, const struct render_options *options);

#endif
