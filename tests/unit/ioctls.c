/* SPDX-License-Identifier: MIT */
/* ioctl calls by request and file. Times are ns since the trace began. */
#include "analyzer/stats/ioctls.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>

static const struct process_info processes[] = { { .pid = 100 }, { .pid = 200 } };
static const struct file_info files[] = { { .path = "/dev/a" }, { .path = "/dev/b" } };
static const struct catalog catalog = {
	.processes = processes,
	.process_count = 2,
	.files = files,
	.file_count = 2,
};

static struct report_builder *builder;
static struct report_filter filter;

static void set_up(void)
{
	filter = (struct report_filter){ 0 };
	builder = report_builder_new(0, NULL);
	report_builder_view(builder, BY_RESOURCE, &filter, &catalog);
}

static void tear_down(void)
{
	report_builder_free(builder);
}

TestSuite(ioctls, .init = set_up, .fini = tear_down);

static struct event call_of(enum event_kind kind, uint32_t process, uint32_t file, int64_t request,
			    uint64_t time)
{
	return (struct event){
		.kind = kind,
		.position = time + 1,
		.time = time,
		.process = process,
		.tid = process,
		.file = file,
		.stack = (uint32_t)time,
		.call = { .call = IOCTL, .fd = 3, .value = request, .other = NONE },
	};
}

static void begins(uint32_t process, uint32_t file, int64_t request, uint64_t time)
{
	struct event event = call_of(EVENT_CALL, process, file, request, time);

	report_builder_event(builder, &event);
}

static void takes(uint32_t process, uint32_t file, int64_t request, uint64_t time,
		  uint64_t duration, int error)
{
	struct event event = call_of(EVENT_CALL_RESULT, process, file, request, time);

	begins(process, file, request, time);
	event.call.duration = duration;
	event.call.error = error;
	report_builder_event(builder, &event);
}

static const struct report *finish(void)
{
	return report_builder_finish(builder, &catalog);
}

Test(ioctls, a_request_on_two_files_is_two_lines_by_time_taken)
{
	const struct report *report;

	takes(0, 0, 7, 1, 30, 0);
	takes(0, 1, 7, 2, 50, 0);
	takes(1, 0, 7, 3, 10, ENOTTY);
	report = finish();
	cr_assert_eq(report->ioctl_count, 2);
	cr_expect_eq(report->ioctls[0].file, 1);
	cr_expect_eq(report->ioctls[0].time.total, 50);
	cr_expect_eq(report->ioctls[1].file, 0);
	cr_expect_eq(report->ioctls[1].request, 7);
	cr_expect_eq(report->ioctls[1].calls, 2);
	cr_expect_eq(report->ioctls[1].errors, 1);
	cr_expect_eq(report->ioctls[1].time.total, 40);
	cr_expect_eq(report->ioctls[1].time.max, 30);
	cr_expect_eq(report->ioctls[1].unfinished, 0);
}

Test(ioctls, the_slowest_call_gives_its_stack)
{
	const struct report *report;

	takes(0, 0, 7, 1, 30, 0);
	takes(1, 0, 7, 5, 80, 0);
	takes(0, 0, 7, 9, 80, 0);
	report = finish();
	cr_assert_eq(report->ioctl_count, 1);
	cr_expect_eq(report->ioctls[0].stack, 5);
	cr_expect_eq(report->ioctls[0].process, 1);
	cr_expect_eq(report->ioctls[0].slowest, 5);
}

Test(ioctls, a_call_that_never_came_back_is_unfinished)
{
	const struct report *report;

	begins(0, 0, 7, 1);
	report = finish();
	cr_assert_eq(report->ioctl_count, 1);
	cr_expect_eq(report->ioctls[0].calls, 0);
	cr_expect_eq(report->ioctls[0].unfinished, 1);
	cr_expect_eq(report->ioctls[0].process, NONE);
}

Test(ioctls, what_the_kernel_does_not_look_at_makes_no_other_request)
{
	const struct report *report;

	takes(0, 0, 0x80045430, 1, 10, 0);
	takes(0, 0, (int32_t)0x80045430, 2, 10, 0);
	report = finish();
	cr_assert_eq(report->ioctl_count, 1);
	cr_expect_eq(report->ioctls[0].request, 0x80045430);
}

Test(ioctls, only_what_the_filter_selects_is_counted)
{
	const struct report *report;

	filter.path = "/dev/a";
	filter.pid = 200;
	takes(0, 0, 7, 1, 10, 0);
	takes(1, 0, 7, 2, 20, 0);
	takes(1, 1, 7, 3, 40, 0);
	report = finish();
	cr_assert_eq(report->ioctl_count, 1);
	cr_expect_eq(report->ioctls[0].time.total, 20);
}

Test(ioctls, requests_without_end_share_a_line_that_says_so)
{
	const struct report *report;
	uint64_t calls = 0;

	for (uint32_t i = 0; i < IOCTLS_KEPT + 1000; i++)
		takes(0, 0, i, i, 1, 0);
	takes(0, 0, 0, 1, 1, 0);
	report = finish();
	cr_assert_eq(report->ioctl_count, IOCTLS_KEPT + 1);
	cr_expect(report->ioctls[0].others);
	for (uint32_t i = 0; i < report->ioctl_count; i++) {
		calls += report->ioctls[i].calls;
		cr_expect_eq(report->ioctls[i].calls, report->ioctls[i].others	       ? 1000
						      : report->ioctls[i].request == 0 ? 2
										       : 1);
	}
	cr_expect_eq(calls, IOCTLS_KEPT + 1001);
}
