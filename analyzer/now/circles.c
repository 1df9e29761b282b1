/* SPDX-License-Identifier: MIT */
/*
 * Who waits for whom for ever, as far as it can be seen from outside. Every thread of every process
 * that matters is an agent: it waits for a lock, for its children, for what comes through a pipe,
 * or does something else, and then it could go on. A timer that no file of /proc shows, or a
 * signal, may end any of these waits.
 */
#include <stdlib.h>

#include "analyzer/deadlock/graph.h"
#include "analyzer/now/scan.h"
#include "analyzer/system/blocked.h"
#include "analyzer/system/process.h"

struct crowd {
	pid_t pid;
	uint32_t first, count; /* agents */
};

struct web {
	struct scan *scan;
	struct graph *graph;
	VEC(struct now_member) agents; /* tid 0: threads that aren't known */
	VEC(struct crowd) crowds;
};

static uint32_t wait_of(const struct now *now, const struct task *task)
{
	for (uint32_t i = 0; i < now->waits.count; i++)
		if (now->waits.items[i].pid == task->pid && now->waits.items[i].tid == task->tid)
			return i;
	return NOT_KNOWN;
}

static uint32_t add_agent(struct web *web, const struct task *task, uint32_t wait)
{
	vec_push(&web->agents, (struct now_member){ .pid = task->pid,
						    .tid = task->tid,
						    .wait = wait,
						    .switches = task->switches });
	return graph_agent(web->graph);
}

static struct crowd crowd_of(struct web *web, pid_t pid);

static void await_others(struct web *web, uint32_t agent, const struct task *task)
{
	struct pids others = { 0 };
	bool pipe = false;

	if (blocked_on_others(task, &web->scan->open, &others, &pipe)) {
		web->agents.items[agent].pipe = pipe;
		for (uint32_t i = 0; i < others.vec.count; i++) {
			struct crowd crowd = crowd_of(web, others.vec.items[i]);

			for (uint32_t j = crowd.first; j < crowd.first + crowd.count; j++)
				if (j != agent)
					graph_awaits(web->graph, agent, j);
		}
	}
	vec_free(&others.vec);
}

/* Where a pid namespace hides them, or another user, nobody knows what its threads do. */
static void add_stranger(struct web *web, pid_t pid)
{
	struct task stranger = { .pid = pid };

	add_agent(web, &stranger, NOT_KNOWN);
}

static bool has_timers(pid_t pid)
{
	char *timers = NULL;
	bool has = process_file(pid, "timers", &timers) > 0;

	free(timers);
	return has;
}

static struct crowd crowd_of(struct web *web, pid_t pid)
{
	const struct tasks *tasks = &web->scan->tasks;
	struct crowd crowd = { pid, web->agents.count, 0 };
	bool timers;

	for (uint32_t i = 0; i < web->crowds.count; i++)
		if (web->crowds.items[i].pid == pid)
			return web->crowds.items[i];
	for (uint32_t i = 0; i < tasks->vec.count; i++)
		if (tasks->vec.items[i].pid == pid)
			add_agent(web, &tasks->vec.items[i],
				  wait_of(web->scan->now, &tasks->vec.items[i]));
	timers = has_timers(pid);
	if (web->agents.count == crowd.first)
		add_stranger(web, pid);
	crowd.count = web->agents.count - crowd.first;
	vec_push(&web->crowds, crowd);
	for (uint32_t i = 0; timers && i < crowd.count; i++)
		graph_has_timer(web->graph, crowd.first + i);
	for (uint32_t i = 0, agent = crowd.first; i < tasks->vec.count; i++)
		if (tasks->vec.items[i].pid == pid)
			await_others(web, agent++, &tasks->vec.items[i]);
	return crowd;
}

/* The thread that waits for another lock most probably took this one, if only one does. */
static uint32_t likely_taker(const struct web *web, struct crowd crowd)
{
	uint32_t taker = NOT_KNOWN;

	for (uint32_t i = crowd.first; i < crowd.first + crowd.count; i++)
		if (web->agents.items[i].wait != NOT_KNOWN) {
			if (taker != NOT_KNOWN)
				return NOT_KNOWN;
			taker = i;
		}
	return taker;
}

static void add_hold(struct web *web, const struct now_hold *hold)
{
	uint32_t number = graph_hold(web->graph);
	struct now_sharer owner = { (pid_t)hold->lock.pid, -1 };
	const struct now_sharer *sharers = hold->sharers.items;
	uint32_t count = hold->sharers.count;

	if (!count && hold->lock.kind == LOCK_KIND_POSIX && owner.pid > 0) {
		sharers = &owner;
		count = 1;
	}
	for (uint32_t i = 0; i < count; i++) {
		struct crowd crowd = crowd_of(web, sharers[i].pid);
		uint32_t taker = likely_taker(web, crowd);

		for (uint32_t j = 0; j < crowd.count; j++)
			graph_can_release(web->graph, crowd.first + j, number,
					  crowd.first + j == taker &&
						  (count == 1 || sharers[i].pid == owner.pid));
	}
	if (!count || (hold->lock.kind != LOCK_KIND_POSIX && web->scan->hidden.count))
		graph_unknown_releaser(web->graph, number);
}

static void add_waits(struct web *web)
{
	const struct now *now = web->scan->now;

	for (uint32_t i = 0; i < now->waits.count; i++)
		if (now->waits.items[i].tid)
			crowd_of(web, now->waits.items[i].pid);
	for (uint32_t agent = 0; agent < web->agents.count; agent++) {
		const struct now_wait *wait;

		if (web->agents.items[agent].wait == NOT_KNOWN)
			continue;
		wait = &now->waits.items[web->agents.items[agent].wait];
		for (uint32_t i = 0; i < wait->blockers.count; i++)
			graph_waits_for(web->graph, agent, wait->blockers.items[i]);
	}
}

/* Nobody has been off a processor since the first look: all of them have slept throughout. */
static bool still_stands(const struct now_circle *circle)
{
	for (uint32_t i = 0; i < circle->members.count; i++) {
		const struct now_member *member = &circle->members.items[i];
		struct task task = { .pid = member->pid, .tid = member->tid };

		if (task_switches(&task) != member->switches)
			return false;
	}
	return true;
}

static void add_circle(struct web *web, const struct knot *knot)
{
	struct now_circle circle = {
		.until_timeout = knot->until_timeout,
		.others = knot->firmness != NOBODY_ELSE,
		.cycle = knot->cycle,
	};

	for (uint32_t i = 0; i < knot->count; i++)
		vec_push(&circle.members, web->agents.items[knot->agents[i]]);
	if (still_stands(&circle))
		vec_push(&web->scan->now->circles, circle);
	else
		vec_free(&circle.members);
}

void find_circles(struct scan *scan)
{
	struct web web = { .scan = scan, .graph = graph_new() };
	const struct knot *knots;
	uint32_t count = 0;

	for (uint32_t i = 0; i < scan->now->holds.count; i++)
		add_hold(&web, &scan->now->holds.items[i]);
	add_waits(&web);
	knots = graph_solve(web.graph, &count);
	for (uint32_t i = 0; i < count; i++)
		add_circle(&web, &knots[i]);
	graph_free(web.graph);
	vec_free(&web.agents);
	vec_free(&web.crowds);
}
