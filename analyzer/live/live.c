/* SPDX-License-Identifier: MIT */
#include "analyzer/live/live.h"

#include <string.h>
#include <time.h>

#include "analyzer/live/judge.h"
#include "analyzer/live/pace.h"
#include "analyzer/live/scene.h"
#include "analyzer/live/suspects.h"
#include "analyzer/live/tries.h"

#define MS	  UINT64_C(1000000)
#define LIKELY_NS (1000 * MS) /* so long no thread lets others wait on purpose */

struct standing_verdict {
	struct live_verdict told;
	VEC(struct live_member) members;
	VEC(struct slot_wait) waits; /* of its knot: while these last, it stands */
};

struct live {
	struct slots slots;
	live_find find;
	const void *context;
	struct timers timers;
	struct file_names files;
	struct tries tries;
	struct slot_waits now, before;
	struct pace pace;
	VEC(struct standing_verdict) standing;
	VEC(struct live_verdict) told;
	bool quiet; /* the same waited at the last two looks */
};

struct live *live_open(const struct header *mapped, const struct header *checked, live_find find,
		       const void *context)
{
	struct live *live = xcalloc(1, sizeof(*live));

	live->slots = (struct slots){ mapped, checked };
	live->find = find;
	live->context = context;
	pace_open(&live->pace);
	return live;
}

void live_record(struct live *live, uint64_t position, const uint64_t *payload)
{
	if (*(const uint8_t *)payload == RECORD_RESULT) {
		tries_record(&live->tries, &live->files, position, payload);
		return;
	}
	timers_record(&live->timers, payload);
	file_names_record(&live->files, position, payload);
}

static void free_verdict(struct standing_verdict *verdict)
{
	vec_free(&verdict->members);
	vec_free(&verdict->waits);
}

void live_close(struct live *live)
{
	if (!live)
		return;
	for (uint32_t i = 0; i < live->standing.count; i++)
		free_verdict(&live->standing.items[i]);
	vec_free(&live->standing);
	vec_free(&live->told);
	vec_free(&live->now.vec);
	vec_free(&live->before.vec);
	pace_close(&live->pace);
	timers_free(&live->timers);
	file_names_free(&live->files);
	tries_free(&live->tries);
	free(live);
}

/* ---- Two equal looks */

static bool same_wait(const struct slot_wait *a, const struct slot_wait *b)
{
	return a->position == b->position && a->time == b->time && a->process == b->process &&
	       a->tid == b->tid;
}

/* Those of this look that were in the last one, too. Both are by slot. */
static void keep_settled(const struct live *live, struct slot_waits *settled)
{
	const struct slot_waits *now = &live->now, *before = &live->before;
	uint32_t at = 0;

	for (uint32_t i = 0; i < now->vec.count; i++) {
		while (at < before->vec.count &&
		       before->vec.items[at].slot < now->vec.items[i].slot)
			at++;
		if (at < before->vec.count && same_wait(&before->vec.items[at], &now->vec.items[i]))
			vec_push(&settled->vec, now->vec.items[i]);
	}
}

static uint64_t fingerprint(const struct slot_waits *waits)
{
	uint64_t print = waits->vec.count;

	for (uint32_t i = 0; i < waits->vec.count; i++) {
		const struct slot_wait *wait = &waits->vec.items[i];

		print = hash_u64(hash_u64(print, wait->position), wait->time + wait->tid);
	}
	return print;
}

/* ---- From a knot to a verdict */

static struct live_member member_of(const struct scene *scene, uint32_t agent, bool behind)
{
	const struct task *task = &scene->tasks.vec.items[agent];
	const struct actor *actor = &scene->actors.items[agent];

	return (struct live_member){
		.process = scene_process(scene, task->pid),
		.tid = (uint32_t)task->inner,
		.pid = task->pid,
		.task = task->tid,
		.waits_for = actor->waits_for,
		.other = actor->other ? scene_process(scene, actor->other) : 0,
		.behind = behind,
	};
}

static struct standing_verdict make_verdict(const struct scene *scene, const struct knot *knot)
{
	struct standing_verdict made = { .told = { .verdict = VERDICT_LIKELY,
						   .news = true,
						   .count = knot->count + knot->behind_count,
						   .cycle = knot->cycle,
						   .knot = knot->count } };

	for (uint32_t i = 0; i < knot->count; i++) {
		const struct actor *actor = &scene->actors.items[knot->agents[i]];

		vec_push(&made.members, member_of(scene, knot->agents[i], false));
		if (actor->wait != NONE)
			vec_push(&made.waits, scene->waits->vec.items[actor->wait]);
		if (actor->since > made.told.since)
			made.told.since = actor->since;
	}
	/* Of several whom it waits for, one is in the cycle. */
	for (uint32_t i = 0; i < knot->cycle; i++)
		if (made.members.items[i].waits_for != WAITS_FOR_LOCK)
			made.members.items[i].other =
				made.members.items[(i + 1) % knot->cycle].process;
	for (uint32_t i = 0; i < knot->behind_count; i++)
		vec_push(&made.members, member_of(scene, knot->behind[i], true));
	return made;
}

/* ---- Those that stand */

static bool still_waits(const struct live *live, const struct slot_wait *wait)
{
	return wait_tries(wait) ? tries_go_on(&live->tries, wait, live->pace.looked)
				: slots_still_waits(&live->slots, wait);
}

static bool stands_still(const struct live *live, const struct standing_verdict *verdict)
{
	for (uint32_t i = 0; i < verdict->waits.count; i++)
		if (!still_waits(live, &verdict->waits.items[i]))
			return false;
	return true;
}

static void drop_those_over(struct live *live)
{
	for (uint32_t i = live->standing.count; i-- > 0;) {
		live->standing.items[i].told.news = false;
		if (!stands_still(live, &live->standing.items[i])) {
			free_verdict(&live->standing.items[i]);
			vec_remove(&live->standing, i);
		}
	}
}

/* Knots that share a wait are the same knot. */
static bool is_same(const struct standing_verdict *a, const struct standing_verdict *b)
{
	return same_wait(&a->waits.items[0], &b->waits.items[0]) ||
	       fingerprint(&(struct slot_waits){ { a->waits.items, a->waits.count, 0 } }) ==
		       fingerprint(&(struct slot_waits){ { b->waits.items, b->waits.count, 0 } });
}

/* It can't become firmer: neither /proc nor /proc/locks is read again for it. */
static bool is_settled(const struct live *live, const struct standing_verdict *verdict)
{
	for (uint32_t i = 0; i < live->standing.count; i++)
		if (is_same(&live->standing.items[i], verdict))
			return live->standing.items[i].told.verdict == VERDICT_CERTAIN;
	return false;
}

/* True: it is new, or firmer than before. */
static bool tell(struct live *live, struct standing_verdict verdict)
{
	for (uint32_t i = 0; i < live->standing.count; i++) {
		struct standing_verdict *old = &live->standing.items[i];

		if (!is_same(old, &verdict))
			continue;
		if (verdict.told.verdict >= old->told.verdict) {
			free_verdict(&verdict);
			return false;
		}
		verdict.told.seen = old->told.seen;
		free_verdict(old);
		*old = verdict;
		return true;
	}
	vec_push(&live->standing, verdict);
	return true;
}

static void list_verdicts(struct live *live)
{
	live->told.count = 0;
	for (uint32_t i = 0; i < live->standing.count; i++) {
		live->standing.items[i].told.members = live->standing.items[i].members.items;
		vec_push(&live->told, live->standing.items[i].told);
	}
}

const struct live_verdict *live_verdicts(const struct live *live, uint32_t *count)
{
	*count = live->told.count;
	return live->told.items;
}

/* ---- Looking */

static uint64_t clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 * MS + (uint64_t)now.tv_nsec;
}

/* What may yet resolve itself, or turn out to be certain when a record that is being written is
 * there, is not told at once. */
static bool may_be_told(const struct standing_verdict *verdict)
{
	return verdict->told.verdict < VERDICT_LIKELY ||
	       verdict->told.seen >= verdict->told.since + LIKELY_NS;
}

static bool look_closely(struct live *live, const struct slot_waits *settled, uint64_t now,
			 bool lost)
{
	struct scene scene;
	const struct knot *knots;
	uint32_t count;
	bool news = false;

	scene_take(&scene, &live->slots, settled, &live->timers, &live->files, live->find,
		   live->context, now);
	knots = graph_solve(scene.graph, &count);
	for (uint32_t i = 0; i < count; i++) {
		struct standing_verdict verdict;

		if (!judge_is_ours(&scene, &knots[i]))
			continue;
		verdict = make_verdict(&scene, &knots[i]);
		if (is_settled(live, &verdict) ||
		    !scene_stands(&scene, knots[i].agents, knots[i].count)) {
			free_verdict(&verdict);
			continue;
		}
		verdict.told.verdict = judge_knot(&scene, &knots[i], lost);
		verdict.told.seen = clock_now();
		if (may_be_told(&verdict) && stands_still(live, &verdict))
			news |= tell(live, verdict);
		else
			free_verdict(&verdict);
	}
	scene_free(&scene);
	return news;
}

/* In a deadlock that is certain, or behind. */
static bool is_told(const struct live *live, const struct slot_wait *wait)
{
	for (uint32_t i = 0; i < live->standing.count; i++) {
		const struct standing_verdict *verdict = &live->standing.items[i];

		for (uint32_t j = 0; j < verdict->members.count; j++)
			if (verdict->told.verdict == VERDICT_CERTAIN &&
			    verdict->members.items[j].process == wait->process &&
			    verdict->members.items[j].tid == wait->tid)
				return true;
	}
	return false;
}

static void rest_where_told(struct live *live, const struct suspects *suspects,
			    const struct slot_waits *settled, uint64_t now)
{
	for (uint32_t i = 0; i < suspects->vec.count; i++) {
		const struct suspect *suspect = &suspects->vec.items[i];
		bool told = suspect->count;

		for (uint32_t j = 0; j < suspect->count && told; j++)
			told = is_told(
				live,
				&settled->vec.items[suspects->members.items[suspect->first + j]]);
		if (told)
			pace_rest(&live->pace, suspect->print, now);
	}
}

/* in_calls: so many of them wait in a call. */
static bool look_at(struct live *live, const struct slot_waits *settled, uint32_t in_calls,
		    uint64_t now, bool lost)
{
	uint64_t print = fingerprint(settled);
	struct suspects suspects;
	bool news = false;

	if (!pace_may_find(&live->pace, print, live->now.vec.count, in_calls, now))
		return false;
	suspects_find(&suspects, &live->slots, settled, &live->files, live->find, live->context);
	if (pace_may_judge(&live->pace, print, &suspects, now)) {
		news = look_closely(live, settled, now, lost);
		rest_where_told(live, &suspects, settled, now);
	}
	suspects_free(&suspects);
	return news;
}

bool live_look(struct live *live, uint64_t now, bool lost)
{
	struct slot_waits settled = { 0 }, empty = live->before;
	uint32_t in_calls;
	bool news = false;

	if (!pace_begin(&live->pace, now))
		return false;
	live->before = live->now;
	live->now = empty;
	slots_waits(&live->slots, &live->now);
	keep_settled(live, &settled);
	in_calls = settled.vec.count;
	live->quiet = in_calls == live->now.vec.count && in_calls == live->before.vec.count;
	tries_waits(&live->tries, now, &settled);
	drop_those_over(live);
	if (settled.vec.count)
		news = look_at(live, &settled, in_calls, now, lost);
	list_verdicts(live);
	vec_free(&settled.vec);
	pace_end(&live->pace, live->quiet && in_calls, now);
	return news;
}

uint64_t live_hurry(const struct live *live)
{
	return live->quiet ? UINT64_MAX : live->pace.next_look;
}
