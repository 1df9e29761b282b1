/* SPDX-License-Identifier: MIT */
#include "analyzer/stats/poll_episodes.h"

#include <stdlib.h>

#define FIRST_PATIENCE UINT64_C(10000000000) /* ns: sleep(1) loops are common, slower ones rare */
#define PATIENCE       UINT64_C(1000000000)
#define GAPS_PATIENCE  10
/* SQLite's steps of one attempt follow each other at once. */
#define STEP UINT64_C(1000000) /* ns */
/* PENDING, RESERVED and SHARED of a SQLite database. */
#define SQLITE_BEGIN UINT64_C(0x40000000)
#define SQLITE_END   (SQLITE_BEGIN + 512)

bool poll_is_step(enum world world, uint64_t start, uint64_t end)
{
	return world == RECORD_LOCKS && start >= SQLITE_BEGIN && end <= SQLITE_END;
}

bool poll_is_stepwise(const struct poll_episode *episode)
{
	return poll_is_step(episode->first.world, episode->wanted[0].start, episode->wanted[0].end);
}

bool poll_same_thread(const struct request *first, const struct request *request)
{
	return first->process == request->process && first->tid == request->tid &&
	       first->file == request->file && first->world == request->world;
}

uint64_t poll_end(const struct poll_episode *episode)
{
	/* apt asks who has it after each try: such a pair is one. */
	uint64_t tries = episode->lock_tries ? episode->lock_tries : episode->wasted;
	uint64_t patience = FIRST_PATIENCE;

	if (episode->granted)
		return episode->granted + STEP;
	if (tries > 1) {
		patience = GAPS_PATIENCE * (episode->last - episode->first.begin) / (tries - 1);
		if (patience < PATIENCE)
			patience = PATIENCE;
	}
	return episode->last + patience;
}

bool poll_is_over(const struct poll_episode *episode, uint64_t now)
{
	return now > poll_end(episode);
}

struct poll_episode *polls_on(const struct polls *polls, uint32_t file)
{
	return file < polls->files.count ? polls->files.items[file] : NULL;
}

struct poll_episode *poll_open(struct polls *polls, const struct request *request)
{
	struct poll_episode *episode = xcalloc(1, sizeof(*episode));

	while (polls->files.count <= request->file)
		vec_push(&polls->files, NULL);
	episode->first = *request;
	episode->stride = 1;
	episode->next = polls->files.items[request->file];
	polls->files.items[request->file] = episode;
	episode->at = polls->open.count;
	vec_push(&polls->open, episode);
	return episode;
}

void poll_forget(struct polls *polls, struct poll_episode *episode)
{
	struct poll_episode **link = &polls->files.items[episode->first.file];
	struct poll_episode *last = polls->open.items[--polls->open.count];

	while (*link != episode)
		link = &(*link)->next;
	*link = episode->next;
	last->at = episode->at;
	polls->open.items[last->at] = last;
	vec_free(&episode->tries);
	vec_free(&episode->held);
	vec_free(&episode->maybe);
	vec_free(&episode->overlaps);
	free(episode);
}

static bool stands(const struct poll_episode *episode, uint64_t now)
{
	return !episode->granted && episode->lock_tries > 1 && !poll_is_over(episode, now);
}

static bool tries_for_one(const struct polls *polls, const struct poll_episode *episode,
			  uint64_t now)
{
	for (uint32_t i = 0; i < polls->open.count; i++) {
		const struct poll_episode *other = polls->open.items[i];

		if (other != episode && other->first.process == episode->first.process &&
		    other->first.tid == episode->first.tid && stands(other, now))
			return false;
	}
	return true;
}

void polls_standing(const struct polls *polls, uint64_t now,
		    void (*each)(void *context, const struct standing *standing), void *context)
{
	for (uint32_t i = 0; i < polls->open.count; i++) {
		const struct poll_episode *episode = polls->open.items[i];
		struct standing standing = {
			.process = episode->first.process,
			.tid = episode->first.tid,
			.file = episode->first.file,
			.stack = episode->first.stack,
			.op = episode->first.op,
			.world = episode->first.world,
			.ownership = episode->first.ownership,
			.mode = episode->wanted[0].mode,
			.start = episode->wanted[0].start,
			.end = episode->wanted[0].end,
			.begin = episode->first.begin,
			.tries = true,
		};

		if (polls->model && stands(episode, now) && tries_for_one(polls, episode, now))
			model_standing_try(polls->model, &standing, episode->first.fd, each,
					   context);
	}
}
