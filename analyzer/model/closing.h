/* SPDX-License-Identifier: MIT */
/* Calls that close descriptors, and take back what they did if they fail. */
#ifndef ANALYZER_MODEL_CLOSING_H
#define ANALYZER_MODEL_CLOSING_H

#include "analyzer/model/state.h"

/* Takes all POSIX locks that a process has on a file. */
void posix_take(struct model *model, struct process *process, uint32_t file, uint64_t time,
		enum hold_end how, struct held_list *stash);

/* Before CLOSE_FDS and DUP_FD; thread: index into process->threads, nothing unsettled on top. */
void close_begin(struct model *model, struct process *process, uint32_t thread,
		 const struct event *event);
void dup_begin(struct model *model, struct process *process, uint32_t thread,
	       const struct event *event);
/* After them. */
void close_end(struct model *model, struct process *process, uint32_t thread,
	       const struct event *event);

#endif
