/* SPDX-License-Identifier: MIT */
/* Which holds stood in the way of a blocking request, and for how long. */
#ifndef ANALYZER_MODEL_WAITS_H
#define ANALYZER_MODEL_WAITS_H

#include "analyzer/model/state.h"

/* A request begins: all that is held against it now is in its way. */
void waits_begin(struct lock_table *table, struct flight *flight);
/* The holds of one owner have changed at `time`; `how` says in which way those that went ended. */
void waits_changed(struct lock_table *table, uint32_t owner, uint64_t time, enum hold_end how);
/* The holds of a description that `gone` had are in the hands of another process now. */
void waits_handed_over(struct lock_table *table, uint32_t owner, uint32_t gone, uint32_t keeper,
		       uint64_t time);
/* Ends the wait, tells about it if it was one, and returns whether it was. */
bool waits_finish(struct model *model, struct flight *flight, uint64_t time, enum outcome outcome,
		  int error);
/* The same for a request that never ended, or, with `at_most`, has ended by `time` at the latest.
 */
void waits_stop(struct model *model, struct flight *flight, uint64_t time, enum outcome outcome,
		bool at_most);
/* When the last hold that was in the way had gone; 0: none was. */
uint64_t waits_last_blocked(const struct flight *flight);

#endif
