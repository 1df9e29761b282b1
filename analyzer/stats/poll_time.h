/* SPDX-License-Identifier: MIT */
/* Whose holds were in the way of somebody's tries, and how long nobody's was. */
#ifndef ANALYZER_STATS_POLL_TIME_H
#define ANALYZER_STATS_POLL_TIME_H

#include "analyzer/stats/polls.h"

/* So many are kept of one episode; of more tries every second one, fourth one, … */
#define POLL_TRIES_KEPT	   4096
#define POLL_OVERLAPS_KEPT 1024
#define POLL_SPANS_KEPT	   65536

/* What was in the way of the one was in the way of the other, which goes on for both. */
void poll_time_absorb(struct poll_episode *episode, const struct poll_episode *other);
/*
 * Fills in the overlaps of the wait, and how its time divides: in the way of known holds, free,
 * unknown. Valid until the episode is forgotten.
 */
void poll_time_divide(struct polls *polls, struct poll_episode *episode, struct wait *wait,
		      struct poll *poll);
/* The same for tries that a blocking call followed; whole: as long as both. */
void poll_time_prepend(struct polls *polls, struct poll_episode *episode, const struct wait *wait,
		       struct wait *whole, struct poll *poll);

#endif
