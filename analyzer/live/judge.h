/* SPDX-License-Identifier: MIT */
/* How firm it is that a knot of a scene lasts. */
#ifndef ANALYZER_LIVE_JUDGE_H
#define ANALYZER_LIVE_JUDGE_H

#include "analyzer/live/scene.h"

/* Pipes and children alone are none of our business, and of those who aren't recorded too little is
 * known to tell. */
bool judge_is_ours(const struct scene *scene, const struct knot *knot);
/* May read /proc/locks. lost: records were lost. */
enum verdict judge_knot(const struct scene *scene, const struct knot *knot, bool lost);

#endif
