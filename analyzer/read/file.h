/* SPDX-License-Identifier: MIT */
/*
 * A session or trace file, opened and looked at before it is trusted. It is read, never mapped: a
 * file that somebody truncates meanwhile gives short reads then, not a SIGBUS.
 */
#ifndef ANALYZER_READ_FILE_H
#define ANALYZER_READ_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trace/format.h"

struct trace_file {
	int fd;
	uint64_t size; /* bytes, when it was opened */
	struct header header;
};

/* False: *error is one line for people (see reader.h), valid until the next call of this thread. */
bool trace_file_open(struct trace_file *file, const char *path, const char **error);
void trace_file_close(struct trace_file *file);

/* Reads up to `bytes` from `offset`; fewer where the file ends or cannot be read. */
size_t trace_file_read(const struct trace_file *file, uint64_t offset, void *buffer, size_t bytes);

/* From where on there may be anything but zeros: `offset`, or farther where a hole in the file
 * begins there. */
uint64_t trace_file_written(const struct trace_file *file, uint64_t offset);

/* A counter of the header as it stands in the file now; a session goes on while it is read. */
uint64_t trace_file_counter(const struct trace_file *file, size_t offset_in_header);

#endif
