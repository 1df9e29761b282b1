/* SPDX-License-Identifier: MIT */
/*
 * Locks whose last known descriptor is gone. A program that vfork or posix_spawn has started with
 * that descriptor, and that has not spoken yet, may have them still.
 */
#ifndef ANALYZER_MODEL_HEIRS_H
#define ANALYZER_MODEL_HEIRS_H

#include "analyzer/model/state.h"

/* The last known descriptor of these holds went at `time`; they count as ended. */
void heirs_leave(struct model *model, struct lock_table *table, const struct held *held,
		 uint32_t count, uint64_t time);
/* A lock of this mode has been granted on [start, end): what it conflicts with has no heir. */
void heirs_settle(struct lock_table *table, enum mode mode, uint64_t start, uint64_t end);
/* The hold with this id goes on, without any heir: the close has failed. */
void heirs_forget(struct lock_table *table, uint64_t id);
/*
 * An EVENT_KEPT: which of them this is. To `out` go holds of the same taker that go on in the heir
 * from the moment at which they counted as ended. That it is the same lock must be certain: the
 * kernel names the taker, or somebody has waited for it ever since. False: it is none, or it can't
 * be told which.
 */
bool heirs_find(struct model *model, struct lock_table *table, const struct event *event,
		struct held_list *out);

#endif
