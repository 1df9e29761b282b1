/* SPDX-License-Identifier: MIT */
/*
 * Who was at the root of a wait: a holder that itself waited for another lock passes its share on
 * to who held that one, and so on. A share is taken as spread evenly over its overlap; fractions of
 * a nanosecond, time in which nobody is known to have held, and what would lead back to a thread
 * that waits already (a deadlock) stay with the last holder known, as does what is left of a share
 * after CHAIN_LOOKS looks. So the shares add up as they did before.
 *
 * A wait is looked at once CHAINS_DELAY later ones have ended, because a holder's own wait may end
 * after it; the newest CHAINS_KEPT are remembered, so that memory stays bounded.
 */
#ifndef ANALYZER_STATS_CHAINS_H
#define ANALYZER_STATS_CHAINS_H

#include "analyzer/base/vec.h"
#include "analyzer/stats/polls.h"
#include "analyzer/stats/report.h"

#define CHAINS_KEPT	1024
#define CHAINS_DELAY	256
#define CHAINS_OVERLAPS 65536 /* of those not looked at yet: more are looked at earlier */
#define CHAIN_LONGEST	16    /* holders, one behind the other */
#define CHAIN_LOOKS	4096  /* pollers wait for many locks at once, so chains may branch */
#define CHAIN_BUCKETS	1024

/* What became of the share that one hold had of a wait. */
struct passed_on {
	uint64_t ns;	  /* passed on to others */
	uint64_t largest; /* the largest part of it, */
	struct hold root; /* and who has that */
	uint32_t file;	  /* what the direct holder waited for, */
	enum world world;
	uint64_t start, end;
	uint64_t noted; /* ns that were passed on because of that */
};

struct chain_wait {
	struct wait wait; /* its overlaps are a copy */
	struct poll poll;
	struct overlap *overlaps;
	uint64_t *shares; /* exclusive ns of each */
	uint64_t older;	  /* in the same bucket: number + 1, 0: none */
	uint32_t resource;
	struct wait_parts parts;
};

struct chains {
	void *context;
	/* A share, or a part of it, ends here. */
	void (*root)(void *context, const struct chain_wait *wait, const struct hold *hold,
		     uint64_t ns);
	/* All shares of a wait have: passed[i] belongs to overlap i. */
	void (*done)(void *context, const struct chain_wait *wait, const struct passed_on *passed);
	struct chain_wait *ring;
	uint64_t count, looked_at; /* numbers of waits so far */
	uint64_t overlaps;	   /* of those not looked at */
	uint64_t newest[CHAIN_BUCKETS];
	VEC(struct passed_on) passed;
	/* While one is looked at. */
	const struct chain_wait *top;
	const struct chain_wait *path[CHAIN_LONGEST + 1]; /* from it to the link that is followed */
	uint32_t looks;
	struct passed_on *now;
};

/* shares: exclusive ns of each overlap. Calls back for this wait or for earlier ones. */
void chains_add(struct chains *chains, const struct wait *wait, const struct poll *poll,
		const uint64_t *shares, uint32_t resource, const struct wait_parts *parts);
/* ns that this thread waited in [from, to), in whole waits that are remembered. */
uint64_t chains_waited(const struct chains *chains, uint32_t process, uint32_t tid, uint64_t from,
		       uint64_t to);
/* Calls back for all that are left. */
void chains_finish(struct chains *chains);
void chains_free(struct chains *chains);

#endif
