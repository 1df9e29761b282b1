/* SPDX-License-Identifier: MIT */
/* libFuzzer: a file -> the whole report, as `flocktrace report` makes it, but for the lookup of
 * symbols: that reads other files, with libdw. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "analyzer/base/memory.h"
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

static void render(const struct report *report, bool json)
{
	struct render_options options = { .top = 10 };
	struct symbols *symbols = symbols_new();
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);

	if (!out)
		abort();
	if (json)
		render_json(out, report, symbols);
	else
		render_text(out, report, symbols, &options);
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
	struct report_builder *builder;
	const struct report *report;
	struct event event;

	if (!reader) {
		if (!error || !*error)
			abort();
		return 0;
	}
	builder = report_builder_new(REPORT_WAITS);
	while (reader_next(reader, &event))
		report_builder_event(builder, &event);
	report = report_builder_finish(builder, reader_catalog(reader));
	render(report, true);
	render(report, false);
	report_builder_free(builder);
	reader_free(reader);
	return 0;
}
