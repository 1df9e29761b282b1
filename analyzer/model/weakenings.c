/* SPDX-License-Identifier: MIT */
#include "analyzer/model/weakenings.h"

static bool is_by(const struct weakening *one, const struct flight *flight)
{
	return one->process == flight->process && one->tid == flight->tid &&
	       one->begin == flight->begin;
}

static bool in_flight(const struct weakening *one)
{
	return one->until == UINT64_MAX;
}

/* The oldest is forgotten, but not that there was one. */
static void push(struct weakenings *weakenings, struct weakening new)
{
	struct weakening *old = &weakenings->kept[weakenings->count++ % WEAKENINGS_KEPT];

	weakenings->forgotten_begin = later_of(weakenings->forgotten_begin, old->begin);
	*old = new;
	weakenings->latest = later_of(weakenings->latest, new.begin);
	if (!in_flight(&new))
		weakenings->latest = later_of(weakenings->latest, new.until);
}

void weakenings_begin(struct weakenings *weakenings, const struct flight *flight, uint32_t file,
		      enum world world, uint64_t start, uint64_t end, bool shared)
{
	weakenings->in_flight++;
	push(weakenings, (struct weakening){
				 .begin = flight->begin,
				 .until = UINT64_MAX,
				 .start = start,
				 .end = end,
				 .file = file,
				 .process = flight->process,
				 .tid = flight->tid,
				 .world = world,
				 .shared = shared,
			 });
}

void weakenings_end(struct weakenings *weakenings, const struct flight *flight, uint64_t time)
{
	weakenings->in_flight -= flight->weakens;
	for (uint32_t i = 0; i < WEAKENINGS_KEPT; i++) {
		struct weakening *one = &weakenings->kept[i];

		if (in_flight(one) && is_by(one, flight))
			one->until = later_of(time, one->begin);
	}
	weakenings->latest = later_of(weakenings->latest, time);
}

void weakenings_grant(struct weakenings *weakenings, const struct flight *flight)
{
	for (uint32_t i = 0; i < WEAKENINGS_KEPT; i++) {
		struct weakening *one = &weakenings->kept[i];

		if (in_flight(one) && is_by(one, flight))
			one->granted = true;
	}
}

void weakenings_merge(struct weakenings *kept, const struct weakenings *gone)
{
	kept->in_flight += gone->in_flight;
	kept->forgotten_begin = later_of(kept->forgotten_begin, gone->forgotten_begin);
	kept->latest = later_of(kept->latest, gone->latest);
	for (uint32_t i = 0; i < WEAKENINGS_KEPT; i++)
		if (gone->kept[i].until)
			push(kept, gone->kept[i]);
}

void flight_make_unknown(struct flight *flight, uint64_t start, uint64_t end, uint64_t since)
{
	if (flight->unknown_start == flight->unknown_end) {
		flight->unknown_start = start;
		flight->unknown_end = end;
	} else {
		flight->unknown_start = earlier_of(flight->unknown_start, start);
		flight->unknown_end = later_of(flight->unknown_end, end);
	}
	flight->unknown_since = later_of(flight->unknown_since, since);
}

static void doubt(const struct weakening *one, struct flight *flight, bool alone)
{
	if (is_by(one, flight) || one->file != flight->file || one->world != flight->world ||
	    one->start >= flight->end || flight->start >= one->end)
		return;
	/* Flights with a request were told when it began, or was granted. */
	if (one->begin > flight->begin && alone && !one->shared)
		flight_make_unknown(flight, one->start, one->end, one->begin);
	else if (one->shared && one->granted && alone && one->until > flight->begin)
		flight_make_unknown(flight, one->start, one->end, one->until);
	else if (one->begin > flight->begin || (!in_flight(one) && one->until > flight->begin))
		flight->doubtful = true;
}

void weakenings_doubt(const struct weakenings *weakenings, struct flight *flight, bool alone)
{
	if (weakenings->latest <= flight->begin)
		return;
	if (weakenings->forgotten_begin > flight->begin && alone)
		flight_make_unknown(flight, flight->start, flight->end,
				    weakenings->forgotten_begin);
	for (uint32_t i = 0; i < WEAKENINGS_KEPT; i++)
		if (weakenings->kept[i].until)
			doubt(&weakenings->kept[i], flight, alone);
}
