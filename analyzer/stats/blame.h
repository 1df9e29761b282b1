/* SPDX-License-Identifier: MIT */
/*
 * Who made whom wait. Each instant of a wait is divided among the holds in its way (exclusive), and
 * also charged in full to each of them (inclusive).
 */
#ifndef ANALYZER_STATS_BLAME_H
#define ANALYZER_STATS_BLAME_H

#include "analyzer/base/map.h"
#include "analyzer/base/vec.h"
#include "analyzer/stats/report.h"

struct blame_edge {
	uint64_t time;
	uint32_t overlap; /* index */
	bool enters;
};

struct blame_entry {
	struct blame blame;
	uint64_t longest; /* the overlap that its range comes from */
	uint64_t last;	  /* the wait that was counted last */
};

struct blames {
	VEC(struct blame_entry) entries;
	struct map map;
	uint64_t waits; /* so far: numbers them */
	/* Kept between waits to be used again. */
	VEC(struct blame_edge) edges;
	VEC(uint32_t) active;
	VEC(uint64_t) shares; /* exclusive ns of each overlap of the last wait */
};

/* Another wait begins: what is charged from now on belongs to it. */
void blames_next(struct blames *blames);
/* hold: NULL: nobody is known. hand_off: of exclusive. */
void blames_charge(struct blames *blames, const struct wait *wait, uint32_t resource,
		   const struct hold *hold, uint64_t exclusive, uint64_t inclusive,
		   uint64_t hand_off);

/* Charges one wait. `resource`: its entry. Returns where its time went. */
struct wait_parts blames_add(struct blames *blames, const struct wait *wait, uint32_t resource);
/* By exclusive time, largest first, resources renumbered. For the caller to free. */
struct blame *blames_finish(const struct blames *blames, const uint32_t *new_resource);
void blames_free(struct blames *blames);

#endif
