/* SPDX-License-Identifier: MIT */
/* Calls in flight: which thread is inside of which calls, and what becomes of them. */
#ifndef ANALYZER_MODEL_FLIGHTS_H
#define ANALYZER_MODEL_FLIGHTS_H

#include "analyzer/model/state.h"

/* The thread of an event: an index into process->threads, valid until the next call. */
uint32_t thread_speaks(struct model *model, struct process *process, const struct event *event);

/* An empty flight, on no stack yet. */
struct flight *flight_new(struct model *model);
void flight_free(struct model *model, struct flight *flight);
/* Its owner is gone, or it has nothing more to do with it. */
void flight_disown(struct model *model, struct flight *flight);
/* Puts it on top of its thread's stack. */
void flight_push(struct process *process, uint32_t thread, struct flight *flight);

/* A new event of this thread: a call that could still have failed until now has not. */
void flights_settle(struct model *model, struct process *process, uint32_t thread);
/*
 * The call that a result belongs to, taken off the stack; NULL: its beginning is not known. Settles
 * those above it.
 */
struct flight *flights_match(struct model *model, struct process *process, uint32_t thread,
			     const struct event *result);
/*
 * No result will ever come: the process is dead, has another image, or the trace ends. `at_most`:
 * that was at `time` or before.
 */
void flights_stop(struct model *model, struct process *process, uint64_t time, enum outcome outcome,
		  bool at_most);

/* Tells that a request has ended. */
void flight_tell(struct model *model, const struct flight *flight, uint64_t duration, int error,
		 bool waited);
/* Its outcome will not be known: what it may have given up is given up. */
void flight_give_up(struct model *model, struct flight *flight);

/*
 * The flight begins to give up [start, end) of its owner's locks; what other threads of the owner
 * do there meanwhile is unknown. `shared`: it keeps a shared lock.
 */
void flight_weakens(struct model *model, struct flight *flight, uint32_t file, enum world world,
		    uint64_t start, uint64_t end, bool shared);
/* Before its grant counts: what of it other threads of its owner have made unknown. */
void flight_doubt(struct model *model, struct flight *flight, bool alone);

/* It is granted: others of its owner who wait there in another mode may have been before it. */
void flight_granted(struct model *model, const struct flight *flight, uint64_t time);

void flight_link(struct lock_table *table, struct flight *flight);
void flight_unlink(struct flight *flight);

#endif
