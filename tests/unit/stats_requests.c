/* SPDX-License-Identifier: MIT */
/* What a report counts of requests and their errors. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>

#include "stats_told.h"

STATS_SUITE(stats_requests);

Test(stats_requests, an_error_of_two_processes_is_counted_for_each)
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

Test(stats_requests, failed_tries_and_errors_are_told_apart_and_both_listed)
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

Test(stats_requests,
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

Test(stats_requests, a_call_on_a_bad_descriptor_is_an_error_but_no_resource)
{
	const struct report *report;

	request(NONE, 0, 100, EBADF);
	request(0, 100, 100, EINVAL);
	report = finish();
	cr_expect_eq(report->resource_count, 0);
	cr_expect_eq(report->error_count, 2);
}

Test(stats_requests, unlocks_and_queries_are_requests_but_no_acquisitions)
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
