/* SPDX-License-Identifier: MIT */
/*
 * Resources that nobody wants to see one by one: files whose paths differ only in numbers, hashes
 * or uuids, and the ranges of a file that locks ever new ones.
 */
#ifndef ANALYZER_STATS_FOLDS_H
#define ANALYZER_STATS_FOLDS_H

#include "analyzer/stats/groups.h"
#include "analyzer/stats/resources.h"

/* So many files, or ranges of a file, become one line. */
#define FOLD_FILES  3
#define FOLD_RANGES 9

/*
 * Groups of at least two resources each. new_index: where each entry has gone in the report, whose
 * `resources` learn their `fold`: group + 1. `named`: these ranges have a meaning, and fold only
 * with the same of other files; NULL: none has.
 */
void folds_make(struct groups *folds, const struct resources *resources,
		const struct catalog *catalog, struct resource *finished, const uint32_t *new_index,
		bool (*named)(void *context, const struct resource *resource), void *context);

#endif
