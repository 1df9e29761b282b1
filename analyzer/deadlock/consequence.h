/* SPDX-License-Identifier: MIT */
/* What the kernel will make of a knot, and to whose call. */
#ifndef ANALYZER_DEADLOCK_CONSEQUENCE_H
#define ANALYZER_DEADLOCK_CONSEQUENCE_H

#include "analyzer/deadlock/look.h"

/*
 * Refines deadlock->consequence: a hang that the kernel may yet end with EDEADLK, and whose timer
 * is the first. inside: by agent, whether it is in the knot or behind it. The graph is solved.
 */
void consequence_foresee(const struct look *look, const struct knot *knot, const bool *inside,
			 struct deadlock *deadlock);

#endif
