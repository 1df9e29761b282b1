/* SPDX-License-Identifier: MIT */
/* What ends locks or passes them on: close, dup, fork, exec, exit, death. */
#ifndef ANALYZER_MODEL_LIFECYCLE_H
#define ANALYZER_MODEL_LIFECYCLE_H

#include "analyzer/model/state.h"

void lifecycle_born(struct model *model, const struct event *event);
void lifecycle_call(struct model *model, const struct event *event);
void lifecycle_call_result(struct model *model, const struct event *event);
void lifecycle_death(struct model *model, const struct event *event);

void process_free(struct model *model, struct process *process);

#endif
