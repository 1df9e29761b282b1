/* SPDX-License-Identifier: MIT */
#include "analyzer/read/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "trace/session.h"

static _Thread_local char message[160];

static const char *not_a_trace = "not a flocktrace session or trace";

size_t trace_file_read(const struct trace_file *file, uint64_t offset, void *buffer, size_t bytes)
{
	size_t done = 0;

	while (done < bytes && offset + done <= INT64_MAX) {
		ssize_t n = pread(file->fd, (char *)buffer + done, bytes - done,
				  (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	return done;
}

uint64_t trace_file_written(const struct trace_file *file, uint64_t offset)
{
	off_t found = offset < file->size ? lseek(file->fd, (off_t)offset, SEEK_DATA) : -1;

	if (found >= 0)
		return (uint64_t)found;
	return offset < file->size && errno == ENXIO ? file->size : offset;
}

uint64_t trace_file_counter(const struct trace_file *file, size_t offset_in_header)
{
	uint64_t value = 0;

	if (trace_file_read(file, offset_in_header, &value, sizeof(value)) != sizeof(value))
		memcpy(&value, (const char *)&file->header + offset_in_header, sizeof(value));
	return value;
}

/* What the kind of file says against reading it; NULL: nothing. A pipe would block, a device may
 * act on being opened. */
static const char *wrong_type(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return NULL;
	case S_IFDIR:
		return "is a directory";
	case S_IFIFO:
		return "is a pipe";
	case S_IFCHR:
	case S_IFBLK:
		return "is a device";
	case S_IFSOCK:
		return "is a socket";
	default: /* st_mode is no enum */
		return not_a_trace;
	}
}

/* The end of the part that reaches farthest, or UINT64_MAX where the numbers make no sense. */
static uint64_t described_size(const struct header *header)
{
	const struct {
		uint64_t offset, count, size;
	} parts[] = {
		{ header->thread_offset, header->thread_slots, sizeof(struct thread_slot) },
		{ header->process_offset, header->process_slots, sizeof(struct process_slot) },
		{ header->slow_offset, header->slow_cells, CELL_SIZE },
		{ header->ring_offset, header->ring_cells, CELL_SIZE },
	};
	uint64_t end = HEADER_BYTES;

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		uint64_t bytes, part_end;

		if (__builtin_mul_overflow(parts[i].count, parts[i].size, &bytes) ||
		    __builtin_add_overflow(parts[i].offset, bytes, &part_end))
			return UINT64_MAX;
		if (part_end > end)
			end = part_end;
	}
	return end;
}

static const char *wrong_header(const struct trace_file *file, size_t got)
{
	const struct header *header = &file->header;
	size_t seen = got < sizeof(header->magic) ? got : sizeof(header->magic);
	uint64_t magic = FORMAT_MAGIC, described;

	if (!file->size)
		return "is empty";
	if (seen == sizeof(header->magic) && header->magic == __builtin_bswap64(magic))
		return "made on a machine of other byte order";
	if (memcmp(&header->magic, &magic, seen))
		return not_a_trace;
	if (got < offsetof(struct header, header_size)) {
		snprintf(message, sizeof(message), "truncated: %zu bytes", got);
		return message;
	}
	if (header->byte_order != FORMAT_BYTE_ORDER)
		return "made on a machine of other byte order";
	if (header->version != FORMAT_VERSION) {
		snprintf(message, sizeof(message),
			 "format version %u, this flocktrace reads version %d", header->version,
			 FORMAT_VERSION);
		return message;
	}
	if (file->size < HEADER_BYTES || got < sizeof(*header)) {
		snprintf(message, sizeof(message), "truncated: %llu bytes",
			 (unsigned long long)file->size);
		return message;
	}
	if (session_header_fits(header, file->size))
		return NULL;
	described = described_size(header);
	if (described > file->size && described <= INT64_MAX) {
		snprintf(message, sizeof(message), "truncated: %llu bytes of %llu",
			 (unsigned long long)file->size, (unsigned long long)described);
		return message;
	}
	return "damaged header";
}

bool trace_file_open(struct trace_file *file, const char *path, const char **error)
{
	struct stat status;
	size_t got;

	memset(file, 0, sizeof(*file));
	file->fd = -1;
	if (stat(path, &status)) {
		*error = strerror(errno);
		return false;
	}
	*error = wrong_type(status.st_mode);
	if (*error)
		return false;
	/* O_NONBLOCK: should a pipe have taken its place, this does not wait for a writer. */
	file->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (file->fd < 0 || fstat(file->fd, &status)) {
		*error = strerror(errno);
	} else if (!(*error = wrong_type(status.st_mode))) {
		file->size = (uint64_t)status.st_size;
		got = trace_file_read(file, 0, &file->header, sizeof(file->header));
		*error = wrong_header(file, got);
	}
	if (!*error)
		return true;
	trace_file_close(file);
	return false;
}

void trace_file_close(struct trace_file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	file->fd = -1;
}
