/* SPDX-License-Identifier: MIT */
#include "analyzer/live/live.h"

#include <string.h>
#include <time.h>

#include "analyzer/live/kernel_word.h"
#include "analyzer/live/scene.h"
#include "analyzer/live/suspects.h"

#define MS	   UINT64_C(1000000)
#define LOOK_NS	   (20 * MS) /* between two looks that must be equal */
#define QUIET_NS   (50 * MS) /* while the same wait on */
#define RETRY_NS   (50 * MS) /* the same waits are suspected again after this; then ever later */
#define RETRY_MAX  (2000 * MS)
#define TOLD_MAX   (30000 * MS) /* once there is a verdict */
#define UNKNOWN_NS (500 * MS)	/* so long somebody waits for whom nobody knows */
#define LIKELY_NS  (1000 * MS)	/* so long no thread lets others wait on purpose */
#define SHARE	   100		/* of a processor, one part of so many */
#define SAVED_MAX  (300 * MS)	/* of processor time not used so far */

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
	struct slot_waits now, before;
	uint64_t looked, next_look;
	/* What was judged last: the same again has to wait. */
	uint64_t judged, next_judge, pause;
	int64_t saved; /* ns of processor time that may be used */
	VEC(struct standing_verdict) standing;
	VEC(struct live_verdict) told;
};

struct live *live_open(const struct header *mapped, const struct header *checked, live_find find,
		       const void *context)
{
	struct live *live = xcalloc(1, sizeof(*live));

	live->slots = (struct slots){ mapped, checked };
	live->find = find;
	live->context = context;
	live->saved = SAVED_MAX;
	return live;
}

void live_record(struct live *live, uint64_t position, const uint64_t *payload)
{
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
	timers_free(&live->timers);
	file_names_free(&live->files);
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

static bool is_doubtful(const struct scene *scene, const struct knot *knot)
{
	for (uint32_t i = 0; i < knot->count; i++)
		for (uint32_t j = 0; j < scene->crowds.count; j++) {
			const struct crowd *crowd = &scene->crowds.items[j];

			if (crowd->doubtful && knot->agents[i] - crowd->first < crowd->count)
				return true;
		}
	return false;
}

static enum verdict judge(const struct scene *scene, const struct knot *knot, bool lost)
{
	if (knot->until_timeout)
		return VERDICT_UNTIL_TIMEOUT;
	if (knot->firmness != NOBODY_ELSE || lost || is_doubtful(scene, knot))
		return VERDICT_LIKELY;
	return kernel_shows(scene, knot) ? VERDICT_CERTAIN : VERDICT_LIKELY;
}

/* Pipes and children alone are none of our business, and of those who aren't recorded too little is
 * known to tell. */
static bool is_ours(const struct scene *scene, const struct knot *knot)
{
	bool lock = false;

	for (uint32_t i = 0; i < knot->count; i++) {
		lock |= scene->actors.items[knot->agents[i]].wait != NONE;
		if (!scene_process(scene, scene->tasks.vec.items[knot->agents[i]].pid))
			return false;
	}
	return lock;
}

static struct standing_verdict make_verdict(const struct scene *scene, const struct knot *knot)
{
	struct standing_verdict made = { .told = { .verdict = VERDICT_LIKELY,
						   .news = true,
						   .seen = scene->now,
						   .count = knot->count + knot->behind_count,
						   .cycle = knot->cycle,
						   .knot = knot->count } };

	for (uint32_t i = 0; i < knot->count; i++) {
		uint32_t wait = scene->actors.items[knot->agents[i]].wait;
		uint64_t since = wait == NONE ? 0 : scene->waits->vec.items[wait].time;

		vec_push(&made.members, member_of(scene, knot->agents[i], false));
		if (wait != NONE)
			vec_push(&made.waits, scene->waits->vec.items[wait]);
		if (since > made.told.since)
			made.told.since = since;
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

static bool stands_still(const struct live *live, const struct standing_verdict *verdict)
{
	for (uint32_t i = 0; i < verdict->waits.count; i++)
		if (!slots_still_waits(&live->slots, &verdict->waits.items[i]))
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

/* What may yet resolve itself, or turn out to be certain when a record that is being written is
 * there, is not told at once. */
static bool may_be_told(const struct standing_verdict *verdict)
{
	return verdict->told.verdict != VERDICT_LIKELY ||
	       verdict->told.seen >= verdict->told.since + LIKELY_NS;
}

static bool look_closely(struct live *live, const struct slot_waits *settled, uint64_t now,
			 bool lost)
{
	struct scene scene;
	const struct knot *knots;
	uint32_t count;
	bool news = false;

	scene_take(&scene, &live->slots, settled, &live->timers, live->find, live->context, now);
	knots = graph_solve(scene.graph, &count);
	for (uint32_t i = 0; i < count; i++) {
		struct standing_verdict verdict;

		if (!is_ours(&scene, &knots[i]))
			continue;
		verdict = make_verdict(&scene, &knots[i]);
		if (is_settled(live, &verdict) ||
		    !scene_stands(&scene, knots[i].agents, knots[i].count)) {
			free_verdict(&verdict);
			continue;
		}
		verdict.told.verdict = judge(&scene, &knots[i], lost);
		if (may_be_told(&verdict) && stands_still(live, &verdict))
			news |= tell(live, verdict);
		else
			free_verdict(&verdict);
	}
	scene_free(&scene);
	return news;
}

static bool look_at(struct live *live, const struct slot_waits *settled, uint64_t now, bool lost)
{
	uint64_t print = fingerprint(settled);
	enum suspicion suspicion;

	if (print == live->judged && now < live->next_judge)
		return false;
	suspicion = suspect(&live->slots, settled, &live->files, live->find, live->context);
	if (print != live->judged)
		live->pause = RETRY_NS;
	else if (suspicion != SUSPICION_NONE &&
		 live->pause < (live->standing.count ? TOLD_MAX : RETRY_MAX))
		live->pause *= 2;
	if (suspicion == SUSPICION_UNKNOWN && live->pause < UNKNOWN_NS)
		live->pause = UNKNOWN_NS;
	live->next_judge = now + live->pause;
	if (suspicion == SUSPICION_NONE ||
	    (suspicion == SUSPICION_UNKNOWN && print != live->judged)) {
		live->judged = print;
		return false;
	}
	live->judged = print;
	return look_closely(live, settled, now, lost);
}

static uint64_t processor_time(void)
{
	struct timespec used;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
	return (uint64_t)used.tv_sec * 1000 * MS + (uint64_t)used.tv_nsec;
}

bool live_look(struct live *live, uint64_t now, bool lost)
{
	struct slot_waits settled = { 0 }, empty = live->before;
	uint64_t used;
	bool news = false, quiet;

	if (now < live->next_look)
		return false;
	used = processor_time();
	live->saved += live->looked ? (int64_t)((now - live->looked) / SHARE) : 0;
	if (live->saved > (int64_t)SAVED_MAX)
		live->saved = SAVED_MAX;
	live->looked = now;
	live->before = live->now;
	live->now = empty;
	slots_waits(&live->slots, &live->now);
	keep_settled(live, &settled);
	drop_those_over(live);
	if (settled.vec.count && live->saved > 0)
		news = look_at(live, &settled, now, lost);
	list_verdicts(live);
	quiet = settled.vec.count && settled.vec.count == live->now.vec.count &&
		settled.vec.count == live->before.vec.count;
	live->next_look = now + (quiet ? QUIET_NS : LOOK_NS);
	vec_free(&settled.vec);
	live->saved -= (int64_t)(processor_time() - used);
	/* Even the cheap look is too dear for its share now. */
	if (live->saved < 0)
		live->next_look += (uint64_t)-live->saved * SHARE;
	return news;
}
