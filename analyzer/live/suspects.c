/* SPDX-License-Identifier: MIT */
#include "analyzer/live/suspects.h"

#include "analyzer/deadlock/graph.h"
#include "analyzer/system/blocked.h"
#include "analyzer/system/process.h"

#define GENERATIONS 8 /* of children that are looked at */
#define NEWEST	    8 /* waits of a knot that are looked at */

/* ---- What the slots say */

struct said {
	uint64_t device, inode, start, end;
	uint32_t speaker; /* of `speakers` */
	int32_t fd;
	bool flock, posix, shared;
};

struct speaker {
	struct peer peer;
	uint32_t agent; /* NONE: not needed so far */
};

struct suspicions {
	const struct slot_waits *waits;
	struct map waiting;    /* processes: into waits */
	VEC(struct said) said; /* by inode */
	VEC(struct speaker) speakers;
	struct graph *graph; /* agents: first the waits */
	live_find find;
	const void *context;
	VEC(uint32_t) unknown; /* waits for what nobody says that he holds */
	bool silent;	       /* somebody holds more than he can say */
};

static int by_inode(const void *left, const void *right)
{
	const struct said *a = left, *b = right;

	return (a->inode > b->inode) - (a->inode < b->inode);
}

/* Children count as long as one of them may do something. */
static bool process_may_wait(pid_t pid, int depth)
{
	struct tasks tasks = { 0 };
	struct pids children = { 0 };
	bool may = tasks_read(pid, &tasks), for_child = false;

	for (uint32_t i = 0; may && i < tasks.vec.count; i++) {
		may = blocked_perhaps(&tasks.vec.items[i]) || blocked_on_lock(&tasks.vec.items[i]);
		for_child |= blocked_on_children(&tasks.vec.items[i]);
	}
	vec_free(&tasks.vec);
	if (may && for_child && depth)
		descendants_children(pid, &children);
	/* Who waits for one of several goes on when any of them does. */
	for (uint32_t i = 0; may && i < children.vec.count; i++)
		may = process_may_wait(children.vec.items[i], depth - 1);
	vec_free(&children.vec);
	return may;
}

static pid_t pid_of(const struct suspicions *all, const struct peer *peer)
{
	return peer->pidns == process_own_pidns()
		       ? peer->inner
		       : all->find(all->context, peer->inner, peer->start_time);
}

struct process_key {
	const struct slot_waits *waits;
	uint32_t process;
};

static bool same_process(const void *context, uint32_t index)
{
	const struct process_key *key = context;

	return key->waits->vec.items[index].process == key->process;
}

/* The first of its waits; MAP_NEW: none of its threads waits. */
static uint32_t wait_of(const struct suspicions *all, uint32_t process)
{
	struct process_key key = { all->waits, process };

	return map_peek(&all->waiting, hash_u64(process, 0), same_process, &key);
}

static void add_waiters(struct suspicions *all)
{
	for (uint32_t i = 0; i < all->waits->vec.count; i++) {
		struct process_key key = { all->waits, all->waits->vec.items[i].process };
		uint32_t *at =
			map_find(&all->waiting, hash_u64(key.process, 0), same_process, &key);

		if (*at == MAP_NEW)
			*at = i;
		graph_agent(all->graph);
	}
}

static void listen_to(struct suspicions *all, const struct peer *peer)
{
	uint64_t used = atomic_load_explicit(&peer->slot->grants, memory_order_relaxed);

	all->silent |= atomic_load_explicit(&peer->slot->overflow, memory_order_relaxed) != 0;
	for (uint32_t i = 0; i < GRANTS_MAX; i++) {
		const struct grant *grant = &peer->slot->grant[i];

		if (!(used >> i & 1))
			continue;
		vec_push(&all->said, (struct said){
					     .device = grant->device,
					     .inode = grant->inode,
					     .start = grant->start,
					     .end = grant->end,
					     .speaker = all->speakers.count,
					     .fd = grant->fd,
					     .flock = op_is_flock(grant->op),
					     .posix = op_is_posix(grant->op),
					     .shared = grant->mode == FLAG_SHARED,
				     });
	}
}

static bool is_own(const struct slot_wait *wait, const struct said *said, uint32_t process)
{
	return process == wait->process && said->posix == op_is_posix(wait->op) &&
	       (said->posix || said->fd == wait->fd);
}

/* Somebody who seems to wait for something else: for ever, as far as is known here. */
static void stick(struct graph *graph, uint32_t agent)
{
	uint32_t hold = graph_hold(graph);

	graph_waits_for(graph, agent, hold);
	graph_can_release(graph, agent, hold, true);
}

/* Any thread of the holder that waits stands for all of them. One that waits for no lock is looked
 * at from outside. */
static uint32_t agent_of(struct suspicions *all, struct speaker *speaker)
{
	pid_t pid;

	if (speaker->agent != NONE)
		return speaker->agent;
	speaker->agent = wait_of(all, speaker->peer.process);
	if (speaker->agent != MAP_NEW)
		return speaker->agent;
	speaker->agent = graph_agent(all->graph);
	pid = pid_of(all, &speaker->peer);
	if (pid && process_may_wait(pid, GENERATIONS))
		stick(all->graph, speaker->agent);
	return speaker->agent;
}

static void wait_for(struct suspicions *all, uint32_t waiter, const struct said *said)
{
	uint32_t agent = agent_of(all, &all->speakers.items[said->speaker]);
	uint32_t hold = graph_hold(all->graph);

	graph_waits_for(all->graph, waiter, hold);
	graph_can_release(all->graph, agent, hold, true);
}

static void add_wait(struct suspicions *all, uint32_t at, const struct file_names *names)
{
	const struct slot_wait *wait = &all->waits->vec.items[at];
	const struct file_name *file = file_names_find(names, wait->file);
	uint32_t first = 0, last = all->said.count;
	bool found = false;

	while (file && first < last) {
		uint32_t middle = (first + last) / 2;

		if (all->said.items[middle].inode < file->inode)
			first = middle + 1;
		else
			last = middle;
	}
	for (; file && first < all->said.count && all->said.items[first].inode == file->inode;
	     first++) {
		const struct said *said = &all->said.items[first];

		if (said->device == file->device &&
		    !is_own(wait, said, all->speakers.items[said->speaker].peer.process) &&
		    wait_conflicts(wait, said->flock, said->shared, said->start, said->end)) {
			wait_for(all, at, said);
			found = true;
		}
	}
	if (!found)
		vec_push(&all->unknown, at);
}

/* ---- Whether it is worth the dear look */

static bool sleeps(const struct suspicions *all, const struct slot_wait *wait)
{
	struct tasks tasks = { 0 };
	bool sleeps = false;

	for (uint32_t i = 0; i < all->speakers.count; i++)
		if (all->speakers.items[i].peer.process == wait->process)
			tasks_read(pid_of(all, &all->speakers.items[i].peer), &tasks);
	for (uint32_t i = 0; i < tasks.vec.count; i++)
		sleeps |= (uint32_t)tasks.vec.items[i].inner == wait->tid &&
			  blocked_on_lock(&tasks.vec.items[i]);
	vec_free(&tasks.vec);
	return sleeps;
}

struct newest {
	const struct slot_wait *of[NEWEST]; /* newest first */
};

static void note(struct newest *newest, const struct suspicions *all, const uint32_t *agents,
		 uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct slot_wait *wait = &all->waits->vec.items[agents[i]];

		if (agents[i] >= all->waits->vec.count)
			continue;
		for (uint32_t j = 0; wait && j < NEWEST; j++)
			if (!newest->of[j] || newest->of[j]->time < wait->time) {
				const struct slot_wait *older = newest->of[j];

				newest->of[j] = wait;
				wait = older;
			}
	}
}

/* Who went into its request last may be on its way still: on a busy machine for a while. */
static bool is_early(const struct suspicions *all, const struct knot *knot)
{
	struct newest newest = { 0 };

	note(&newest, all, knot->agents, knot->count);
	for (uint32_t i = 0; i < NEWEST && newest.of[i]; i++)
		if (!wait_tries(newest.of[i]) && !sleeps(all, newest.of[i]))
			return true;
	return false;
}

static void add_members(struct suspects *suspects, const struct suspicions *all,
			const uint32_t *agents, uint32_t count)
{
	struct suspect *suspect = &suspects->vec.items[suspects->vec.count - 1];

	for (uint32_t i = 0; i < count; i++) {
		const struct slot_wait *wait = &all->waits->vec.items[agents[i]];

		if (agents[i] >= all->waits->vec.count)
			continue;
		vec_push(&suspects->members, agents[i]);
		suspect->print += hash_u64(wait->position, wait->time + wait->tid);
		suspect->count++;
	}
}

static void begin_suspect(struct suspects *suspects, bool unknown)
{
	vec_push(&suspects->vec,
		 (struct suspect){ .unknown = unknown, .first = suspects->members.count });
}

static void solve(struct suspects *suspects, const struct suspicions *all)
{
	uint32_t count;
	const struct knot *knots = graph_solve(all->graph, &count);

	for (uint32_t i = 0; i < count; i++) {
		if (is_early(all, &knots[i])) {
			suspects->early = true;
			continue;
		}
		begin_suspect(suspects, false);
		add_members(suspects, all, knots[i].agents, knots[i].count);
		add_members(suspects, all, knots[i].behind, knots[i].behind_count);
		/* Somebody who seems to wait for something else, and nobody for him. */
		if (!suspects->vec.items[suspects->vec.count - 1].count)
			suspects->vec.count--;
	}
	if (all->unknown.count || all->silent) {
		begin_suspect(suspects, true);
		add_members(suspects, all, all->unknown.items, all->unknown.count);
	}
}

void suspects_find(struct suspects *suspects, const struct slots *slots,
		   const struct slot_waits *waits, const struct file_names *names, live_find find,
		   const void *context)
{
	struct suspicions all = {
		.waits = waits, .graph = graph_new(), .find = find, .context = context
	};
	struct peer peer;
	uint32_t at = 0;

	*suspects = (struct suspects){ 0 };
	add_waiters(&all);
	while (slots_next_peer(slots, &at, &peer)) {
		listen_to(&all, &peer);
		vec_push(&all.speakers, (struct speaker){ peer, NONE });
	}
	if (all.said.count)
		qsort(all.said.items, all.said.count, sizeof(*all.said.items), by_inode);
	for (uint32_t i = 0; i < waits->vec.count; i++)
		add_wait(&all, i, names);
	solve(suspects, &all);
	map_free(&all.waiting);
	vec_free(&all.said);
	vec_free(&all.speakers);
	vec_free(&all.unknown);
	graph_free(all.graph);
}

void suspects_free(struct suspects *suspects)
{
	vec_free(&suspects->vec);
	vec_free(&suspects->members);
}
