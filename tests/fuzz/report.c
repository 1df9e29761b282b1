/* SPDX-License-Identifier: MIT */
/* libFuzzer: a file -> the whole report, as `flocktrace report` makes it, but for the lookup of
 * symbols: that reads other files, with libdw. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "analyzer/base/memory.h"
#include "analyzer/deadlock/deadlock.h"
#include "analyzer/findings/findings.h"
#include "analyzer/read/reader.h"
#include "analyzer/render/render.h"
#include "analyzer/stats/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The reader wants a path, and takes regular files only: this one lies in memory. */
static const char *put(const uint8_t *data, size_t size)
{
	static char path[32];
	static int fd = -1;

	if (fd < 0) {
		fd = memfd_create("trace", MFD_CLOEXEC);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	if (fd < 0 || ftruncate(fd, 0) || pwrite(fd, data, size, 0) != (ssize_t)size)
		abort();
	return path;
}

static void render(const struct report *report, const struct findings *findings,
		   const struct deadlocks *deadlocks, bool json)
{
	struct render_options options = { .top = 10, .deadlocks = deadlocks };
	struct symbols *symbols = symbols_new();
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);

	if (!out)
		abort();
	if (json)
		render_json(out, report, findings, symbols, &options);
	else
		render_text(out, report, findings, symbols, &options);
	/* Whatever is read, something is said. */
	if (fclose(out) || !length)
		abort();
	free(text);
	symbols_free(symbols);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *error = NULL;
	struct reader *reader = reader_open(put(data, size), &error);
	struct findings_builder *looking;
	struct deadlock_builder *knots;
	struct model_callbacks listener;
	struct report_builder *builder;
	const struct findings *findings;
	const struct deadlocks *deadlocks;
	const struct report *report;
	struct event event;

	if (!reader) {
		if (!error || !*error)
			abort();
		return 0;
	}
	looking = findings_builder_new(reader_catalog(reader));
	listener = findings_builder_callbacks(looking);
	builder = report_builder_new(REPORT_WAITS, &listener);
	findings_builder_model(looking, report_builder_model(builder));
	knots = deadlock_builder_new();
	deadlock_builder_model(knots, report_builder_model(builder));
	while (reader_next(reader, &event)) {
		findings_builder_event(looking, &event);
		deadlock_builder_event(knots, &event);
		report_builder_event(builder, &event);
	}
	report = report_builder_finish(builder, reader_catalog(reader));
	findings = findings_builder_finish(looking);
	deadlocks = deadlock_builder_finish(knots);
	render(report, findings, deadlocks, true);
	render(report, findings, deadlocks, false);
	report_builder_free(builder);
	findings_builder_free(looking);
	deadlock_builder_free(knots);
	reader_free(reader);
	return 0;
}
