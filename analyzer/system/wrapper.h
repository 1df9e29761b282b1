/* SPDX-License-Identifier: MIT */
/* What nice, timeout, su and their like (wrappers.def) run, and what they change on the way. */
#ifndef ANALYZER_SYSTEM_WRAPPER_H
#define ANALYZER_SYSTEM_WRAPPER_H

#include <stdbool.h>

#include "analyzer/system/find_program.h"

struct wrapped {
	unsigned program; /* index of the word that it runs; the count of words: none is named */
	bool clears;	  /* LD_PRELOAD does not get through */
	bool other_user;  /* it runs as somebody else than us; false too where no such user is known
			   */
	const char *root; /* the root directory that it gets, one of the words; NULL: ours */
};

/* False: a program of that file name is no wrapper. words.items[0] is its own name as called. */
bool wrapper_runs(const char *name, const struct words *words, struct wrapped *wrapped);

#endif
