/* SPDX-License-Identifier: MIT */
/* What a report makes of waits, and whom it blames. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <time.h>

#include "stats_told.h"

STATS_SUITE(stats_waits);

Test(stats_waits, a_wait_is_charged_to_the_one_who_held)
{
	struct overlap overlap = overlap_of(1, 10, 110);
	const struct report *report;

	wait_between(10, 110, &overlap, 1);
	report = finish();
	cr_assert_eq(report->blame_count, 1);
	cr_expect_eq(report->blame[0].holder_stack, 1);
	cr_expect_eq(report->blame[0].holder_process, 1);
	cr_expect_eq(report->blame[0].exclusive, 100);
	cr_expect_eq(report->blame[0].inclusive, 100);
	cr_expect_eq(report->blame[0].waits, 1);
	cr_expect_eq(report->untraced_holders, 0);
}

Test(stats_waits, two_processes_at_one_site_are_blamed_each_for_its_own)
{
	struct overlap overlaps[] = { overlap_of(1, 0, 30), overlap_of(2, 30, 100) };
	const struct report *report;

	overlaps[1].hold.stack = 1;
	wait_between(0, 100, overlaps, 2);
	report = finish();
	cr_assert_eq(report->blame_count, 2);
	cr_expect_eq(report->blame[0].holder_process, 2);
	cr_expect_eq(report->blame[0].exclusive, 70);
	cr_expect_eq(report->blame[1].holder_process, 1);
	cr_expect_eq(report->blame[1].exclusive, 30);
}

Test(stats_waits, two_who_hold_together_share_the_blame_while_they_do)
{
	/* 0-40 only 1, 40-100 both, 100-101 nobody. */
	struct overlap overlaps[] = { overlap_of(1, 0, 100), overlap_of(2, 40, 100) };
	const struct report *report;

	wait_between(0, 101, overlaps, 2);
	report = finish();
	cr_expect_eq(blame_on(report, 1)->exclusive, 70);
	cr_expect_eq(blame_on(report, 1)->inclusive, 100);
	cr_expect_eq(blame_on(report, 2)->exclusive, 30);
	cr_expect_eq(blame_on(report, 2)->inclusive, 60);
	cr_expect_eq(blame_on(report, NONE)->exclusive, 1);
	cr_expect_eq(blame_on(report, NONE)->holder_process, NONE);
}

Test(stats_waits, exclusive_blame_adds_up_to_the_waits_whatever_overlaps)
{
	unsigned first_seed = (unsigned)time(NULL), seed = first_seed;
	const struct report *report;
	uint64_t sum = 0;

	for (int i = 0; i < 500; i++) {
		struct overlap overlaps[8];
		uint32_t count = (uint32_t)rand_r(&seed) % 9;
		uint64_t from = (uint64_t)rand_r(&seed) % 1000;
		uint64_t length = 1 + (uint64_t)rand_r(&seed) % 1000;

		for (uint32_t j = 0; j < count; j++) {
			uint64_t begins = from + (uint64_t)rand_r(&seed) % length;
			uint64_t ends = begins + (uint64_t)rand_r(&seed) % (from + length - begins);

			overlaps[j] = overlap_of((uint32_t)rand_r(&seed) % 4, begins, ends);
		}
		wait_between(from, from + length, overlaps, count);
	}
	report = finish();
	for (uint32_t i = 0; i < report->blame_count; i++) {
		sum += report->blame[i].exclusive;
		cr_expect_leq(report->blame[i].exclusive, report->blame[i].inclusive);
	}
	cr_expect_eq(wait_parts_sum(&report->parts), report->wait_ns, "seed %u", first_seed);
	cr_expect_eq(report->unbalanced, 0, "seed %u", first_seed);
	cr_expect_eq(sum, report->wait_ns, "seed %u: blamed %llu of %llu", first_seed,
		     (unsigned long long)sum, (unsigned long long)report->wait_ns);
}

Test(stats_waits, only_the_longest_waits_are_kept_and_the_others_still_count)
{
	const struct report *report;

	begin_again(3);
	for (uint64_t length = 1; length <= 10; length++)
		wait_between(0, length * 7 % 11, NULL, 0);
	report = finish();
	cr_assert_eq(report->wait_count, 3);
	cr_expect_eq(report->waits[0].duration, 10);
	cr_expect_eq(report->waits[1].duration, 9);
	cr_expect_eq(report->waits[2].duration, 8);
	cr_expect_eq(report->waits_omitted, 7);
	cr_expect_eq(report->waits_total, 10);
	cr_expect_eq(report->wait_ns, 55);
	cr_expect_eq(report->resources[0].contended, 10);
}

Test(stats_waits, what_a_wait_lasted_at_most_does_not_make_it_the_longest)
{
	const struct report *report;

	wait_between(1000, 1300, NULL, 0);
	model.wait(model.context, &(struct wait){ .process = 2,
						  .file = 0,
						  .stack = NONE,
						  .end = 100,
						  .begin = 2000,
						  .finish = 9000,
						  .outcome = OUTCOME_DIED,
						  .at_most = true });
	wait_between(3000, 3100, NULL, 0);
	report = finish();
	cr_assert_eq(report->wait_count, 3);
	cr_expect_eq(report->waits[0].duration, 300);
	cr_expect_eq(report->waits[1].duration, 100);
	cr_expect(report->waits[2].at_most);
	cr_expect_eq(report->blame[0].waiter_stack, NONE);
	cr_expect_eq(report->blame[0].at_most, 7000);
	cr_expect_eq(report->blame[1].at_most, 0);
}

Test(stats_waits, one_who_comes_back_with_the_same_lock_is_one_holder)
{
	struct overlap overlaps[] = { overlap_of(1, 0, 10), overlap_of(2, 10, 40),
				      overlap_of(1, 40, 90) };
	const struct report *report;

	wait_between(0, 90, overlaps, 3);
	report = finish();
	cr_assert_eq(report->waits[0].holder_count, 2);
	cr_expect_eq(report->waits[0].holders[0].process, 1);
	cr_expect_eq(report->waits[0].holders[0].overlap, 60);
	cr_expect_eq(report->waits[0].holders[1].overlap, 30);
	cr_expect_eq(blame_on(report, 1)->waits, 1, "one wait, however often it held");
}

Test(stats_waits, a_wait_without_a_known_holder_says_so)
{
	const struct report *report;

	wait_between(5, 25, NULL, 0);
	report = finish();
	cr_expect(report->waits[0].holder_unknown);
	cr_expect_eq(report->waits[0].parts.unknown, 20);
	cr_expect_eq(report->untraced_holders, 1);
	cr_expect_eq(blame_on(report, NONE)->exclusive, 20);
}

Test(stats_waits, a_request_that_the_end_cut_off_counts_as_request_and_as_waiting)
{
	struct wait wait = { .begin = 10, .finish = 60, .end = 100, .outcome = OUTCOME_WAITING };
	const struct report *report;

	model.wait(model.context, &wait);
	report = finish();
	cr_expect_eq(report->requests, 1);
	cr_expect_eq(report->still_waiting, 1);
	cr_expect_eq(report->longest_pending, 50);
}

Test(stats_waits, a_request_that_never_came_back_counts_as_request)
{
	struct wait wait = { .finish = 50, .end = 100, .outcome = OUTCOME_ABANDONED };
	const struct report *report;

	model.wait(model.context, &wait);
	report = finish();
	cr_expect_eq(report->requests, 1);
	cr_expect_eq(report->still_waiting, 0);
}

Test(stats_waits, time_of_holds_too_many_to_keep_is_not_unknown)
{
	struct overlap overlap = overlap_of(1, 0, 10);
	struct wait wait = {
		.process = 9,
		.tid = 9,
		.stack = 9,
		.mode = MODE_EXCLUSIVE,
		.end = 100,
		.finish = 1000,
		.overlaps = &overlap,
		.overlap_count = 1,
		.overlaps_omitted = 70,
		.covered = 700,
		.hand_off = 100,
		.holder_unknown = true,
	};
	const struct report *report;

	model.wait(model.context, &wait);
	report = finish();
	cr_expect_eq(report->waits[0].parts.unknown, 200);
	cr_expect_eq(report->waits[0].parts.held, 10);
	cr_expect_eq(report->waits[0].parts.omitted, 690);
	cr_expect_eq(report->waits[0].parts.hand_off, 100);
	cr_expect_eq(blame_on(report, NONE)->exclusive, 990);
	cr_expect_eq(blame_on(report, NONE)->hand_off, 100);
	cr_expect_eq(report->waits[0].holds_omitted, 70);
	cr_expect_eq(report->parts.unknown, 200);
}

Test(stats_waits, the_holder_is_who_kept_the_lock_and_the_taker_is_named_too)
{
	struct overlap overlap = overlap_of(1, 0, 90);
	const struct report *report;

	overlap.hold.keeper = 2;
	wait_between(0, 90, &overlap, 1);
	report = finish();
	cr_assert_eq(report->waits[0].holder_count, 1);
	cr_expect_eq(report->waits[0].holders[0].process, 2);
	cr_expect_eq(report->waits[0].holders[0].tid, 0, "which of its threads, nobody knows");
	cr_expect_eq(report->waits[0].holders[0].taker, 1);
	cr_expect_eq(report->waits[0].holders[0].stack, 1);
	cr_expect_eq(report->blame[0].holder_process, 2);
	cr_expect_eq(report->blame[0].taker, 1);
}
