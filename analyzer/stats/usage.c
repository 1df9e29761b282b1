/* SPDX-License-Identifier: MIT */
#include "analyzer/stats/usage.h"

void usage_acquired(struct usage *usage, struct resource *counts, uint32_t process)
{
	bool known = false;

	if (usage->last == process + 1)
		return;
	counts->hand_overs += usage->last != 0;
	usage->last = process + 1;
	for (uint32_t i = 0; i < usage->processes.count && !known; i++)
		known = usage->processes.items[i] == process;
	if (known)
		return;
	if (usage->processes.count == RESOURCE_OWNERS) {
		counts->owners_omitted = true;
		return;
	}
	vec_push(&usage->processes, process);
	counts->owners = usage->processes.count;
}

/* Half of them, so that it is seldom. */
static void count_earliest(struct usage *usage)
{
	uint32_t half = usage->held.count / 2;

	for (uint32_t i = 0; i < half; i++)
		usage->counted += usage->held.items[i].end - usage->held.items[i].begin;
	usage->counted_to = usage->held.items[half - 1].end;
	memmove(usage->held.items, usage->held.items + half,
		(usage->held.count - half) * sizeof(*usage->held.items));
	usage->held.count -= half;
}

void usage_held(struct usage *usage, uint64_t granted, uint64_t released, bool alone)
{
	struct usage_span span = { granted, released };
	uint32_t at;

	if (span.begin < usage->counted_to && span.begin < span.end) {
		if (alone)
			usage->counted +=
				(span.end < usage->counted_to ? span.end : usage->counted_to) -
				span.begin;
		span.begin = usage->counted_to;
	}
	if (span.begin >= span.end)
		return;
	for (at = usage->held.count; at && usage->held.items[at - 1].end >= span.begin; at--) {
		struct usage_span *last = &usage->held.items[at - 1];

		if (last->begin > span.end)
			continue;
		span.begin = last->begin < span.begin ? last->begin : span.begin;
		span.end = last->end > span.end ? last->end : span.end;
		vec_remove(&usage->held, at - 1);
	}
	if (usage->held.count == USAGE_SPANS) {
		count_earliest(usage);
		usage_held(usage, span.begin, span.end, true); /* apart from those in the list */
		return;
	}
	for (at = usage->held.count; at && usage->held.items[at - 1].begin > span.end; at--)
		;
	vec_push(&usage->held, span);
	memmove(&usage->held.items[at + 1], &usage->held.items[at],
		(usage->held.count - 1 - at) * sizeof(span));
	usage->held.items[at] = span;
}

uint64_t usage_busy(const struct usage *usage)
{
	uint64_t sum = usage->counted;

	for (uint32_t i = 0; i < usage->held.count; i++)
		sum += usage->held.items[i].end - usage->held.items[i].begin;
	return sum;
}

static bool lasts_at(const struct usage_span *span, uint64_t time)
{
	return span->begin < time && time <= span->end;
}

static uint64_t overtaken(const struct wait *wait)
{
	uint64_t count = 0;

	for (uint32_t i = 0; i < wait->overlap_count; i++)
		count += wait->overlaps[i].hold.granted > wait->begin;
	return count;
}

/* Waits come in the order of their ends: this one joins all that it has outlasted. */
static void join_convoy(struct usage *usage, struct resource *counts, const struct wait *wait)
{
	struct usage_convoy now = {
		.span = { wait->begin, wait->finish },
		.waits = 1,
		.process = wait->process,
	};

	while (usage->convoys.count) {
		const struct usage_convoy *last = &usage->convoys.items[usage->convoys.count - 1];

		if (last->span.end <= now.span.begin)
			break;
		if (last->span.begin < now.span.begin)
			now.span.begin = last->span.begin;
		if (last->span.end > now.span.end)
			now.span.end = last->span.end;
		now.waits += last->waits;
		now.several |= last->several || last->process != now.process;
		usage->convoys.count--;
	}
	if (usage->convoys.count == USAGE_SPANS)
		vec_remove(&usage->convoys, 0);
	vec_push(&usage->convoys, now);
	if (!now.several || now.waits < CONVOY_WAITS || now.waits <= counts->convoy_waits)
		return;
	counts->convoy_waits = now.waits;
	counts->convoy_begin = now.span.begin;
	counts->convoy = now.span.end - now.span.begin;
}

/* The queue is longest when somebody gets out of it: a moment at which a wait ends. */
void usage_waited(struct usage *usage, struct resource *counts, const struct wait *wait)
{
	struct usage_wait now = { .span = { wait->begin, wait->finish }, .queue = 1 };
	uint64_t passed = overtaken(wait);

	join_convoy(usage, counts, wait);
	for (uint32_t i = 0; i < usage->waits.count; i++) {
		struct usage_wait *other = &usage->waits.items[i];

		other->queue += lasts_at(&now.span, other->span.end);
		now.queue +=
			lasts_at(&other->span, now.span.end) && other->span.end != now.span.end;
		if (other->queue > counts->queue_max)
			counts->queue_max = other->queue;
	}
	if (now.queue > counts->queue_max)
		counts->queue_max = now.queue;
	if (passed > counts->overtaken_max)
		counts->overtaken_max = passed;
	counts->starved += passed > 2 * counts->queue_max;
	if (usage->waits.count == USAGE_WAITS)
		vec_remove(&usage->waits, 0);
	vec_push(&usage->waits, now);
}

void usage_free(struct usage *usage)
{
	vec_free(&usage->held);
	vec_free(&usage->waits);
	vec_free(&usage->convoys);
	vec_free(&usage->processes);
}
