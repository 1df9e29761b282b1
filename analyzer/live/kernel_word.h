/* SPDX-License-Identifier: MIT */
#ifndef ANALYZER_LIVE_KERNEL_WORD_H
#define ANALYZER_LIVE_KERNEL_WORD_H

#include "analyzer/live/scene.h"

/*
 * Whether /proc/locks shows every wait for a lock in the knot. Reading it stops all lock calls of
 * the machine for that moment: once for a verdict, a few times where it may have left lines out,
 * never to look for one.
 */
bool kernel_shows(const struct scene *scene, const struct knot *knot);

#endif
