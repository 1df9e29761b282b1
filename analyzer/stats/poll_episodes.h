/* SPDX-License-Identifier: MIT */
/* The episodes of tries that are open: what belongs to one, and when it is over. */
#ifndef ANALYZER_STATS_POLL_EPISODES_H
#define ANALYZER_STATS_POLL_EPISODES_H

#include "analyzer/stats/polls.h"

/* A new one, on the request's file. */
struct poll_episode *poll_open(struct polls *polls, const struct request *request);
void poll_forget(struct polls *polls, struct poll_episode *episode);

/* ns: when it is over, if nothing more comes. */
uint64_t poll_end(const struct poll_episode *episode);
bool poll_is_over(const struct poll_episode *episode, uint64_t now);
/* On the same file, and in the same world. */
bool poll_same_thread(const struct request *first, const struct request *request);
/* One of the bytes of a SQLite database that are locked one after another. */
bool poll_is_step(enum world world, uint64_t start, uint64_t end);
bool poll_is_stepwise(const struct poll_episode *episode);

static inline uint64_t end_of(const struct request *request)
{
	return request->begin + request->duration;
}

static inline bool same_range(const struct poll_wanted *wanted, const struct request *request)
{
	return wanted->start == request->start && wanted->end == request->end;
}

static inline bool covers(const struct request *request, const struct poll_wanted *wanted)
{
	return request->start <= wanted->start && wanted->end <= request->end;
}

static inline bool touches(const struct request *request, const struct poll_wanted *wanted)
{
	return request->start < wanted->end && wanted->start < request->end;
}

#endif
