/* SPDX-License-Identifier: MIT */
#include "analyzer/deadlock/look.h"

/* ---- Agents */

struct who_key {
	const struct look *look;
	uint32_t process, tid;
};

static bool same_who(const void *context, uint32_t index)
{
	const struct who_key *key = context;
	const struct who *who = &key->look->whos.items[index];

	return who->process == key->process && who->tid == key->tid;
}

static uint32_t agent_of(struct look *look, uint32_t process, uint32_t tid)
{
	struct who_key key = { look, process, tid };
	uint32_t *at = map_find(&look->agents, hash_u64(process, tid), same_who, &key);

	if (*at == MAP_NEW) {
		*at = graph_agent(look->graph);
		vec_push(&look->whos, (struct who){ .process = process, .tid = tid });
	}
	return *at;
}

/* Calls each() for all agents of a process. */
static void each_agent(struct look *look, uint32_t process,
		       void (*each)(struct look *look, uint32_t agent, void *context),
		       void *context)
{
	const struct family *family = people_family(look->people, process);

	for (uint32_t i = 0; family && i < family->threads.count; i++)
		each(look, agent_of(look, process, family->threads.items[i].tid), context);
	if (!family || family->crowded || !family->threads.count)
		each(look, agent_of(look, process, 0), context);
}

/* ---- Holds */

struct hold_key {
	const struct look *look;
	uint64_t id;
	uint32_t owner;
};

static bool same_hold(const void *context, uint32_t index)
{
	const struct hold_key *key = context;
	const struct obstacle *obstacle = &key->look->obstacles.items[index];

	return obstacle->hold.id == key->id && obstacle->owner == key->owner;
}

static void release_by(struct look *look, uint32_t agent, void *context)
{
	const struct hold *hold = &look->obstacles.items[look->releasing].hold;
	const struct who *who = &look->whos.items[agent];

	(void)context;
	vec_push(&look->shares, (struct edge){ agent, look->releasing });
	graph_can_release(look->graph, agent, look->releasing,
			  who->process == hold->process && who->tid == hold->tid);
}

static void on_sharer(void *context, uint32_t process)
{
	each_agent(context, process, release_by, NULL);
}

static uint32_t hold_of(struct look *look, const struct standing_hold *standing)
{
	struct hold_key key = { look, standing->hold->id, standing->owner };
	uint32_t *at = map_find(&look->holds, hash_u64(key.id, key.owner), same_hold, &key), new;

	if (*at != MAP_NEW)
		return *at;
	*at = new = graph_hold(look->graph);
	vec_push(&look->obstacles, (struct obstacle){ *standing->hold, standing->owner });
	look->releasing = new;
	model_sharers(look->model, standing->owner, on_sharer, look);
	/* There may always be threads that never made a call that is recorded. */
	graph_unknown_releaser(look->graph, new);
	return new;
}

/* ---- Waits */

static void wait_for_lock(void *context, const struct standing *standing)
{
	struct look *look = context;
	uint32_t agent = agent_of(look, standing->process, standing->tid);
	struct who *who = &look->whos.items[agent];

	who->waits = true;
	who->wait = (struct deadlock_member){
		.process = standing->process,
		.tid = standing->tid,
		.since = standing->begin,
		.tries = standing->tries,
		.other = NONE,
		.file = standing->file,
		.stack = standing->stack,
		.op = standing->op,
		.world = standing->world,
		.ownership = standing->ownership,
		.mode = standing->mode,
		.start = standing->start,
		.end = standing->end,
	};
	for (uint32_t i = 0; i < standing->hold_count; i++) {
		uint32_t hold = hold_of(look, &standing->holds[i]);

		graph_waits_for(look->graph, agent, hold);
		vec_push(&look->waits, (struct edge){ agent, hold });
	}
}

static void await(struct look *look, uint32_t child, void *context)
{
	graph_awaits(look->graph, *(const uint32_t *)context, child);
}

static bool is_silent(const struct family *family, int64_t wanted)
{
	for (uint32_t i = 0; i < family->silent.count; i++)
		if (wanted <= 0 || family->silent.items[i] == wanted)
			return true;
	return false;
}

/* A child that has not spoken may be at anything: its parent can go on. */
static void wait_for_child(struct look *look, uint32_t process, const struct family *family,
			   const struct person *person)
{
	uint32_t agent = agent_of(look, process, person->tid);
	struct deadlock_member wait = {
		.process = process,
		.tid = person->tid,
		.since = person->since,
		.waits_for = WAITS_FOR_CHILD,
		.other = NONE,
		.file = NONE,
		.stack = NONE,
	};

	if (is_silent(family, person->wanted))
		return;
	for (uint32_t i = 0; i < look->people->families.count; i++) {
		const struct family *child = &look->people->families.items[i];

		if (!child->alive || child->parent != process || i == process ||
		    (person->wanted > 0 && child->pid != person->wanted))
			continue;
		wait.other = person->wanted > 0 ? i : NONE;
		each_agent(look, i, await, &agent);
	}
	graph_awaits_unknown(look->graph, agent);
	look->whos.items[agent].waits = true;
	look->whos.items[agent].wait = wait;
}

/* What a trace alone does not tell, and was seen live: for whom it waits. */
static void wait_as_seen(struct look *look, uint32_t process, const struct person *person)
{
	uint32_t agent = agent_of(look, process, person->tid);

	each_agent(look, person->live.other, await, &agent);
	look->whos.items[agent].waits = true;
	look->whos.items[agent].wait = (struct deadlock_member){
		.process = process,
		.tid = person->tid,
		.since = person->awaits ? person->since : person->live.since,
		.waits_for = person->live.waits_for,
		.other = person->live.other,
		.file = NONE,
		.stack = NONE,
	};
}

static void wait_for_others(struct look *look)
{
	for (uint32_t i = 0; i < look->people->families.count; i++) {
		const struct family *family = &look->people->families.items[i];

		for (uint32_t j = 0; family->alive && j < family->threads.count; j++) {
			const struct person *person = &family->threads.items[j];

			if (person_was_seen_to_await(person))
				wait_as_seen(look, i, person);
			else if (person->awaits)
				wait_for_child(look, i, family, person);
		}
	}
}

/* A signal that comes before the wait is over may end it. */
static void wind_timers(struct look *look, uint64_t now)
{
	for (uint32_t i = 0; i < look->whos.count; i++) {
		struct who *who = &look->whos.items[i];
		uint64_t timer = people_timer(look->people, who->process, now);

		if (!who->waits || !timer)
			continue;
		who->timer = timer;
		graph_has_timer(look->graph, i);
	}
}

/* Who waits in a call does not try meanwhile: its last try was before. */
static void try_for_lock(void *context, const struct standing *standing)
{
	struct look *look = context;
	uint32_t agent = agent_of(look, standing->process, standing->tid);

	if (!look->whos.items[agent].waits)
		wait_for_lock(look, standing);
}

void look_take(struct look *look, const struct model *model, const struct people *people,
	       const struct triers *triers, uint64_t now, uint64_t timers_since)
{
	*look = (struct look){ .model = model, .people = people, .graph = graph_new() };
	model_standing(model, wait_for_lock, look);
	wait_for_others(look);
	if (triers->each)
		triers->each(triers->context, now, try_for_lock, look);
	wind_timers(look, timers_since);
}

void look_free(struct look *look)
{
	graph_free(look->graph);
	vec_free(&look->whos);
	vec_free(&look->obstacles);
	vec_free(&look->waits);
	vec_free(&look->shares);
	map_free(&look->agents);
	map_free(&look->holds);
}
