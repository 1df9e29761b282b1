/* SPDX-License-Identifier: MIT */
/* Convoys, holds that contain waits, shares. Times are ns since the trace began. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "analyzer/stats/builder.h"

static const struct file_info files[] = { { .path = "/a" }, { .path = "/b" } };
static struct catalog catalog;
static struct report_builder *builder;
static struct model_callbacks model;

static void set_up(void)
{
	catalog = (struct catalog){ .files = files, .file_count = 2 };
	builder = report_builder_new(0, NULL);
	model = report_builder_callbacks(builder);
}

static void tear_down(void)
{
	report_builder_free(builder);
}

TestSuite(queues, .init = set_up, .fini = tear_down);

static void waits(uint32_t process, uint32_t file, uint64_t from, uint64_t to)
{
	struct wait wait = {
		.process = process,
		.tid = process,
		.file = file,
		.mode = MODE_EXCLUSIVE,
		.end = 100,
		.begin = from,
		.finish = to,
	};

	model.wait(model.context, &wait);
}

static struct hold hold_of(uint32_t process, uint32_t file, uint64_t from, uint64_t to)
{
	return (struct hold){
		.file = file,
		.mode = MODE_EXCLUSIVE,
		.end = 100,
		.process = process,
		.tid = process,
		.keeper = process,
		.granted = from,
		.released = to,
		.how = HOLD_RELEASED,
	};
}

static void holds(uint32_t process, uint32_t file, uint64_t from, uint64_t to)
{
	struct hold hold = hold_of(process, file, from, to);

	model.hold(model.context, &hold);
}

static const struct resource *resource_of(const struct report *report, uint32_t file)
{
	for (uint32_t i = 0; i < report->resource_count; i++)
		if (report->resources[i].file == file)
			return &report->resources[i];
	return NULL;
}

static const struct resource *finish(void)
{
	return resource_of(report_builder_finish(builder, &catalog), 0);
}

Test(queues, waits_that_follow_on_one_another_without_a_gap_are_a_convoy)
{
	const struct resource *resource;

	for (uint32_t i = 0; i < CONVOY_WAITS; i++)
		waits(i % 2, 0, 1000 + 10 * i, 1000 + 10 * i + 11);
	waits(3, 0, 5000, 9000);
	resource = finish();
	cr_expect_eq(resource->convoy_waits, CONVOY_WAITS);
	cr_expect_eq(resource->convoy_begin, 1000);
	cr_expect_eq(resource->convoy, 10 * (CONVOY_WAITS - 1) + 11);
}

Test(queues, a_moment_without_a_waiter_ends_a_convoy)
{
	for (uint32_t i = 0; i < CONVOY_WAITS - 1; i++)
		waits(i % 2, 0, 1000 + 10 * i, 1000 + 10 * i + 11);
	for (uint32_t i = 0; i < CONVOY_WAITS - 1; i++)
		waits(i % 2, 0, 2000 + 10 * i, 2000 + 10 * i + 11);
	cr_expect_eq(finish()->convoy_waits, 0);
}

Test(queues, a_long_wait_joins_all_that_ended_during_it)
{
	const struct resource *resource;

	for (uint32_t i = 0; i < CONVOY_WAITS - 1; i++)
		waits(1, 0, 1000 + 10 * i, 1000 + 10 * i + 5);
	waits(2, 0, 1002, 2000);
	resource = finish();
	cr_expect_eq(resource->convoy_waits, CONVOY_WAITS);
	cr_expect_eq(resource->convoy_begin, 1000);
	cr_expect_eq(resource->convoy, 1000);
}

Test(queues, one_process_alone_is_no_convoy)
{
	for (uint32_t i = 0; i < 2 * CONVOY_WAITS; i++)
		waits(1, 0, 1000 + 10 * i, 1000 + 10 * i + 11);
	cr_expect_eq(finish()->convoy_waits, 0);
}

Test(queues, a_hold_contains_the_waits_of_who_took_it_and_no_others)
{
	const struct resource *resource;

	waits(1, 0, 50, 100); /* for this hold */
	waits(1, 1, 110, 130);
	waits(2, 1, 110, 140); /* somebody else */
	waits(1, 1, 150, 180);
	holds(1, 0, 100, 200);
	holds(1, 0, 300, 400);
	resource = finish();
	cr_expect_eq(resource->nested, 1);
	cr_expect_eq(resource->nested_waits, 50);
}

Test(queues, what_another_keeps_is_not_held_by_its_taker_any_more)
{
	struct hold hold = hold_of(1, 0, 100, 200);
	const struct resource *resource;

	waits(1, 1, 110, 130);
	waits(1, 1, 150, 180);
	hold.keeper = 2;
	hold.kept_since = 160;
	hold.taker_until = 140;
	model.hold(model.context, &hold);
	resource = finish();
	cr_expect_eq(resource->nested, 1);
	cr_expect_eq(resource->nested_waits, 20);
}

Test(queues, a_long_hold_whose_end_was_learnt_late_counts_in_full)
{
	for (uint64_t i = 0; i < 1000; i++)
		holds(1, 0, 100000 + 10 * i, 100000 + 10 * i + 5);
	holds(2, 0, 1000, 51000);
	cr_expect_eq(finish()->busy, 1000 * 5 + 50000);
}

Test(queues, shares_are_of_the_recorded_time_and_of_all_requests)
{
	struct request request = { .mode = MODE_EXCLUSIVE, .end = 100, .may_block = true };
	const struct report whole = { .recorded = 5000 }, *report;
	const struct resource *resource, none = { 0 };
	const struct resource unanswered = { .contended = 1 }, longer = { .busy = 5001 };

	for (unsigned i = 0; i < 8; i++)
		model.request(model.context, &request);
	waits(1, 0, 1000, 2000);
	waits(2, 0, 2000, 3000);
	holds(3, 0, 1000, 3000);
	holds(4, 0, 2000, 3500);
	catalog.quality.last_time = 10000;
	report = report_builder_finish(builder, &catalog);
	resource = resource_of(report, 0);
	cr_expect_eq(contended_share(resource), 250);
	cr_expect_eq(busy_share(report, resource), 250);
	cr_expect_eq(contended_share(&unanswered), 1000);
	cr_expect_eq(contended_share(&none), 0);
	cr_expect_eq(busy_share(&whole, &longer), 1000);
}
