/* SPDX-License-Identifier: MIT */
#include "analyzer/model/range_set.h"

#include "analyzer/base/vec.h"

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void insert(struct held_list *list, uint32_t at, struct held piece)
{
	vec_reserve(list, list->count + 1);
	memmove(&list->items[at + 1], &list->items[at], (list->count - at) * sizeof(*list->items));
	list->items[at] = piece;
	list->count++;
}

uint32_t set_first(const struct range_set *set, uint64_t start)
{
	uint32_t low = 0, high = set->pieces.count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (set->pieces.items[middle].hold.end > start)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* Takes [start, end) out of the piece at an index; returns how many pieces are left of it there. */
static uint32_t take(struct range_set *set, uint32_t at, uint64_t start, uint64_t end,
		     struct held_list *out)
{
	struct held *piece = &set->pieces.items[at];
	struct held taken = *piece, right = *piece;

	taken.hold.start = later(piece->hold.start, start);
	taken.hold.end = earlier(piece->hold.end, end);
	vec_push(out, taken);
	right.hold.start = taken.hold.end;
	if (piece->hold.start == taken.hold.start && piece->hold.end == taken.hold.end) {
		vec_remove(&set->pieces, at);
		return 0;
	}
	if (piece->hold.start == taken.hold.start) {
		piece->hold.start = taken.hold.end;
		return 1;
	}
	piece->hold.end = taken.hold.start;
	if (right.hold.start == right.hold.end)
		return 1;
	insert(&set->pieces, at + 1, right);
	return 2;
}

void set_cut(struct range_set *set, uint64_t start, uint64_t end, struct held_list *out)
{
	uint32_t at = set_first(set, start);

	while (start < end && at < set->pieces.count && set->pieces.items[at].hold.start < end)
		at += take(set, at, start, end, out);
}

void set_cut_other_modes(struct range_set *set, uint64_t start, uint64_t end, enum mode mode,
			 struct held_list *out)
{
	uint32_t at = set_first(set, start);

	while (start < end && at < set->pieces.count && set->pieces.items[at].hold.start < end) {
		if (set->pieces.items[at].hold.mode == mode)
			at++;
		else
			at += take(set, at, start, end, out);
	}
}

void set_fill(struct range_set *set, const struct held *like, uint64_t start, uint64_t end)
{
	uint32_t at = set_first(set, start);

	while (start < end) {
		bool free_of_others = at == set->pieces.count;
		uint64_t next = free_of_others ? end : set->pieces.items[at].hold.start;

		if (next > start) {
			struct held piece = *like;

			piece.hold.start = start;
			piece.hold.end = earlier(next, end);
			insert(&set->pieces, at++, piece);
		}
		if (free_of_others || next >= end)
			return;
		start = later(start, set->pieces.items[at++].hold.end);
	}
}
