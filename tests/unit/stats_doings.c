/* SPDX-License-Identifier: MIT */
/* What was seen of holders from outside, as a report counts it. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "stats_told.h"

STATS_SUITE(stats_doings);

/* Of process 1, which holds [0, 100) of /a. */
static void looked_between(uint64_t from, uint64_t to, enum doing doing, uint32_t looks)
{
	struct event event = { .kind = EVENT_DOING,
			       .position = 1,
			       .time = to,
			       .process = 1,
			       .tid = 1,
			       .stack = NONE,
			       .doing = { .doing = doing,
					  .call = CALL_UNKNOWN,
					  .looks = looks,
					  .end = 100,
					  .since = from } };

	tell_event(&event);
}

Test(stats_doings, looks_count_for_a_wait_as_far_as_they_were_taken_in_it)
{
	struct overlap overlap = overlap_of(1, 1000, 2000);
	const struct doing_looks *looks;

	looked_between(0, 999, DOING_STOPPED, 9);
	looked_between(500, 1500, DOING_SLEEPS, 10);
	looked_between(1500, 1900, DOING_RUNS, 7);
	looked_between(2000, 2001, DOING_STOPPED, 9);
	wait_between(1000, 2000, &overlap, 1);
	looks = finish()->waits[0].holders[0].doing;
	cr_assert_not_null(looks);
	cr_expect_eq(looks->looks, 12);
	cr_assert_eq(looks->count, 2);
	cr_expect_eq(looks->of[0].doing, DOING_RUNS);
	cr_expect_eq(looks->of[0].looks, 7);
	cr_expect_eq(looks->of[1].looks, 5);
}

Test(stats_doings, looks_at_one_holder_say_nothing_of_another)
{
	struct overlap overlap = overlap_of(2, 1000, 2000);
	const struct report *report;

	looked_between(1000, 2000, DOING_RUNS, 50);
	wait_between(1000, 2000, &overlap, 1);
	report = finish();
	cr_expect_null(report->waits[0].holders[0].doing);
	cr_expect_eq(report->resources[0].doing->looks, 50);
}
