/* SPDX-License-Identifier: MIT */
#include "analyzer/stats/balance.h"

#include <stdlib.h>

#include "analyzer/base/memory.h"

static uint64_t difference(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

/* Of one kind of blame and the waits, for each resource. */
static uint64_t unbalanced_rows(const struct report *report, const struct blame *rows,
				uint32_t count)
{
	uint64_t *blamed = xcalloc(report->resource_count, sizeof(*blamed));
	uint64_t sum = 0;

	for (uint32_t i = 0; i < count; i++)
		blamed[rows[i].resource] += rows[i].exclusive;
	for (uint32_t i = 0; i < report->resource_count; i++)
		sum += difference(blamed[i], report->resources[i].wait.total);
	free(blamed);
	return sum;
}

uint64_t unbalanced(const struct report *report)
{
	uint64_t sum = difference(wait_parts_sum(&report->parts), report->wait_ns);
	uint64_t direct = 0, root = 0, waited = 0;

	for (uint32_t i = 0; i < report->resource_count; i++)
		sum += difference(wait_parts_sum(&report->resources[i].parts),
				  report->resources[i].wait.total);
	for (uint32_t i = 0; i < report->process_count; i++) {
		direct += report->processes[i].exclusive;
		root += report->processes[i].root;
		waited += report->processes[i].waited;
	}
	sum += difference(direct, report->parts.held) + difference(root, report->parts.held);
	sum += difference(waited, report->wait_ns);
	return sum + unbalanced_rows(report, report->blame, report->blame_count) +
	       unbalanced_rows(report, report->roots, report->root_count);
}
