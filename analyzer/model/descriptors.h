/* SPDX-License-Identifier: MIT */
/* Which open file description each fd of each process refers to. */
#ifndef ANALYZER_MODEL_DESCRIPTORS_H
#define ANALYZER_MODEL_DESCRIPTORS_H

#include "analyzer/model/state.h"

struct descriptor *descriptor_find(const struct descriptor_table *table, int32_t fd);
/* Index of the first descriptor with this number or a higher one. */
uint32_t descriptor_first(const struct descriptor_table *table, int32_t fd);

/*
 * The description behind a locked fd, known from now on. An fd that has become another file has
 * been closed unseen. `inherited`: it may have come from another process. NULL: there is no
 * telling.
 */
const struct descriptor *descriptor_locked(struct model *model, struct process *process, int32_t fd,
					   uint32_t file, bool inherited, uint64_t time);

/* Makes fd refer to a description; the caller has closed what it was before. */
void descriptor_open(struct model *model, struct process *process, int32_t fd, uint32_t description,
		     bool close_on_exec);
/*
 * Closes the one at this index. Holds of a description that nobody refers to any more go to
 * `stash`. The descriptor goes to `closed`, which pins its description; NULL: for good.
 */
void descriptor_close(struct model *model, struct process *process, uint32_t at, uint64_t time,
		      enum hold_end how, struct held_list *stash, struct descriptor_table *closed);

uint32_t description_new(struct model *model, uint32_t file);
void description_pin(struct model *model, uint32_t description);
void description_unpin(struct model *model, uint32_t description);
/* Two that turned out to be one: all that names `from` names `to` afterwards. */
void description_merge(struct model *model, uint32_t from, uint32_t to, uint64_t time);

/* All descriptors of a process become quiet: it has begun to exit. */
void descriptors_quiet(struct model *model, struct process *process);

/* fork: a copy for a child that has not spoken yet. */
void snapshot_take(struct model *model, struct process *process, uint32_t tid);
/* The child will not use it. */
void snapshot_drop(struct model *model, struct process *parent, uint32_t at, uint64_t time);
/* The child speaks and has it, as far as it has not opened other files since. */
void snapshot_claim(struct model *model, struct process *parent, uint32_t at, struct process *child,
		    uint64_t time);

#endif
