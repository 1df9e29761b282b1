/* SPDX-License-Identifier: MIT */
/* What one owner holds of one file in one world: disjoint pieces, ordered by start. */
#ifndef ANALYZER_MODEL_RANGE_SET_H
#define ANALYZER_MODEL_RANGE_SET_H

#include <stdbool.h>
#include <stdint.h>

#include "analyzer/model/model.h"

/*
 * A hold, or what is left of it: a split leaves copies that share id, time and stack. Neighbours of
 * the same mode are not merged as in the kernel, since each keeps its own acquisition.
 */
struct held {
	struct hold hold;
	uint32_t owner;
	int32_t taker;	   /* pid; 0: not known */
	uint16_t weakened; /* calls in flight that turn it from exclusive into shared */
	bool doubtful;	   /* another thread of its owner was giving the range up meanwhile */
};

struct held_list {
	struct held *items;
	uint32_t count, room;
};

struct range_set {
	uint32_t owner;
	bool writes; /* some piece is exclusive, or was */
	struct held_list pieces;
};

/* What the others may rely on: a hold that is being weakened counts as shared. */
static inline enum mode held_mode(const struct held *held)
{
	return held->weakened ? MODE_SHARED : held->hold.mode;
}

static inline bool held_conflicts(const struct held *held, enum mode mode)
{
	return mode == MODE_EXCLUSIVE || held_mode(held) == MODE_EXCLUSIVE;
}

/* Index of the first piece that ends after start; pieces.count if none does. */
uint32_t set_first(const struct range_set *set, uint64_t start);

/* Takes [start, end) out of the set and appends it to out, one piece for each that it came from. */
void set_cut(struct range_set *set, uint64_t start, uint64_t end, struct held_list *out);
/* The same, but leaves those that were granted in this mode. */
void set_cut_other_modes(struct range_set *set, uint64_t start, uint64_t end, enum mode mode,
			 struct held_list *out);
/* Makes copies of `like` fill what is free of [start, end). */
void set_fill(struct range_set *set, const struct held *like, uint64_t start, uint64_t end);

#endif
