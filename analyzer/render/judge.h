/* SPDX-License-Identifier: MIT */
/* Whether a recording is good enough for a CI job to pass, and why not. */
#ifndef ANALYZER_RENDER_JUDGE_H
#define ANALYZER_RENDER_JUDGE_H

#include "analyzer/render/render.h"

enum condition {
#define X(id, ...) CONDITION_##id,
#include "analyzer/render/conditions.def"
#undef X
	CONDITIONS
};

struct condition_kind {
	const char *name;
	int code; /* exit status */
	const char *taken_as;
};

/* By enum condition. */
extern const struct condition_kind condition_kinds[CONDITIONS];

/* What the user asked for. */
struct criteria {
	bool wanted[CONDITIONS];
	bool finding[FINDINGS];		   /* where not any */
	bool any_finding;		   /* whatever its weight */
	uint64_t max_wait, max_hold;	   /* ns; 0: none */
	uint64_t stuck_after;		   /* ns: how long what may still end by itself must last */
	const char *seen_live[CONDITIONS]; /* a reason known already; NULL: none */
};

struct judged {
	bool asked, met;
	char *reasons; /* one on each line; "" where not met */
};

struct judgement {
	struct judged of[CONDITIONS];
	int code;	/* exit status: of the first that is met; 0: none */
	char *subject;	/* the command, escaped; "" unknown */
	double seconds; /* that the recording took */
	int64_t begin;	/* wall clock, ns since 1970 */
};

/* What is rendered is what is judged: the same filter and suppressions. */
struct judgement judge(const struct report *report, const struct findings *findings,
		       const struct render_options *options, const struct criteria *criteria);
void judgement_free(struct judgement *judgement);

/* "FAIL deadlock: …" for each reason, "ok   incomplete" for what was asked and not met. */
void judgement_print(FILE *out, const struct judgement *judgement, bool failures_only,
		     const char *prefix);

#endif
