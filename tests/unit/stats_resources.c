/* SPDX-License-Identifier: MIT */
/* What a report tells of each resource. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "stats_told.h"

STATS_SUITE(stats_resources);

static void holds_between(uint32_t process, uint64_t granted, uint64_t released)
{
	struct hold hold = hold_of(process, 0, 100);

	hold.granted = granted;
	hold.released = released;
	model.hold(model.context, &hold);
}

Test(stats_resources, time_in_which_several_held_is_counted_once)
{
	uint64_t expected = 90;
	const struct report *report;

	holds_between(1, 0, 40);
	holds_between(2, 50, 60);
	holds_between(3, 30, 70);
	holds_between(4, 100, 120);
	for (uint64_t i = 1; i <= 1000; i++, expected += 3)
		holds_between(1, i * 1000, i * 1000 + 3);
	report = finish();
	cr_expect_eq(report->resources[0].busy, expected);
	cr_expect_eq(report->resources[0].hold.total, expected + 20);
}

Test(stats_resources, a_queue_is_as_long_as_many_waited_at_one_moment)
{
	const struct report *report;

	wait_between(0, 10, NULL, 0);
	wait_between(5, 20, NULL, 0);
	wait_between(8, 30, NULL, 0);
	wait_between(20, 40, NULL, 0);
	report = finish();
	cr_expect_eq(report->resources[0].queue_max, 3);
}

Test(stats_resources, owners_and_hand_overs_are_counted_by_process)
{
	static const uint32_t order[] = { 1, 1, 2, 1, 3, 3 };
	const struct report *report;

	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++) {
		struct request request = { .process = order[i],
					   .mode = MODE_EXCLUSIVE,
					   .end = 100 };

		model.request(model.context, &request);
	}
	report = finish();
	cr_expect_eq(report->resources[0].owners, 3);
	cr_expect_eq(report->resources[0].hand_overs, 3);
	cr_expect_not(report->resources[0].owners_omitted);
}

Test(stats_resources, who_is_overtaken_more_than_twice_its_queue_starves)
{
	struct overlap overlaps[] = { overlap_of(1, 0, 10), overlap_of(2, 10, 20),
				      overlap_of(3, 20, 30), overlap_of(4, 30, 40) };
	const struct report *report;

	for (uint32_t i = 1; i < 4; i++)
		overlaps[i].hold.granted = overlaps[i].begin;
	wait_between(0, 30, overlaps, 3);
	report = finish();
	cr_expect_eq(report->resources[0].overtaken_max, 2);
	cr_expect_eq(report->resources[0].starved, 0);
	begin_again(0);
	wait_between(0, 40, overlaps, 4);
	report = finish();
	cr_expect_eq(report->resources[0].overtaken_max, 3);
	cr_expect_eq(report->resources[0].starved, 1);
}

Test(stats_resources, what_is_left_of_a_split_lock_counts_for_the_range_that_was_asked_for)
{
	struct hold left = hold_of(1, 0, 40), right = hold_of(1, 60, 100);
	const struct report *report;

	left.granted = 10, left.released = 30;
	right.granted = 10, right.released = 110;
	request(0, 0, RANGE_TO_EOF, 0);
	request(0, 0, 100, 0);
	model.hold(model.context, &left);
	model.hold(model.context, &right);
	report = finish();
	cr_assert_eq(report->resource_count, 2);
	cr_expect_eq(report->resources[0].end, 100);
	cr_expect_eq(report->resources[0].hold.count, 2);
	cr_expect_eq(report->resources[0].hold.total, 120);
	cr_expect_eq(report->resources[0].hold.max, 100);
	cr_expect_eq(report->resources[1].hold.count, 0);
}

Test(stats_resources, a_part_that_is_asked_for_later_becomes_a_resource_of_its_own)
{
	struct hold part = hold_of(1, 0, 40);
	const struct report *report;

	request(0, 0, 100, 0);
	model.hold(model.context, &part);
	request(0, 0, 40, 0);
	report = finish();
	cr_assert_eq(report->resource_count, 2);
	cr_expect_eq(report->resources[0].end, 40);
	cr_expect_eq(report->resources[0].acquisitions, 1);
	cr_expect_eq(report->resources[1].acquisitions, 1);
}

Test(stats_resources, the_two_worlds_of_one_file_are_two_resources)
{
	struct request flock = { .world = FLOCK_LOCKS, .mode = MODE_SHARED, .end = RANGE_TO_EOF };
	const struct report *report;

	model.request(model.context, &flock);
	request(0, 0, RANGE_TO_EOF, 0);
	report = finish();
	cr_assert_eq(report->resource_count, 2);
	cr_expect_eq(report->resources[0].world, RECORD_LOCKS);
	cr_expect_eq(report->resources[1].world, FLOCK_LOCKS);
}

Test(stats_resources, endless_ranges_of_a_file_are_folded_into_one_line_that_says_so)
{
	const struct report *report;
	uint64_t acquisitions = 0;
	uint32_t folded = 0;

	for (uint64_t i = 0; i < RESOURCES_PER_FILE + 1000; i++)
		request(0, i * 10, i * 10 + 5, 0);
	request(0, 0, 5, 0);
	request(1, 7, 8, 0);
	report = finish();
	cr_expect_eq(report->resource_count, RESOURCES_PER_FILE + 2);
	for (uint32_t i = 0; i < report->resource_count; i++) {
		const struct resource *resource = &report->resources[i];

		acquisitions += resource->acquisitions;
		if (!resource->folded)
			continue;
		folded++;
		cr_expect_eq(resource->acquisitions, 1000);
		cr_expect_eq(resource->start, RESOURCES_PER_FILE * 10);
		cr_expect_eq(resource->end, (RESOURCES_PER_FILE + 999) * 10 + 5);
	}
	cr_expect_eq(folded, 1);
	cr_expect_eq(acquisitions, RESOURCES_PER_FILE + 1002);
}

Test(stats_resources, resources_come_by_time_waited_then_by_path_and_range)
{
	const struct report *report;

	request(1, 0, 10, 0);
	request(0, 50, 60, 0);
	request(0, 20, 30, 0);
	wait_between(0, 10, NULL, 0);
	report = finish();
	cr_assert_eq(report->resource_count, 4);
	cr_expect_eq(report->resources[0].wait.total, 10);
	cr_expect_eq(report->waits[0].resource, 0);
	cr_expect_eq(report->blame[0].resource, 0);
	cr_expect_eq(report->resources[1].start, 20);
	cr_expect_eq(report->resources[2].start, 50);
	cr_expect_eq(report->resources[3].file, 1);
}
