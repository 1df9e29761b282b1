/* SPDX-License-Identifier: MIT */
/* Holders that wait themselves pass the blame on. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <time.h>

#include "stats_told.h"

STATS_SUITE(stats_chains);

/* A process (and its only thread) waits from 0 on for a file that another one holds. */
static void waits_for(uint32_t process, uint32_t file, uint64_t to, uint32_t holder)
{
	struct overlap overlap = overlap_of(holder, 0, to);
	struct wait wait = {
		.process = process,
		.tid = process,
		.file = file,
		.stack = process,
		.mode = MODE_EXCLUSIVE,
		.end = 100,
		.finish = to,
		.overlaps = &overlap,
		.overlap_count = 1,
	};

	overlap.hold.file = file;
	model.wait(model.context, &wait);
}

static uint64_t root_of(const struct report *report, uint32_t waiter, uint32_t holder)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < report->root_count; i++)
		if (report->roots[i].waiter_stack == waiter &&
		    report->roots[i].holder_stack == holder)
			sum += report->roots[i].exclusive;
	return sum;
}

Test(stats_chains, a_holder_that_waited_itself_passes_the_blame_on_to_the_root)
{
	const struct report *report;

	waits_for(2, 0, 60, 1);
	waits_for(3, 1, 100, 2);
	report = finish();
	cr_expect_eq(blame_on(report, 2)->exclusive, 100, "directly it was 2");
	cr_expect_eq(root_of(report, 3, 1), 60);
	cr_expect_eq(root_of(report, 3, 2), 40, "what 2 did with the lock once it ran again");
	cr_expect_eq(report->waits[0].holders[0].passed_on, 60);
	cr_expect_eq(report->waits[0].holders[0].root_process, 1);
	cr_expect_eq(report->waits[0].holders[0].passed_file, 0);
	cr_expect_eq(report->waits[1].holders[0].passed_on, 0);
	cr_assert_eq(report->process_count, 3);
	cr_expect_eq(report->processes[0].process, 1);
	cr_expect_eq(report->processes[0].root, 120);
	cr_expect_eq(report->processes[0].exclusive, 60);
	cr_expect_eq(report->unbalanced, 0);
}

Test(stats_chains, a_chain_is_followed_though_its_end_was_told_last)
{
	const struct report *report;

	waits_for(4, 2, 90, 3);
	waits_for(3, 1, 95, 2);
	waits_for(2, 0, 99, 1);
	report = finish();
	cr_expect_eq(root_of(report, 4, 1), 90);
	cr_expect_eq(root_of(report, 3, 1), 95);
	cr_expect_eq(report->unbalanced, 0);
}

Test(stats_chains, a_deadlock_is_no_endless_chain_and_nobody_is_the_root_of_the_own_wait)
{
	const struct report *report;

	waits_for(1, 0, 100, 2);
	waits_for(2, 1, 100, 1);
	waits_for(3, 2, 100, 1);
	report = finish();
	cr_expect_eq(root_of(report, 1, 2), 100);
	cr_expect_eq(root_of(report, 2, 1), 100);
	cr_expect_eq(root_of(report, 3, 1) + root_of(report, 3, 2), 100);
	cr_expect_eq(report->unbalanced, 0);
}

Test(stats_chains, roots_add_up_to_the_waits_whatever_waits_for_what)
{
	unsigned first_seed = (unsigned)time(NULL), seed = first_seed;
	const struct report *report;

	for (int i = 0; i < 3000; i++) {
		struct overlap overlaps[6];
		uint32_t count = (uint32_t)rand_r(&seed) % 7, who = 1 + (uint32_t)rand_r(&seed) % 6;
		uint64_t from = (uint64_t)i * 10, length = 1 + (uint64_t)rand_r(&seed) % 300;
		struct wait wait = {
			.process = who,
			.tid = who,
			.stack = who,
			.file = (uint32_t)rand_r(&seed) % 2,
			.end = 100,
			.begin = from,
			.finish = from + length,
			.overlaps = overlaps,
			.overlap_count = count,
		};

		for (uint32_t j = 0; j < count; j++) {
			uint64_t begins = from + (uint64_t)rand_r(&seed) % length;
			uint64_t ends = begins + (uint64_t)rand_r(&seed) % (from + length - begins);

			overlaps[j] = overlap_of(1 + (uint32_t)rand_r(&seed) % 6, begins, ends);
		}
		model.wait(model.context, &wait);
	}
	report = finish();
	cr_expect_eq(report->unbalanced, 0, "seed %u: %llu ns", first_seed,
		     (unsigned long long)report->unbalanced);
}
