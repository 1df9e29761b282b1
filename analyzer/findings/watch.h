/* SPDX-License-Identifier: MIT */
/*
 * What those who look for mistakes share: who did what last, and where a finding goes. Private to
 * findings/.
 */
#ifndef ANALYZER_FINDINGS_WATCH_H
#define ANALYZER_FINDINGS_WATCH_H

#include <errno.h>

#include "analyzer/base/map.h"
#include "analyzer/base/vec.h"
#include "analyzer/findings/findings.h"
#include "analyzer/findings/habit.h"

/* One call of a thread: what may have ended a lock. */
struct act {
	struct finding_side by;
	uint32_t file;
	enum world world;
	enum mode mode; /* MODE_NONE: no lock call */
	bool closes;
	int32_t fd, last;
};

/* A request that a thread is inside of, or that it made last of all. */
struct asked {
	struct finding_side by;
	uint32_t file;
	enum world world;
	enum mode mode;
	uint64_t start, end;
};

struct seen_thread {
	uint32_t tid;
	struct act act; /* the last one */
	bool inside;	/* of a request that may block: */
	struct asked waiting;
	uint32_t queue; /* how many were inside of such requests for this file as it began, itself
			   too */
	bool tested;	/* its last request was a test that found nobody in the way: */
	struct asked test;
};

/* Failed tries in a row. */
struct series {
	struct asked first;
	uint64_t tries, last; /* 0: none; ns */
	struct finding_side holder;
};

#define SERIES_KEPT 8

/* How long a process has held its locks on a file. */
struct own_habit {
	uint32_t file;
	enum world world;
	struct habit habit;
};

/* A holder of locks on a file, as it was seen while others waited: asleep, with nothing to do. */
struct nap {
	uint32_t file;
	enum world world;
	uint64_t busy;	       /* ns: when it last did anything else; 0: never */
	uint64_t since, until; /* ns; since 0: it is not asleep */
};

#define HABITS_KEPT 16
#define NAPS_KEPT   16

struct seen_process {
	VEC(struct seen_thread) threads;
	uint32_t parent; /* NONE: not known */
	uint32_t last_thread;
	bool gone;	       /* has begun to exit, or is dead */
	bool exited;	       /* by itself */
	bool executes;	       /* another program than its parent */
	struct series *series; /* SERIES_KEPT, once there was one */
	VEC(struct own_habit) habits;
	VEC(struct nap) naps;
};

/* A request that was granted. */
struct grant {
	struct finding_side by; /* time: of the grant */
	uint64_t start, end;
};

/* Which kinds of locks a process has used on a file, and where first. */
struct user {
	uint32_t process;
	uint32_t root;		    /* itself, or who has called it with the descriptor open */
	bool uses[2], exclusive[2]; /* by world */
	struct finding_side side[2];
};

#define USERS_KEPT 16

struct seen_file {
	bool looked_at; /* all below is known */
	bool regular;
	const char *path; /* as last announced */
	uint32_t name;	  /* index */
	uint32_t waiting; /* requests under way that may block */
	uint32_t last_user;
	bool crowded; /* there were more users than are kept */
	VEC(struct user) users;
	struct finding_side linked;  /* who locked it last while it had a name */
	struct finding_side refused; /* whose try was the last to find it taken */
	uint64_t calls;		     /* that did not wait */
	struct habit habits[2];	     /* of all who lock it, by world */
	/* By world; shared, exclusive; the latest grants of two processes. */
	struct grant grants[2][2][2];
};

/* A lock that its owner lost, until it is clear whether it matters. */
struct lost {
	enum finding_id id;
	struct hold hold;
	struct finding_side dropped, taken_then;
};

/* A path without " (deleted)", and the file that was locked last under it. */
struct name {
	char *path;
	uint32_t file;
};

/* A lock on a file that has no name, until it is clear whether its owner looks for one that has. */
struct nameless {
	struct hold hold; /* as it was granted; released: 0 until it has ended */
	struct finding_side taken, linked;
};

/* Calls of one site that took long though they did not wait. */
struct slow {
	struct finding_side by; /* the slowest */
	uint32_t file;
	enum world world;
	uint64_t calls, longest;
};

struct findings_builder {
	const struct catalog *catalog;
	const struct model *model;
	struct event event; /* that the model is being told */
	struct act now;	    /* what it says of its thread */
	bool begun;	    /* there is one */
	VEC(struct seen_process) processes;
	VEC(struct seen_file) files;
	VEC(struct lost) lost;
	VEC(struct name) names;
	struct map name_map;
	VEC(struct nameless) nameless;
	VEC(struct slow) slow;
	struct map slow_map;
	VEC(struct hold) scratch;
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
struct seen_thread *watch_thread(struct findings_builder *builder, uint32_t process, uint32_t tid);
/* A hold of another process in the way of what is asked for; false: none is known. */
bool watch_in_the_way(struct findings_builder *builder, const struct asked *asked,
		      struct hold *hold);
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

static inline struct asked asked_by(const struct request *request)
{
	return (struct asked){
		.by = side_of_request(request),
		.file = request->file,
		.world = request->world,
		.mode = request->mode,
		.start = request->start,
		.end = request->end,
	};
}

static inline bool same_lock(const struct asked *a, const struct asked *b)
{
	return a->file == b->file && a->world == b->world && a->start == b->start &&
	       a->end == b->end;
}

/* A try that found the lock taken. */
static inline bool is_refused(const struct request *request)
{
	return !request->may_block && !request->query && request->file != NONE &&
	       (request->error == EAGAIN || request->error == EACCES);
}

/* Counts a finding; the one that it is counted for, valid until the next. */
struct finding *found(struct findings_builder *builder, enum finding_id id, uint32_t file,
		      enum world world, struct finding_side first, struct finding_side second,
		      struct finding_side third);

/* What it is about, this time. */
static inline void found_range(struct finding *finding, uint64_t start, uint64_t end)
{
	bool same = finding->count == 1 || (finding->start == start && finding->end == end);

	finding->several_ranges |= !same;
	finding->start = finding->several_ranges ? 0 : start;
	finding->end = finding->several_ranges ? 0 : end;
}

/* Locks that were lost: close-drops-lock, upgrade-lost-lock, upgrade-gap, unlocked-by-other. */
/* Each event, after the model has seen it. */
void lost_after(struct findings_builder *builder, const struct event *event);
void lost_hold(struct findings_builder *builder, const struct hold *hold);
void lost_request(struct findings_builder *builder, const struct request *request);

/* Who has locks: leaked-to-child, never-released. */
void owners_hold(struct findings_builder *builder, const struct hold *hold);
void owners_wait(struct findings_builder *builder, const struct wait *wait);

/* Which file is locked, and how: mixed-apis, unlinked-lock-file, replaced-lock-file,
 * excludes-nobody. */
void files_grant(struct findings_builder *builder, const struct request *request);
void files_hold(struct findings_builder *builder, const struct hold *hold);
void files_after(struct findings_builder *builder, const struct event *event);
void files_finish(struct findings_builder *builder);

/* Calls that don't wait: polling, test-then-lock, slow-nonblocking. */
void tries_request(struct findings_builder *builder, const struct request *request);
/* Before the process is forgotten. */
void tries_gone(struct findings_builder *builder, uint32_t process);
void tries_finish(struct findings_builder *builder);

/* Those who wait, or must not: edeadlk, spurious-edeadlk, starved-writer. */
void waits_request(struct findings_builder *builder, const struct request *request);
void waits_wait(struct findings_builder *builder, const struct wait *wait);

/* What was seen while it lasted: stuck-stopped, stuck-inherited. */
void stuck_event(struct findings_builder *builder, const struct event *event);

/* Holders who sleep: stuck-idle. */
void idle_event(struct findings_builder *builder, const struct event *event);
void idle_wait(struct findings_builder *builder, const struct wait *wait);
void idle_hold(struct findings_builder *builder, const struct hold *hold);

#endif
