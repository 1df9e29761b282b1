/* SPDX-License-Identifier: MIT */
/* What the parts of the text report share. */
#ifndef ANALYZER_RENDER_TEXT_H
#define ANALYZER_RENDER_TEXT_H

#include "analyzer/render/phrases.h"
#include "analyzer/render/render.h"
#include "analyzer/render/sites.h"
#include "analyzer/render/trust.h"
#include "analyzer/render/view.h"

struct text {
	FILE *out;
	const struct report *report;
	const struct findings *findings;   /* NULL: not looked for */
	const struct deadlocks *deadlocks; /* NULL: not looked for */
	const struct catalog *catalog;
	struct symbols *symbols;
	struct range_names *names; /* NULL: none are known */
	struct view view;
	enum stacks_view stacks_view;
	enum blame_view blame_view;
	unsigned top; /* 0: all */
	bool colour;
	const char *directory;	  /* paths are shown relative to it */
	struct scratch scratch;	  /* reset after each item */
	VEC(char *) stacks;	  /* printed so far, as text; the first is number 1 */
	uint64_t frames, unnamed; /* of the stacks printed: all, without a function */
};

/* The first three lines, without the third: verdict and culprit. */
void text_verdict(struct text *text);
void text_culprit(struct text *text);
/* These two where there is a deadlock. */
void text_deadlock_verdict(struct text *text);
void text_deadlock_culprit(struct text *text);
void text_deadlocks(struct text *text);
void text_refusals(struct text *text); /* nothing if there were none */
/* One of them while it lasts: the cycle in a line, then all who take part. */
void text_deadlock(struct text *text, uint32_t index);
void text_waits(struct text *text);
void text_resources(struct text *text);
void text_queues(struct text *text);
void text_blame(struct text *text);
void text_stack_views(struct text *text);
void text_errors(struct text *text);
void text_ioctls(struct text *text);
void text_coverage(struct text *text);

void text_findings(struct text *text);

#define TEXT_PAD "    "
/* Ends the line that leads to a stack, and prints it or says where it stands already. */
void text_stack(struct text *text, uint32_t stack);
static inline bool text_has_deadlocks(const struct text *text)
{
	return text->deadlocks && text->deadlocks->count;
}

/* Who is blamed, by the place where the lock was acquired, or by the program where that says more.
 * Belongs to the scratch. */
const char *text_holder(struct text *text, const struct blame *blame);
void text_heading(struct text *text, const char *heading);
/* How many of `count` items are shown. */
uint32_t text_shown(const struct text *text, uint32_t count);

#endif
