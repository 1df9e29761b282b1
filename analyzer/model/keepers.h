/* SPDX-License-Identifier: MIT */
/* Who has the locks of a description now, where that is not who took them. */
#ifndef ANALYZER_MODEL_KEEPERS_H
#define ANALYZER_MODEL_KEEPERS_H

#include "analyzer/model/state.h"

/* The process has closed a descriptor of it, or has begun to exit: what it kept by that is somebody
 * else's now. */
void keeper_leaves(struct model *model, uint32_t process, uint32_t description);
/* One more has the description: what those who leave or are gone have kept by it is his, if he
 * stays. */
void keeper_stays(struct model *model, uint32_t description);

#endif
