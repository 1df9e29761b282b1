/* SPDX-License-Identifier: MIT */
/* The report builder, fed with what a model finds. Times are ns since the trace began. */
#include "analyzer/stats/report.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "analyzer/stats/builder.h"

static const struct file_info files[] = { { .path = "/a" }, { .path = "/b" } };
static const struct catalog catalog = { .files = files, .file_count = 2 };

static struct report_builder *builder;
static struct model_callbacks model;

static void begin(uint32_t waits_kept)
{
	builder = report_builder_new(waits_kept, NULL);
	model = report_builder_callbacks(builder);
}

static void set_up(void)
{
	begin(0);
}

static void tear_down(void)
{
	report_builder_free(builder);
}

TestSuite(stats, .init = set_up, .fini = tear_down);

static const struct report *finish(void)
{
	return report_builder_finish(builder, &catalog);
}

static struct hold hold_of(uint32_t process, uint64_t start, uint64_t end)
{
	return (struct hold){
		.file = 0,
		.mode = MODE_EXCLUSIVE,
		.start = start,
		.end = end,
		.process = process,
		.tid = process,
		.keeper = process,
		.stack = process,
		.how = HOLD_RELEASED,
	};
}

static struct overlap overlap_of(uint32_t process, uint64_t from, uint64_t to)
{
	return (struct overlap){ .hold = hold_of(process, 0, 100), .begin = from, .end = to };
}

/* Process 9 waits for [0, 100) of /a. */
static void wait_between(uint64_t from, uint64_t to, const struct overlap *overlaps, uint32_t count)
{
	struct wait wait = {
		.process = 9,
		.tid = 9,
		.stack = 9,
		.mode = MODE_EXCLUSIVE,
		.end = 100,
		.begin = from,
		.finish = to,
		.overlaps = overlaps,
		.overlap_count = count,
	};

	model.wait(model.context, &wait);
}

static void request(uint32_t file, uint64_t start, uint64_t end, int error)
{
	struct request request = {
		.file = file,
		.mode = MODE_EXCLUSIVE,
		.start = start,
		.end = end,
		.error = error,
	};

	model.request(model.context, &request);
}

static const struct blame *blame_on(const struct report *report, uint32_t holder_stack)
{
	for (uint32_t i = 0; i < report->blame_count; i++)
		if (report->blame[i].holder_stack == holder_stack)
			return &report->blame[i];
	return NULL;
}

Test(stats, a_wait_is_charged_to_the_one_who_held)
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

Test(stats, two_processes_at_one_site_are_blamed_each_for_its_own)
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

Test(stats, two_who_hold_together_share_the_blame_while_they_do)
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

Test(stats, exclusive_blame_adds_up_to_the_waits_whatever_overlaps)
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

Test(stats, only_the_longest_waits_are_kept_and_the_others_still_count)
{
	const struct report *report;

	tear_down();
	begin(3);
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

Test(stats, what_a_wait_lasted_at_most_does_not_make_it_the_longest)
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
}

Test(stats, one_who_comes_back_with_the_same_lock_is_one_holder)
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

Test(stats, a_wait_without_a_known_holder_says_so)
{
	const struct report *report;

	wait_between(5, 25, NULL, 0);
	report = finish();
	cr_expect(report->waits[0].holder_unknown);
	cr_expect_eq(report->waits[0].parts.unknown, 20);
	cr_expect_eq(report->untraced_holders, 1);
	cr_expect_eq(blame_on(report, NONE)->exclusive, 20);
}

Test(stats, a_request_that_the_end_cut_off_counts_as_request_and_as_waiting)
{
	struct wait wait = { .begin = 10, .finish = 60, .end = 100, .outcome = OUTCOME_WAITING };
	const struct report *report;

	model.wait(model.context, &wait);
	report = finish();
	cr_expect_eq(report->requests, 1);
	cr_expect_eq(report->still_waiting, 1);
	cr_expect_eq(report->longest_pending, 50);
}

Test(stats, a_request_that_never_came_back_counts_as_request)
{
	struct wait wait = { .finish = 50, .end = 100, .outcome = OUTCOME_ABANDONED };
	const struct report *report;

	model.wait(model.context, &wait);
	report = finish();
	cr_expect_eq(report->requests, 1);
	cr_expect_eq(report->still_waiting, 0);
}

Test(stats, an_error_of_two_processes_is_counted_for_each)
{
	struct request of_one = { .file = 0, .end = 100, .error = ENOLCK, .process = 1 };
	struct request of_other = of_one;
	const struct report *report;

	of_other.process = 2;
	model.request(model.context, &of_one);
	model.request(model.context, &of_other);
	model.request(model.context, &of_other);
	report = finish();
	cr_assert_eq(report->error_count, 2);
	cr_expect(report->errors[0].process == 2 && report->errors[0].count == 2);
	cr_expect(report->errors[1].process == 1 && report->errors[1].count == 1);
}

Test(stats, failed_tries_and_errors_are_told_apart_and_both_listed)
{
	const struct report *report;

	request(0, 0, 100, 0);
	request(0, 0, 100, EAGAIN);
	request(0, 0, 100, EACCES);
	request(0, 0, 100, EAGAIN);
	request(0, 0, 100, ENOLCK);
	report = finish();
	cr_expect_eq(report->requests, 5);
	cr_expect_eq(report->failed, 4);
	cr_expect_eq(report->resources[0].acquisitions, 1);
	cr_expect_eq(report->resources[0].failed_tries, 3);
	cr_expect_eq(report->resources[0].errors, 1);
	cr_assert_eq(report->error_count, 3);
	cr_expect_eq(report->errors[0].error, EAGAIN);
	cr_expect_eq(report->errors[0].count, 2);
}

Test(stats,
     tries_that_found_the_lock_taken_are_counted_and_blocking_requests_and_unlocks_are_no_tries)
{
	struct request query = { .mode = MODE_EXCLUSIVE, .query = true, .end = 100 };
	struct request blocking = { .mode = MODE_EXCLUSIVE, .may_block = true, .end = 100 };
	struct request unlock = { .mode = MODE_UNLOCK, .end = 100 };
	const struct report *report;
	unsigned conflicts = 0;

	request(0, 0, 100, 0);
	request(0, 0, 100, EAGAIN);
	request(0, 0, 100, ENOLCK);
	model.request(model.context, &query);
	query.found = true;
	model.request(model.context, &query);
	query.found = false;
	query.error = EACCES; /* F_TEST */
	model.request(model.context, &query);
	blocking.error = EAGAIN;
	model.request(model.context, &blocking);
	model.request(model.context, &unlock);
	report = finish();
	cr_expect_eq(report->requests, 8);
	cr_expect_eq(report->tries, 6);
	cr_expect_eq(report->tries_taken, 3);
	cr_expect_eq(report->found, 1);
	cr_assert_eq(report->error_count, 4);
	for (uint32_t i = 0; i < report->error_count; i++)
		conflicts += report->errors[i].conflict;
	cr_expect_eq(conflicts, 2);
}

Test(stats, time_of_holds_too_many_to_keep_is_not_unknown)
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

Test(stats, the_holder_is_who_kept_the_lock_and_the_taker_is_named_too)
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

Test(stats, a_holder_that_waited_itself_passes_the_blame_on_to_the_root)
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

Test(stats, a_chain_is_followed_though_its_end_was_told_last)
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

Test(stats, a_deadlock_is_no_endless_chain_and_nobody_is_the_root_of_the_own_wait)
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

Test(stats, roots_add_up_to_the_waits_whatever_waits_for_what)
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

static void holds_between(uint32_t process, uint64_t granted, uint64_t released)
{
	struct hold hold = hold_of(process, 0, 100);

	hold.granted = granted;
	hold.released = released;
	model.hold(model.context, &hold);
}

Test(stats, time_in_which_several_held_is_counted_once)
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

Test(stats, a_queue_is_as_long_as_many_waited_at_one_moment)
{
	const struct report *report;

	wait_between(0, 10, NULL, 0);
	wait_between(5, 20, NULL, 0);
	wait_between(8, 30, NULL, 0);
	wait_between(20, 40, NULL, 0);
	report = finish();
	cr_expect_eq(report->resources[0].queue_max, 3);
}

Test(stats, owners_and_hand_overs_are_counted_by_process)
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

Test(stats, who_is_overtaken_more_than_twice_its_queue_starves)
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
	tear_down();
	set_up();
	wait_between(0, 40, overlaps, 4);
	report = finish();
	cr_expect_eq(report->resources[0].overtaken_max, 3);
	cr_expect_eq(report->resources[0].starved, 1);
}

Test(stats, a_call_on_a_bad_descriptor_is_an_error_but_no_resource)
{
	const struct report *report;

	request(NONE, 0, 100, EBADF);
	request(0, 100, 100, EINVAL);
	report = finish();
	cr_expect_eq(report->resource_count, 0);
	cr_expect_eq(report->error_count, 2);
}

Test(stats, unlocks_and_queries_are_requests_but_no_acquisitions)
{
	struct request unlock = { .mode = MODE_UNLOCK, .end = 100 };
	struct request query = { .mode = MODE_EXCLUSIVE, .query = true, .end = 100 };
	const struct report *report;

	model.request(model.context, &unlock);
	model.request(model.context, &query);
	report = finish();
	cr_expect_eq(report->requests, 2);
	cr_expect_eq(report->resource_count, 0);
}

Test(stats, what_is_left_of_a_split_lock_counts_for_the_range_that_was_asked_for)
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

Test(stats, a_part_that_is_asked_for_later_becomes_a_resource_of_its_own)
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

Test(stats, the_two_worlds_of_one_file_are_two_resources)
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

Test(stats, endless_ranges_of_a_file_are_folded_into_one_line_that_says_so)
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

Test(stats, resources_come_by_time_waited_then_by_path_and_range)
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
