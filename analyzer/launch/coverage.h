/* SPDX-License-Identifier: MIT */
/*
 * Who takes part without being recorded: looks at the descendants of the program from outside, and
 * writes a RECORD_UNTRACED, once, for each that runs an image into which the recorder did not come.
 */
#ifndef ANALYZER_LAUNCH_COVERAGE_H
#define ANALYZER_LAUNCH_COVERAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "analyzer/base/vec.h"
#include "analyzer/launch/reaped.h"
#include "analyzer/launch/session.h"
#include "analyzer/launch/watch.h"

/* A process that we know of: the program, a descendant, or one that records. */
struct kin {
	pid_t pid, inner; /* inner: in its own namespace */
	uint64_t start_time, image;
	uint64_t forked_from; /* image of the parent: while it is the same, there was no exec */
	uint64_t since;	      /* when this image was first looked at, ns */
	bool settled;	      /* this image is recorded, or was named */
	bool named;
	const char *doubt; /* why it may not be recorded, if it stays silent; NULL: nothing yet */
	bool ours; /* the program, or seen as a child of one that is; a slot alone proves nothing */
	char *exe; /* NULL: not looked at yet */
};

struct coverage {
	struct session *session;
	struct watch *watch;
	struct reaped *reaped;
	const char *mark;    /* a text in the mappings of every recorded process */
	const char *preload; /* path that LD_PRELOAD should name; "" unknown */
	bool has_lists;
	VEC(struct kin) kin;
	uint32_t at; /* next to be looked at in this walk */
	bool changed;
	bool ending;		/* the launcher's: who ends now is ended by us */
	uint64_t program_start; /* clock ticks; 0: no program of ours */
	uint64_t walk_began, spent, next_walk, earliest, interval; /* ns */
};

/* root: the program's pid, 0: only processes that record are looked at. */
void coverage_begin(struct coverage *coverage, struct session *session, struct watch *watch,
		    struct reaped *reaped, const char *preload, pid_t root);

/* Looks at a few processes, if it is time; never for long. */
void coverage_step(struct coverage *coverage, uint64_t now);

/* Something happened among the processes: look again soon. */
void coverage_hurry(struct coverage *coverage);

/* The pid here of a process that has `inner` in its own namespace; 0: not known. */
pid_t coverage_find(const struct coverage *coverage, pid_t inner, uint64_t start_time);

/* The program has ended: those of its descendants that live on are looked for, wherever they are.
 */
void coverage_survivors(struct coverage *coverage);

/* Whether one of those has not announced itself so far; it may be about to. */
bool coverage_is_waiting(const struct coverage *coverage);

/* A last look; who lives and has not announced itself is named. */
void coverage_end(struct coverage *coverage);

#endif
