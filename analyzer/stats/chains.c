/* SPDX-License-Identifier: MIT */
#include "analyzer/stats/chains.h"

#include <stdlib.h>

#include "analyzer/base/map.h"

__extension__ typedef unsigned __int128 wide;

static uint64_t part_of(uint64_t amount, uint64_t part, uint64_t whole)
{
	return (uint64_t)((wide)amount * part / whole);
}

static uint64_t *bucket(struct chains *chains, uint32_t process, uint32_t tid)
{
	return &chains->newest[hash_u64(process, tid) % CHAIN_BUCKETS];
}

static struct chain_wait *at(const struct chains *chains, uint64_t number)
{
	return &chains->ring[number % CHAINS_KEPT];
}

/* The wait of that number + 1, or NULL: there is none any more. */
static struct chain_wait *remembered(const struct chains *chains, uint64_t after)
{
	return after && after + CHAINS_KEPT > chains->count ? at(chains, after - 1) : NULL;
}

static void end_here(struct chains *chains, const struct hold *hold, bool direct, uint64_t ns)
{
	if (!ns)
		return;
	chains->root(chains->context, chains->top, hold, ns);
	if (direct)
		return;
	chains->now->ns += ns;
	if (ns <= chains->now->largest)
		return;
	chains->now->largest = ns;
	chains->now->root = *hold;
}

static uint64_t follow(struct chains *chains, const struct hold *holder, uint64_t from, uint64_t to,
		       uint64_t amount, unsigned depth);

/* Part of a share, which lies in [from, to), goes to those whom the holder waited for. */
static uint64_t pass_on(struct chains *chains, struct chain_wait *link, uint64_t from, uint64_t to,
			uint64_t amount, unsigned depth)
{
	uint64_t left = amount;

	chains->path[depth + 1] = link;
	for (uint32_t i = 0; i < link->wait.overlap_count; i++) {
		const struct overlap *overlap = &link->overlaps[i];
		uint64_t begin = overlap->begin > from ? overlap->begin : from;
		uint64_t end = overlap->end < to ? overlap->end : to, part;

		if (begin >= end || !link->shares[i])
			continue;
		part = part_of(part_of(amount, end - begin, to - from), link->shares[i],
			       overlap->end - overlap->begin);
		part = part < left ? part : left;
		if (part)
			left -= part - follow(chains, &overlap->hold, begin, end, part, depth + 1);
	}
	return amount - left;
}

static bool waits_already(const struct chains *chains, const struct hold *holder, unsigned depth)
{
	for (unsigned i = 0; i <= depth; i++)
		if (chains->path[i]->wait.process == holder->process &&
		    chains->path[i]->wait.tid == holder->tid)
			return true;
	return false;
}

/* What the direct holder waited for. */
static void note(struct chains *chains, const struct chain_wait *link, uint64_t passed)
{
	if (passed <= chains->now->noted)
		return;
	chains->now->noted = passed;
	chains->now->file = link->wait.file;
	chains->now->world = link->wait.world;
	chains->now->start = link->wait.start;
	chains->now->end = link->wait.end;
}

/*
 * Gives the share to whom it belongs; returns what it can't give to anybody, because it leads back
 * to who waits already. Only the thread that took a lock is known to be about to release it.
 */
static uint64_t follow(struct chains *chains, const struct hold *holder, uint64_t from, uint64_t to,
		       uint64_t amount, unsigned depth)
{
	uint64_t left = amount;
	struct chain_wait *link;

	if (holder->keeper == holder->process && depth < CHAIN_LONGEST)
		for (link = remembered(chains, *bucket(chains, holder->process, holder->tid)); link;
		     link = remembered(chains, link->older)) {
			uint64_t begin = from > link->wait.begin ? from : link->wait.begin;
			uint64_t end = to < link->wait.finish ? to : link->wait.finish;
			uint64_t part, passed;

			if (++chains->looks > CHAIN_LOOKS)
				break;
			if (link->wait.process != holder->process || link->wait.tid != holder->tid)
				continue;
			/* The older ones have finished before; but who gave up is told of late. */
			if (link->wait.finish <= from && !link->poll.gave_up)
				break;
			if (begin >= end || link->wait.at_most)
				continue;
			if (waits_already(chains, holder, depth))
				return left;
			part = part_of(amount, end - begin, to - from);
			passed =
				pass_on(chains, link, begin, end, part < left ? part : left, depth);
			if (!depth)
				note(chains, link, passed);
			left -= passed;
		}
	end_here(chains, holder, !depth, left);
	return 0;
}

static void forget_small(struct chain_wait *wait)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < wait->wait.overlap_count; i++) {
		if (wait->shares[i] < wait->parts.held / 64)
			continue;
		wait->overlaps[kept] = wait->overlaps[i];
		wait->shares[kept++] = wait->shares[i];
	}
	if (kept == wait->wait.overlap_count)
		return;
	wait->wait.overlap_count = kept;
	wait->overlaps = xrealloc(wait->overlaps, kept * sizeof(*wait->overlaps));
	wait->shares = xrealloc(wait->shares, kept * sizeof(*wait->shares));
	wait->wait.overlaps = wait->overlaps;
}

static void look_at_next(struct chains *chains)
{
	struct chain_wait *wait = at(chains, chains->looked_at++);

	chains->top = wait;
	chains->passed.count = 0;
	chains->overlaps -= wait->wait.overlap_count;
	chains->path[0] = wait;
	for (uint32_t i = 0; i < wait->wait.overlap_count; i++) {
		const struct overlap *overlap = &wait->overlaps[i];
		uint64_t left;

		vec_push(&chains->passed, (struct passed_on){ .file = NONE });
		chains->now = &chains->passed.items[i];
		chains->looks = 0;
		left = follow(chains, &overlap->hold, overlap->begin, overlap->end, wait->shares[i],
			      0);
		end_here(chains, &overlap->hold, true, left);
	}
	chains->done(chains->context, wait, chains->passed.items);
	forget_small(wait);
}

static void *copy(const void *items, size_t count, size_t size)
{
	void *copied = xcalloc(count, size);

	if (count)
		memcpy(copied, items, count * size);
	return copied;
}

void chains_add(struct chains *chains, const struct wait *wait, const struct poll *poll,
		const uint64_t *shares, uint32_t resource, const struct wait_parts *parts)
{
	uint64_t *newest = bucket(chains, wait->process, wait->tid);
	struct chain_wait *added;

	if (!chains->ring)
		chains->ring = xcalloc(CHAINS_KEPT, sizeof(*chains->ring));
	added = at(chains, chains->count++);
	free(added->overlaps);
	free(added->shares);
	*added = (struct chain_wait){
		.wait = *wait,
		.poll = *poll,
		.overlaps = copy(wait->overlaps, wait->overlap_count, sizeof(*wait->overlaps)),
		.shares = copy(shares, wait->overlap_count, sizeof(*shares)),
		.older = *newest,
		.resource = resource,
		.parts = *parts,
	};
	added->wait.overlaps = added->overlaps;
	*newest = chains->count;
	chains->overlaps += wait->overlap_count;
	while (chains->looked_at + CHAINS_DELAY < chains->count ||
	       (chains->overlaps > CHAINS_OVERLAPS && chains->looked_at < chains->count))
		look_at_next(chains);
}

uint64_t chains_waited(const struct chains *chains, uint32_t process, uint32_t tid, uint64_t from,
		       uint64_t to)
{
	uint64_t newest = chains->newest[hash_u64(process, tid) % CHAIN_BUCKETS], sum = 0;

	for (const struct chain_wait *link = remembered(chains, newest);
	     link && link->wait.finish > from; link = remembered(chains, link->older))
		if (link->wait.process == process && link->wait.tid == tid &&
		    link->wait.begin >= from && link->wait.finish <= to)
			sum += link->wait.finish - link->wait.begin;
	return sum;
}

void chains_finish(struct chains *chains)
{
	while (chains->looked_at < chains->count)
		look_at_next(chains);
}

void chains_free(struct chains *chains)
{
	for (uint32_t i = 0; chains->ring && i < CHAINS_KEPT; i++) {
		free(chains->ring[i].overlaps);
		free(chains->ring[i].shares);
	}
	free(chains->ring);
	vec_free(&chains->passed);
}
