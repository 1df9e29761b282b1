/* SPDX-License-Identifier: MIT */
/*
 * What /proc tells of one moment, around waits that have lasted: the threads of all who hold, share
 * or wait, and what each of them waits for; as a graph.
 */
#ifndef ANALYZER_LIVE_SCENE_H
#define ANALYZER_LIVE_SCENE_H

#include "analyzer/base/map.h"
#include "analyzer/deadlock/graph.h"
#include "analyzer/live/files.h"
#include "analyzer/live/slots.h"
#include "analyzer/live/timers.h"
#include "analyzer/system/open_files.h"
#include "analyzer/system/task.h"

/* By agent of the graph, and by task. */
struct actor {
	enum verdict_wait waits_for;
	bool waits;
	uint32_t wait;	/* of `waits`; NONE: not for a lock */
	uint64_t since; /* ns: it has waited, and what it waits for has been held */
	pid_t other;	/* 0: any of several */
};

struct crowd {
	pid_t pid;
	uint32_t process; /* 0: not recorded */
	uint32_t first, count;
	bool doubtful; /* it has timers of which nobody knows whether they run */
};

/* A lock as the kernel has it, with the descriptors through which it can be released. */
struct held {
	struct open_lock lock; /* the first of them */
	VEC(struct open_lock) sharers;
};

struct known_peer {
	struct peer peer;
	pid_t pid; /* here */
};

struct scene {
	const struct slot_waits *waits;
	const struct timers *timers;
	const struct file_names *names;
	uint64_t now;
	VEC(struct known_peer) peers; /* by process */
	VEC(struct file_id) files;    /* by wait */
	struct open_files open;
	VEC(struct held) held;
	struct tasks tasks;
	VEC(struct actor) actors;
	VEC(struct crowd) crowds;
	struct map by_pid; /* into crowds */
	struct graph *graph;
};

/* Everything: processes, descriptors, threads, the graph. */
void scene_take(struct scene *scene, const struct slots *slots, const struct slot_waits *waits,
		const struct timers *timers, const struct file_names *names, live_find find,
		const void *context, uint64_t now);
/* Whether it tries again and again for a lock, and so runs now and then. */
bool scene_tries(const struct scene *scene, uint32_t agent);
/* Whether those agents that do not try have not run since, and nobody new shares the locks that
 * they wait for. */
bool scene_stands(const struct scene *scene, const uint32_t *agents, uint32_t count);
/* The session's number of a process here; 0: it isn't recorded. */
uint32_t scene_process(const struct scene *scene, pid_t pid);
/*
 * Lines that are equal tell of one lock, seen through several descriptors: two exclusive ones can't
 * be in one place, and record locks of a process have its pid. Where that isn't so the kernel is
 * asked. One lock with more sharers than it has is the careful error.
 */
bool held_is(const struct held *held, const struct open_lock *lock);
void scene_free(struct scene *scene);

#endif
