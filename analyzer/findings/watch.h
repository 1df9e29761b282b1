/* SPDX-License-Identifier: MIT */
/*
 * What those who look for mistakes share: who did what last, and where a finding goes. Private to
 * findings/.
 */
#ifndef ANALYZER_FINDINGS_WATCH_H
#define ANALYZER_FINDINGS_WATCH_H

#include "analyzer/base/map.h"
#include "analyzer/base/vec.h"
#include "analyzer/findings/findings.h"

/* One call of a thread: what may have ended a lock. */
struct act {
	struct finding_side by;
	uint32_t file;
	enum world world;
	enum mode mode; /* MODE_NONE: no lock call */
	bool closes;
	int32_t fd, last;
};

struct seen_thread {
	uint32_t tid;
	struct act act; /* the last one */
};

struct seen_process {
	VEC(struct seen_thread) threads;
	uint32_t parent; /* NONE: not known */
	uint32_t last_thread;
	bool gone; /* has begun to exit, or is dead */
};

/* A request that was granted. */
struct grant {
	struct finding_side by; /* time: of the grant */
	uint64_t start, end;
};

struct seen_file {
	/* By world; shared, exclusive; the latest grants of two processes. */
	struct grant grants[2][2][2];
};

/* A lock that its owner lost, until it is clear whether it matters. */
struct lost {
	enum finding_id id;
	struct hold hold;
	struct finding_side dropped, taken_then;
};

struct findings_builder {
	const struct catalog *catalog;
	struct event event; /* that the model is being told */
	struct act now;	    /* what it says of its thread */
	bool begun;	    /* there is one */
	VEC(struct seen_process) processes;
	VEC(struct seen_file) files;
	VEC(struct lost) lost;
	VEC(struct finding) found;
	struct map found_map;
	struct findings result;
};

static const struct finding_side nobody = { NONE, 0, NONE, 0 };

/* Shorter than that nobody went on with anything. */
#define WENT_ON_NS UINT64_C(10000000)

/* Each event, first of all. */
void watch_event(struct findings_builder *builder, const struct event *event);
/* Each grant, before anybody else looks at it. */
void watch_grant(struct findings_builder *builder, const struct request *request);
/* Who got a lock in conflict with the hold between these times; nobody: nobody that is remembered.
 */
struct finding_side watch_taken(struct findings_builder *builder, const struct hold *hold,
				uint64_t since, uint64_t until);
struct seen_process *watch_process(struct findings_builder *builder, uint32_t process);
struct seen_file *watch_file(struct findings_builder *builder, uint32_t file);
/* The call that ended a hold; NULL: nobody's that is known. During a hold callback. */
const struct act *watch_ender(struct findings_builder *builder, const struct hold *hold);
bool watch_descends(struct findings_builder *builder, uint32_t process, uint32_t from);

static inline struct finding_side side_of_hold(const struct hold *hold)
{
	return (struct finding_side){ hold->process, hold->tid, hold->stack, hold->granted };
}

static inline bool is_grant(const struct request *request)
{
	return !request->error && !request->query && request->file != NONE &&
	       (request->mode == MODE_SHARED || request->mode == MODE_EXCLUSIVE);
}

static inline struct finding_side side_of_request(const struct request *request)
{
	return (struct finding_side){ request->process, request->tid, request->stack,
				      request->begin };
}

/* Counts a finding; the one that it is counted for, valid until the next. */
struct finding *found(struct findings_builder *builder, enum finding_id id, uint32_t file,
		      enum world world, struct finding_side first, struct finding_side second,
		      struct finding_side third);

/* Locks that were lost: close-drops-lock, upgrade-lost-lock, upgrade-gap, unlocked-by-other. */
/* Each event, after the model has seen it. */
void lost_after(struct findings_builder *builder, const struct event *event);
void lost_hold(struct findings_builder *builder, const struct hold *hold);
void lost_request(struct findings_builder *builder, const struct request *request);

#endif
