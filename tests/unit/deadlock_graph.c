/* SPDX-License-Identifier: MIT */
/* Wait-for graphs, drawn by hand: who is deadlocked, how firmly, and who only queues behind. */
#include "analyzer/deadlock/graph.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct graph *graph;

static void begin(void)
{
	graph = graph_new();
}

static void end(void)
{
	graph_free(graph);
}

TestSuite(deadlock_graph, .init = begin, .fini = end);

/* ---- Drawing */

static uint32_t held_by(uint32_t agent)
{
	uint32_t hold = graph_hold(graph);

	graph_can_release(graph, agent, hold, true);
	return hold;
}

/* Agents 0 … n-1; each waits for what the next one holds. */
static void ring(uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		graph_agent(graph);
	for (uint32_t i = 0; i < n; i++)
		graph_waits_for(graph, (i + n - 1) % n, held_by(i));
}

/* "nobody else: 0 1 (2) behind 3 4; …": the cycle first, the others of the knot in brackets. */
static const char *solved(void)
{
	static const char *const names[] = { "nobody else", "nobody known", "nobody who took" };
	static char text[512];
	uint32_t count;
	const struct knot *knots = graph_solve(graph, &count);
	FILE *out = fmemopen(text, sizeof(text), "w");

	for (uint32_t i = 0; i < count; i++) {
		const struct knot *knot = &knots[i];

		fprintf(out, "%s%s%s:", i ? "; " : "", names[knot->firmness],
			knot->until_timeout ? " until timeout" : "");
		for (uint32_t j = 0; j < knot->count; j++)
			fprintf(out, j < knot->cycle ? " %u" : " (%u)", knot->agents[j]);
		for (uint32_t j = 0; j < knot->behind_count; j++)
			fprintf(out, j ? " %u" : " behind %u", knot->behind[j]);
	}
	fputc('\0', out);
	fclose(out);
	return text;
}

#define SOLVED(expected) cr_assert_str_eq(solved(), expected, "%s", solved())

/* ---- Rings */

static void ring_is_found(uint32_t n)
{
	uint32_t count;
	const struct knot *knots;

	ring(n);
	knots = graph_solve(graph, &count);
	cr_assert_eq(count, 1);
	cr_assert_eq(knots[0].firmness, NOBODY_ELSE);
	cr_assert_eq(knots[0].count, n);
	cr_assert_eq(knots[0].cycle, n);
	for (uint32_t i = 0; i < n; i++)
		cr_assert_eq(knots[0].agents[i], i);
}

Test(deadlock_graph, ring_of_2)
{
	ring_is_found(2);
}

Test(deadlock_graph, ring_of_3)
{
	ring_is_found(3);
}

Test(deadlock_graph, ring_of_13)
{
	ring_is_found(13);
}

Test(deadlock_graph, ring_of_100)
{
	ring_is_found(100);
}

Test(deadlock_graph, ring_of_1000)
{
	ring_is_found(1000);
}

Test(deadlock_graph, a_chain_that_ends_in_somebody_who_runs_is_none)
{
	uint32_t a = graph_agent(graph), b = graph_agent(graph), c = graph_agent(graph);

	graph_waits_for(graph, a, held_by(b));
	graph_waits_for(graph, b, held_by(c));
	SOLVED("");
}

/* ---- All of what is in the way */

Test(deadlock_graph, a_writer_needs_all_readers_gone_so_one_that_waits_for_it_is_enough)
{
	uint32_t writer = graph_agent(graph), runs = graph_agent(graph), waits = graph_agent(graph);

	graph_waits_for(graph, writer, held_by(runs));
	graph_waits_for(graph, writer, held_by(waits));
	graph_waits_for(graph, waits, held_by(writer));
	SOLVED("nobody else: 0 2");
}

Test(deadlock_graph, two_upgraders_of_one_shared_lock)
{
	uint32_t a = graph_agent(graph), b = graph_agent(graph);

	graph_waits_for(graph, a, held_by(b));
	graph_waits_for(graph, b, held_by(a));
	SOLVED("nobody else: 0 1");
}

Test(deadlock_graph, one_thread_over_two_descriptions_waits_for_itself)
{
	uint32_t a = graph_agent(graph);

	graph_waits_for(graph, a, held_by(a));
	SOLVED("nobody else: 0");
}

Test(deadlock_graph, a_reader_that_only_queues_is_behind)
{
	uint32_t reader, last;

	ring(2);
	reader = graph_agent(graph);
	last = graph_agent(graph);
	graph_waits_for(graph, reader, held_by(1));
	graph_waits_for(graph, last, held_by(reader));
	SOLVED("nobody else: 0 1 behind 2 3");
}

Test(deadlock_graph, two_cycles_in_one_knot_are_told_as_one_and_the_rest)
{
	uint32_t c;

	ring(2);
	c = graph_agent(graph);
	graph_waits_for(graph, c, held_by(0));
	graph_waits_for(graph, 0, held_by(c));
	SOLVED("nobody else: 0 1 (2)");
}

Test(deadlock_graph, the_shortest_cycle_is_told_first_whoever_is_in_it)
{
	uint32_t d;

	ring(3);
	d = graph_agent(graph);
	graph_waits_for(graph, 2, held_by(d));
	graph_waits_for(graph, d, held_by(2));
	SOLVED("nobody else: 2 3 (0) (1)");
}

/* ---- Any of those who can release */

Test(deadlock_graph, another_thread_could_still_release)
{
	uint32_t a = graph_agent(graph), b = graph_agent(graph), other = graph_agent(graph);
	uint32_t hold = held_by(a);

	graph_can_release(graph, other, hold, false);
	graph_waits_for(graph, b, hold);
	graph_waits_for(graph, a, held_by(b));
	SOLVED("nobody who took: 0 1");
}

Test(deadlock_graph, another_thread_that_waits_for_the_same_could_not)
{
	uint32_t a = graph_agent(graph), b = graph_agent(graph), other = graph_agent(graph);
	uint32_t hold = held_by(a), wanted = held_by(b);

	graph_can_release(graph, other, hold, false);
	graph_waits_for(graph, b, hold);
	graph_waits_for(graph, a, wanted);
	graph_waits_for(graph, other, wanted);
	SOLVED("nobody else: 0 1 (2)");
}

Test(deadlock_graph, whose_taker_is_gone_any_sharer_may_release)
{
	uint32_t shell = graph_agent(graph), waiter = graph_agent(graph), hold = graph_hold(graph);

	graph_can_release(graph, shell, hold, false);
	graph_waits_for(graph, waiter, hold);
	SOLVED("");
}

Test(deadlock_graph, somebody_unknown_could_release)
{
	uint32_t a = graph_agent(graph), b = graph_agent(graph), hold = held_by(a);

	graph_unknown_releaser(graph, hold);
	graph_waits_for(graph, b, hold);
	graph_waits_for(graph, a, held_by(b));
	SOLVED("nobody known: 0 1");
}

Test(deadlock_graph, an_unknown_holder_proves_nothing)
{
	uint32_t a = graph_agent(graph), hold = graph_hold(graph);

	graph_unknown_releaser(graph, hold);
	graph_waits_for(graph, a, hold);
	graph_waits_for(graph, a, graph_hold(graph));
	SOLVED("");
}

Test(deadlock_graph, an_armed_timer_ends_it)
{
	ring(2);
	graph_has_timer(graph, 1);
	SOLVED("nobody else until timeout: 0 1");
}

/* ---- Children */

Test(deadlock_graph, a_parent_waits_for_its_child_that_waits_for_the_parents_lock)
{
	uint32_t parent = graph_agent(graph), child = graph_agent(graph);

	graph_waits_for(graph, child, held_by(parent));
	graph_awaits(graph, parent, child);
	SOLVED("nobody else: 0 1");
}

Test(deadlock_graph, a_parent_that_waits_for_any_child_is_free_when_one_runs)
{
	uint32_t parent = graph_agent(graph), child = graph_agent(graph);

	graph_waits_for(graph, child, held_by(parent));
	graph_awaits(graph, parent, child);
	graph_awaits(graph, parent, graph_agent(graph));
	SOLVED("");
}

Test(deadlock_graph, a_child_that_is_not_known_may_end)
{
	uint32_t parent = graph_agent(graph), child = graph_agent(graph);

	graph_waits_for(graph, child, held_by(parent));
	graph_awaits(graph, parent, child);
	graph_awaits_unknown(graph, parent);
	SOLVED("nobody known: 0 1");
}

/* ---- Small graphs, all their futures tried */

#define AGENTS 5
#define HOLDS  6

/* What a graph is made of, as bits; releasable[h]: by whom. */
struct small {
	unsigned needs[AGENTS], awaits[AGENTS], releasable[HOLDS];
};

static unsigned below(unsigned n)
{
	return (unsigned)rand() % n;
}

static struct small any_small(void)
{
	struct small small = { 0 };

	for (unsigned i = 0; i < HOLDS; i++)
		small.releasable[i] = 1u << below(AGENTS) | (below(3) ? 0 : 1u << below(AGENTS));
	for (unsigned i = 0; i < AGENTS; i++) {
		if (below(8) == 0)
			continue;
		if (below(5) == 0)
			small.awaits[i] = 1u << below(AGENTS) | 1u << below(AGENTS);
		else
			small.needs[i] = 1u << below(HOLDS) | (below(2) ? 0 : 1u << below(HOLDS));
	}
	return small;
}

/* Lets whoever can go on end, which drops all that it may release, until nobody can. */
static unsigned left_by_trying(const struct small *small)
{
	unsigned left = (1u << AGENTS) - 1, held = (1u << HOLDS) - 1, before;

	do {
		before = left;
		for (unsigned i = 0; i < AGENTS; i++) {
			bool child_ended = !small->awaits[i] || (small->awaits[i] & ~left);

			if (!(left >> i & 1) || (small->needs[i] & held) || !child_ended)
				continue;
			left &= ~(1u << i);
			for (unsigned j = 0; j < HOLDS; j++)
				if (small->releasable[j] >> i & 1)
					held &= ~(1u << j);
		}
	} while (left != before);
	return left;
}

static bool reaches(const struct small *small, unsigned from, unsigned to, unsigned left,
		    unsigned seen)
{
	unsigned next = small->awaits[from] & left;

	for (unsigned i = 0; i < HOLDS; i++)
		if ((small->needs[from] >> i & 1) && !(small->releasable[i] & ~left))
			next |= small->releasable[i];
	for (unsigned i = 0; i < AGENTS; i++)
		if ((next >> i & 1) &&
		    (i == to || (!(seen >> i & 1) && reaches(small, i, to, left, seen | 1u << i))))
			return true;
	return false;
}

static void draw(const struct small *small)
{
	for (unsigned i = 0; i < AGENTS; i++)
		graph_agent(graph);
	for (unsigned i = 0; i < HOLDS; i++) {
		graph_hold(graph);
		for (unsigned j = 0; j < AGENTS; j++)
			if (small->releasable[i] >> j & 1)
				graph_can_release(graph, j, i, false);
	}
	for (unsigned i = 0; i < AGENTS; i++) {
		for (unsigned j = 0; j < HOLDS; j++)
			if (small->needs[i] >> j & 1)
				graph_waits_for(graph, i, j);
		for (unsigned j = 0; j < AGENTS; j++)
			if (small->awaits[i] >> j & 1)
				graph_awaits(graph, i, j);
	}
}

static void check_small(unsigned seed)
{
	struct small small;
	unsigned left, in_knot[AGENTS] = { 0 }, told = 0;
	uint32_t count;
	const struct knot *knots;

	srand(seed);
	small = any_small();
	left = left_by_trying(&small);
	begin();
	draw(&small);
	knots = graph_solve(graph, &count);
	for (uint32_t i = 0; i < count; i++) {
		for (uint32_t j = 0; j < knots[i].count; j++)
			in_knot[knots[i].agents[j]] = i + 1;
		for (uint32_t j = 0; j < knots[i].count; j++)
			told |= 1u << knots[i].agents[j];
		for (uint32_t j = 0; j < knots[i].behind_count; j++)
			told |= 1u << knots[i].behind[j];
	}
	cr_assert_eq(told, left, "seed %u: %x, not %x", seed, told, left);
	for (unsigned i = 0; i < AGENTS; i++) {
		for (unsigned j = 0; j < AGENTS; j++) {
			bool both = (left >> i & 1) && (left >> j & 1) &&
				    reaches(&small, i, j, left, 0) &&
				    reaches(&small, j, i, left, 0);

			cr_assert_eq(in_knot[i] && in_knot[i] == in_knot[j], both,
				     "seed %u: %u and %u", seed, i, j);
		}
	}
	end();
}

Test(deadlock_graph, small_graphs_are_solved_as_by_trying_all)
{
	unsigned seed = (unsigned)time(NULL) * 100000;

	end();
	printf("seeds %u…\n", seed);
	for (unsigned i = 0; i < 20000; i++)
		check_small(seed + i);
	begin();
}
