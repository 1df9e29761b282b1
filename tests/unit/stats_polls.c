/* SPDX-License-Identifier: MIT */
/* Waits by trying again, told to the report builder by hand. Times are ns, written in ms. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>

#include "analyzer/stats/builder.h"
#include "analyzer/stats/report.h"

#define MS	UINT64_C(1000000)
#define PENDING UINT64_C(0x40000000)

static const struct file_info files[] = { { .path = "/a" }, { .path = "/b" } };
static const struct catalog catalog = { .files = files, .file_count = 2 };

static struct report_builder *builder;
static struct model_callbacks model;

static void set_up(void)
{
	builder = report_builder_new(0, NULL);
	model = report_builder_callbacks(builder);
}

static void tear_down(void)
{
	report_builder_free(builder);
}

TestSuite(stats_polls, .init = set_up, .fini = tear_down);

/* Of process 9, for an exclusive lock on [0, 10) of /a; it took no time. */
static struct request at(uint64_t ms, int error)
{
	return (struct request){
		.process = 9,
		.tid = 9,
		.mode = MODE_EXCLUSIVE,
		.end = 10,
		.begin = ms * MS,
		.error = error,
	};
}

static void tell(struct request request)
{
	model.request(model.context, &request);
}

static void fails(uint64_t ms)
{
	tell(at(ms, EAGAIN));
}

static struct hold hold_of(uint32_t process, uint64_t granted, uint64_t released)
{
	return (struct hold){
		.mode = MODE_EXCLUSIVE,
		.end = 10,
		.process = process,
		.tid = process,
		.keeper = process,
		.granted = granted * MS,
		.asked = granted * MS,
		.released = released * MS,
		.gone = released * MS,
		.how = HOLD_RELEASED,
	};
}

static void held(uint64_t granted, uint64_t released)
{
	struct hold hold = hold_of(1, granted, released);

	model.hold(model.context, &hold);
}

static const struct report *ended(uint64_t ms)
{
	struct event end = { .kind = EVENT_END, .position = 1, .time = ms * MS };

	report_builder_event(builder, &end);
	return report_builder_finish(builder, &catalog);
}

static const struct report_wait *only_wait(const struct report *report)
{
	cr_assert(eq(u64, report->waits_total, 1));
	cr_assert(eq(u32, report->wait_count, 1));
	return report->waits;
}

Test(stats_polls, tries_until_it_has_the_lock_are_one_wait)
{
	const struct report_wait *wait;

	fails(100);
	fails(150);
	fails(200);
	held(50, 230);
	tell(at(250, 0));
	wait = only_wait(ended(300));
	cr_expect(wait->poll);
	cr_expect(eq(int, wait->outcome, OUTCOME_GRANTED));
	cr_expect(eq(u64, wait->duration, 150 * MS));
	cr_expect(eq(u64, wait->tries, 4));
	cr_expect(eq(u64, wait->wasted, 3));
	cr_expect(eq(u64, wait->free, 20 * MS));
	cr_expect(not(wait->holder_unknown));
	cr_assert(eq(u32, wait->holder_count, 1));
	cr_expect(eq(u64, wait->holders[0].overlap, 130 * MS));
}

Test(stats_polls, a_single_try_is_no_wait)
{
	fails(100);
	cr_expect(eq(u64, ended(200)->waits_total, 0));
}

Test(stats_polls, where_no_holder_is_known_nothing_is_said_to_be_free)
{
	const struct report_wait *wait;

	fails(100);
	fails(150);
	tell(at(200, 0));
	wait = only_wait(ended(300));
	cr_expect(wait->holder_unknown);
	cr_expect(eq(u64, wait->free, 0));
	cr_expect(eq(u64, wait->parts.unknown, 100 * MS));
}

Test(stats_polls, a_try_fails_for_a_lock_that_another_call_is_just_getting_or_giving_up)
{
	const struct report_wait *wait;
	struct hold hold = hold_of(1, 120, 140);

	hold.asked = 90 * MS;
	hold.gone = 160 * MS;
	fails(100);
	fails(150);
	model.hold(model.context, &hold);
	tell(at(200, 0));
	wait = only_wait(ended(300));
	cr_expect(eq(u64, wait->free, 80 * MS));
	cr_expect(eq(u64, wait->parts.held, 20 * MS));
	cr_expect(not(wait->holder_unknown));
}

Test(stats_polls, who_has_not_tried_for_long_gave_up_at_the_last_try)
{
	const struct report_wait *wait;

	fails(100);
	fails(150);
	fails(200);
	tell(at(5000, 0));
	wait = only_wait(ended(6000));
	cr_expect(wait->gave_up);
	cr_expect(eq(u64, wait->duration, 100 * MS));
	cr_expect(eq(u64, wait->tries, 3));
}

Test(stats_polls, a_loop_that_sleeps_for_seconds_is_one_wait)
{
	fails(0);
	fails(5000);
	fails(10000);
	tell(at(15000, 0));
	cr_expect(eq(u64, only_wait(ended(20000))->duration, 15000 * MS));
}

Test(stats_polls, who_tries_when_recording_ends_is_trying_still)
{
	const struct report_wait *wait;

	fails(100);
	fails(150);
	wait = only_wait(ended(180));
	cr_expect(eq(int, wait->outcome, OUTCOME_WAITING));
	cr_expect(eq(u64, wait->duration, 80 * MS));
}

Test(stats_polls, a_process_that_ends_gave_up)
{
	struct event death = { .kind = EVENT_DEATH, .process = 9, .position = 1, .time = 160 * MS };
	const struct report_wait *wait;

	fails(100);
	fails(150);
	report_builder_event(builder, &death);
	wait = only_wait(ended(180));
	cr_expect(wait->gave_up);
	cr_expect(eq(u64, wait->duration, 50 * MS));
}

Test(stats_polls, threads_files_and_ranges_are_told_apart)
{
	struct request thread = at(110, 0), file = at(120, 0), range = at(130, 0);

	thread.tid = 10;
	file.file = 1;
	range.start = 10;
	range.end = 20;
	fails(100);
	tell(thread);
	tell(file);
	tell(range);
	cr_expect(eq(u64, ended(200)->waits_total, 0));
}

Test(stats_polls, a_shared_lock_is_not_the_exclusive_one_that_was_tried_for)
{
	struct request shared = at(150, 0);

	shared.mode = MODE_SHARED;
	fails(100);
	tell(shared);
	cr_expect(eq(u64, ended(200)->waits_total, 0));
}

/* As SQLite does it with the read marks of its log. */
Test(stats_polls, who_makes_do_with_a_shared_lock_waits_no_longer)
{
	struct request shared = at(101, 0);

	shared.mode = MODE_SHARED;
	fails(100);
	tell(shared);
	tell(at(400, 0));
	cr_expect(eq(u64, ended(500)->waits_total, 0));
}

Test(stats_polls, who_takes_the_next_range_that_is_free_waits_for_none)
{
	struct request other, unlock;

	for (uint64_t now = 100; now < 400; now += 100) {
		fails(now);
		other = at(now + 1, EAGAIN);
		other.start = 10;
		other.end = 20;
		tell(other);
		other = at(now + 2, 0);
		other.start = 20;
		other.end = 30;
		tell(other);
		unlock = other;
		unlock.mode = MODE_UNLOCK;
		tell(unlock);
	}
	cr_expect(eq(u64, ended(500)->waits_total, 0));
}

Test(stats_polls, who_shares_it_anew_before_each_try_tries_still)
{
	struct request shared = at(150, 0), unlock = at(140, 0);

	shared.mode = MODE_SHARED;
	unlock.mode = MODE_UNLOCK;
	fails(100);
	tell(unlock);
	tell(shared);
	fails(200);
	tell(at(300, 0));
	cr_expect(eq(u64, only_wait(ended(500))->tries, 3));
}

Test(stats_polls, a_holder_that_tried_for_another_lock_itself_passes_the_blame_on)
{
	struct request other = at(200, EAGAIN);
	struct hold root = hold_of(2, 50, 400);
	const struct report *report;

	root.file = other.file = 1;
	other.process = other.tid = 1;
	fails(100);
	tell(other);
	fails(200);
	other.begin = 300 * MS;
	tell(other);
	model.hold(model.context, &root);
	other.begin = 400 * MS;
	other.error = 0;
	tell(other);
	held(50, 500);
	tell(at(500, 0));
	report = ended(600);
	cr_expect(eq(u64, report->waits_total, 2));
	cr_expect(eq(u64, report->unbalanced, 0));
	cr_assert(eq(u32, report->root_count, 3));
	/* 200 ms of its own, and as long as the holder of /a tried for /b. */
	cr_expect(eq(u64,
		     report->roots[0].exclusive + report->roots[1].exclusive +
			     report->roots[2].exclusive,
		     600 * MS));
	cr_assert(eq(u32, report->processes[0].process, 2));
	cr_expect(eq(u64, report->processes[0].root, 400 * MS));
}

Test(stats_polls, a_blocking_call_after_a_try_is_one_wait_with_it)
{
	struct wait wait = {
		.process = 9,
		.tid = 9,
		.mode = MODE_EXCLUSIVE,
		.end = 10,
		.begin = 101 * MS,
		.finish = 300 * MS,
		.holder_unknown = true,
	};
	const struct report_wait *whole;

	fails(100);
	model.wait(model.context, &wait);
	whole = only_wait(ended(400));
	cr_expect(not(whole->poll));
	cr_expect(eq(u64, whole->duration, 200 * MS));
	cr_expect(eq(u64, whole->tries, 2));
	cr_expect(eq(u64, whole->wasted, 1));
}

static struct request of_range(struct request request, uint64_t start, uint64_t end)
{
	request.start = start;
	request.end = end;
	return request;
}

Test(stats_polls, a_lock_over_all_ranges_that_were_tried_for_ends_one_wait)
{
	const struct report_wait *wait;

	tell(of_range(at(100, EAGAIN), 0, 5));
	tell(of_range(at(110, EAGAIN), 5, 10));
	tell(of_range(at(120, EAGAIN), 0, 5));
	held(50, 230);
	tell(at(250, 0));
	wait = only_wait(ended(300));
	cr_expect(eq(u64, wait->duration, 150 * MS));
	cr_expect(eq(u64, wait->tries, 4));
	cr_expect(eq(u64, wait->wasted, 3));
	cr_assert(eq(u32, wait->holder_count, 1));
	cr_expect(eq(u64, wait->holders[0].overlap, 130 * MS));
}

Test(stats_polls, what_was_in_the_way_of_any_of_the_ranges_was_in_the_way_of_the_lock)
{
	struct hold left = hold_of(1, 50, 140), right = hold_of(2, 60, 230);
	const struct report_wait *wait;

	left.end = right.start = 5;
	left.id = 1;
	right.id = 2;
	tell(of_range(at(100, EAGAIN), 0, 5));
	tell(of_range(at(110, EAGAIN), 5, 10));
	model.hold(model.context, &left);
	model.hold(model.context, &right);
	tell(at(250, 0));
	wait = only_wait(ended(300));
	cr_assert(eq(u32, wait->holder_count, 2));
	cr_expect(eq(u64, wait->holders[0].overlap + wait->holders[1].overlap, 160 * MS));
	cr_expect(eq(u64, wait->free, 20 * MS));
}

Test(stats_polls, queries_and_tries_before_a_blocking_call_for_a_wider_range_are_one_wait_with_it)
{
	struct wait blocked = {
		.process = 9,
		.tid = 9,
		.mode = MODE_EXCLUSIVE,
		.end = 1000,
		.begin = 110 * MS,
		.finish = 300 * MS,
	};
	struct request query = of_range(at(100, 0), 0, 5);
	const struct report_wait *wait;

	query.query = query.found = true;
	tell(query);
	tell(of_range(at(105, EAGAIN), 5, 10));
	model.wait(model.context, &blocked);
	wait = only_wait(ended(400));
	cr_expect(not(wait->poll));
	cr_expect(eq(u64, wait->duration, 200 * MS));
	cr_expect(eq(u64, wait->tries, 2));
	cr_expect(eq(u64, wait->wasted, 2));
}

Test(stats_polls, a_test_that_found_a_lock_counts_once_the_lock_is_got)
{
	struct request query = at(100, 0);

	query.query = query.found = true;
	tell(query);
	query.begin = 150 * MS;
	tell(query);
	tell(at(200, 0));
	cr_expect(eq(u64, only_wait(ended(300))->tries, 3));
}

Test(stats_polls, who_only_asks_does_not_wait)
{
	struct request query = at(100, 0);

	query.query = query.found = true;
	tell(query);
	query.begin = 150 * MS;
	tell(query);
	cr_expect(eq(u64, ended(300)->waits_total, 0));
}

static struct request sqlite(struct request request, enum mode mode, uint64_t start)
{
	request.mode = mode;
	request.start = start;
	request.end = start + 1;
	return request;
}

Test(stats_polls, the_bytes_that_sqlite_locks_one_after_another_are_one_wait)
{
	const struct report_wait *wait;

	tell(sqlite(at(100, EAGAIN), MODE_SHARED, PENDING));
	tell(sqlite(at(110, 0), MODE_SHARED, PENDING));
	tell(sqlite(at(110, EAGAIN), MODE_EXCLUSIVE, PENDING + 1));
	tell(sqlite(at(120, EAGAIN), MODE_SHARED, PENDING));
	tell(sqlite(at(130, 0), MODE_SHARED, PENDING));
	tell(sqlite(at(130, 0), MODE_EXCLUSIVE, PENDING + 1));
	wait = only_wait(ended(200));
	cr_expect(eq(u64, wait->duration, 30 * MS));
	cr_expect(eq(u64, wait->wasted, 3));
	cr_expect(eq(u64, wait->start, PENDING + 1));
	cr_expect(eq(int, wait->mode, MODE_EXCLUSIVE));
}

/* The end of a long wait says the same, only coarser. */
Test(stats_polls, very_many_tries_and_holds_add_up)
{
	const struct report_wait *wait;
	uint64_t known = 0;

	for (uint64_t i = 0; i < 20000; i++) {
		fails(10 * i);
		held(10 * i, 10 * i + 9);
	}
	tell(at(200000, 0));
	wait = only_wait(ended(200001));
	cr_expect(eq(u64, wait->tries, 20001));
	cr_expect(eq(u64, wait->free, 20000 * MS));
	for (uint32_t i = 0; i < wait->holder_count; i++)
		known += wait->holders[i].overlap;
	cr_expect(known > 0 && wait->holds_omitted > 0);
	cr_expect(not(wait->holder_unknown));
}
