/* SPDX-License-Identifier: MIT */
/*
 * Lock mistakes that are in a program although nothing may have hung: events, and the holds and
 * requests that the model makes of them -> findings. Where it is not certain that something is a
 * mistake it is passed over.
 *
 * Times in ns. One thread; memory grows with files, sites and open locks, not with events.
 */
#ifndef ANALYZER_FINDINGS_FINDINGS_H
#define ANALYZER_FINDINGS_FINDINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "analyzer/event.h"
#include "analyzer/model/model.h"

enum finding_id {
#define X(id, ...) FINDING_##id,
#include "analyzer/findings/findings.def"
#undef X
	FINDINGS
};

/* By weight, the heaviest first. */
enum severity { SEVERITY_ERROR, SEVERITY_WARNING, SEVERITY_INFO };

#define FINDING_SIDES 3

struct finding_kind {
	const char *name;
	enum severity severity;
	const char *about, *sentence, *also, *remedy;
	const char *roles[FINDING_SIDES];
};

/* By enum finding_id. */
extern const struct finding_kind finding_kinds[FINDINGS];
const char *severity_name(enum severity severity);

/* Somebody who took part; process NONE: not known, or there was nobody. */
struct finding_side {
	uint32_t process, tid, stack;
	uint64_t time;
};

/* What was found at these sites of a file, so and so often. The rest is of its first time. */
struct finding {
	enum finding_id id;
	uint32_t file;
	enum world world;
	struct finding_side sides[FINDING_SIDES];
	uint64_t count;
	uint64_t number;     /* {n}: tries in a row, the most of all times; 0: none */
	int32_t outsider;    /* {o}: pid of a holder that is not recorded; 0: none */
	uint64_t duration;   /* {t}: ns, the longest of all times; 0: none */
	uint64_t start, end; /* what was locked, each time; end 0: not one range */
	bool several_ranges;
};

/* By severity, id, count (largest first), file, sites. */
struct findings {
	const struct finding *items;
	uint32_t count;
	uint32_t suppressed;		  /* further ones, that the user does not want to see: */
	uint32_t suppressed_of[FINDINGS]; /* by id */
	const char *suppressed_by;	  /* the file that says so */
};

struct findings_builder;

/* The catalog as it grows while events are read: must outlive the builder. */
struct findings_builder *findings_builder_new(const struct catalog *catalog);
/* What the model is to tell; it tells it during model_event(). */
struct model_callbacks findings_builder_callbacks(struct findings_builder *builder);
/* The model that tells, to be asked who holds what; before the first event. */
void findings_builder_model(struct findings_builder *builder, const struct model *model);
/* Each event, before model_event() sees it. */
void findings_builder_event(struct findings_builder *builder, const struct event *event);
/* After the last event. Valid until the builder is freed. */
const struct findings *findings_builder_finish(struct findings_builder *builder);
void findings_builder_free(struct findings_builder *builder);

#endif
