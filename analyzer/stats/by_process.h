/* SPDX-License-Identifier: MIT */
/* Who waited, and who made others wait, by process. */
#ifndef ANALYZER_STATS_BY_PROCESS_H
#define ANALYZER_STATS_BY_PROCESS_H

#include "analyzer/base/vec.h"
#include "analyzer/stats/report.h"

struct by_process {
	VEC(struct process_blame) items; /* by the number of the process */
	struct process_blame nobody;
};

void by_process_waited(struct by_process *all, uint32_t process, uint64_t ns);
void by_process_blame(struct by_process *all, uint32_t process, uint64_t exclusive, uint64_t root);
/* Those who did either, in their order, for the caller to free. */
struct process_blame *by_process_finish(const struct by_process *all, uint32_t *count);
void by_process_free(struct by_process *all);

#endif
