/* SPDX-License-Identifier: MIT */
#include "stats_told.h"

static const struct file_info files[] = { { .path = "/a" }, { .path = "/b" } };
static const struct catalog catalog = { .files = files, .file_count = 2 };

static struct report_builder *builder;
struct model_callbacks model;

void begin_report(uint32_t waits_kept)
{
	builder = report_builder_new(waits_kept, NULL);
	model = report_builder_callbacks(builder);
}

void end_report(void)
{
	report_builder_free(builder);
}

void begin_again(uint32_t waits_kept)
{
	end_report();
	begin_report(waits_kept);
}

const struct report *finish(void)
{
	return report_builder_finish(builder, &catalog);
}

struct hold hold_of(uint32_t process, uint64_t start, uint64_t end)
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

struct overlap overlap_of(uint32_t process, uint64_t from, uint64_t to)
{
	return (struct overlap){ .hold = hold_of(process, 0, 100), .begin = from, .end = to };
}

void wait_between(uint64_t from, uint64_t to, const struct overlap *overlaps, uint32_t count)
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

void request(uint32_t file, uint64_t start, uint64_t end, int error)
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

void tell_event(const struct event *event)
{
	report_builder_event(builder, event);
}

const struct blame *blame_on(const struct report *report, uint32_t holder_stack)
{
	for (uint32_t i = 0; i < report->blame_count; i++)
		if (report->blame[i].holder_stack == holder_stack)
			return &report->blame[i];
	return NULL;
}
