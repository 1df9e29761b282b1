/* SPDX-License-Identifier: MIT */
/* What a grant tells of others: that they have ended what conflicts with it, or that it has ended
 * itself by the time that it is told. */
#ifndef ANALYZER_MODEL_EVICT_H
#define ANALYZER_MODEL_EVICT_H

#include "analyzer/model/last_words.h"
#include "analyzer/model/state.h"

/* Tells that a hold has ended at `time`. */
void hold_tell_end(struct model *model, const struct held *held, uint64_t time, enum hold_end how);
/* The same of one that another hold contradicts: its end was not seen. */
void hold_contradict(struct model *model, const struct held *held, struct unseen_end end);

/* Whether others may have had the lock since, because its owner gave it up again. */
bool grant_is_outdated(const struct lock_table *table, const struct flight *flight);
/* Ends what others held in the way of a grant at `time`. */
void table_evict(struct model *model, struct lock_table *table, const struct flight *flight,
		 uint64_t time);

#endif
