/* SPDX-License-Identifier: MIT */
/* Who holds what of one file in one world, and how requests change that. */
#ifndef ANALYZER_MODEL_LOCK_TABLE_H
#define ANALYZER_MODEL_LOCK_TABLE_H

#include "analyzer/model/state.h"

/*
 * The kernel has granted the flight's request at `time`. Conflicting holds of others must have
 * ended; what the owner held of the range in the other mode ends; what is new begins.
 */
void table_grant(struct model *model, const struct flight *flight, uint64_t time);

/* Takes [start, end) from its owner into `stash`, for table_end() or table_restore(). */
void table_take(struct model *model, struct lock_table *table, uint32_t owner, uint64_t start,
		uint64_t end, uint64_t time, enum hold_end how, struct held_list *stash);
/* Tells that all that was stashed has ended, and empties the stash. */
void table_end(struct model *model, struct held_list *stash, uint64_t time, enum hold_end how);
/*
 * The call that took them has failed: they go on, except where a conflicting or newer hold has
 * appeared since. `taken`: when they were taken.
 */
void table_restore(struct model *model, struct held_list *stash, uint64_t taken);

/* Exclusive holds of the flight's owner in what it may give up count as shared while it is under
 * way. */
void table_weaken(struct model *model, struct lock_table *table, const struct flight *flight);
/* Nobody knows whether it took place: they are shared from then on. */
void table_stay_weakened(struct model *model, struct lock_table *table,
			 const struct flight *flight);
/* It has failed at `time`: they are exclusive again. */
void table_strengthen(struct model *model, struct lock_table *table, const struct flight *flight,
		      uint64_t time);

/* What this owner holds; NULL: nothing. */
struct range_set *table_set(struct lock_table *table, uint32_t owner);
/* An owner who holds nothing is in no table. */
void table_drop_if_empty(struct model *model, struct lock_table *table, struct range_set *set,
			 uint32_t file);
/* Gives all that `from` holds to `to`: they were one owner all the time. */
void table_merge_owners(struct model *model, struct lock_table *table, uint32_t from, uint32_t to,
			uint64_t time);

#endif
