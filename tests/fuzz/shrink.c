/* SPDX-License-Identifier: MIT */
/*
 * Makes a seed for the fuzzer of a session or trace: the same records in a file of some ten
 * kilobytes, with as few slots as it takes. usage: fuzz-shrink FROM TO
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyzer/base/memory.h"
#include "trace/session.h"

#define SMALL	    ((struct session_size){ 8, 8, 64, 256 })
#define TRACE_CELLS 1024

struct file {
	unsigned char *bytes;
	uint64_t size;
	struct header *header; /* in bytes */
};

static int fail(const char *path)
{
	fprintf(stderr, "fuzz-shrink: %s: cannot be read or written, or is no trace\n", path);
	return 1;
}

static bool load(struct file *file, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;
	bool whole;

	if (fd < 0 || fstat(fd, &status) || status.st_size < HEADER_BYTES)
		return false;
	file->size = (uint64_t)status.st_size;
	file->bytes = xcalloc(1, file->size);
	file->header = (struct header *)file->bytes;
	whole = read(fd, file->bytes, file->size) == (ssize_t)file->size;
	close(fd);
	return whole && session_header_fits(file->header, file->size);
}

/* The slots that are in use, as many as there is room for; the first word is 0 in a free one. */
static void copy_slots(struct file *to, uint64_t to_offset, uint32_t room, const struct file *from,
		       uint64_t from_offset, uint32_t count, size_t size)
{
	uint32_t done = 0;

	for (uint32_t i = 0; i < count && done < room; i++) {
		const unsigned char *slot = from->bytes + from_offset + i * size;
		uint32_t process;

		memcpy(&process, slot, sizeof(process));
		if (process)
			memcpy(to->bytes + to_offset + done++ * size, slot, size);
	}
}

/* The newest cells of a ring keep their positions, and so their checksums. */
static void copy_ring(struct file *to, uint64_t to_offset, uint64_t room, const struct file *from,
		      uint64_t from_offset, uint64_t count, uint64_t head)
{
	for (uint64_t i = 1; i <= room && i <= count && i < head; i++)
		memcpy(to->bytes + to_offset + ((head - i) & (room - 1)) * CELL_SIZE,
		       from->bytes + from_offset + ((head - i) & (count - 1)) * CELL_SIZE,
		       CELL_SIZE);
}

/* What the layout does not say. */
static void copy_header(struct header *to, const struct header *from)
{
	struct header layout = *to;

	*to = *from;
	to->thread_slots = layout.thread_slots;
	to->thread_offset = layout.thread_offset;
	to->process_slots = layout.process_slots;
	to->process_offset = layout.process_offset;
	to->slow_cells = layout.slow_cells;
	to->slow_offset = layout.slow_offset;
	to->ring_cells = layout.ring_cells;
	to->ring_offset = layout.ring_offset;
	to->threads_used = to->thread_slots;
	to->processes_used = to->process_slots;
}

static struct file shrink(const struct file *from)
{
	struct session_size size = SMALL;
	bool trace = from->header->kind == FILE_TRACE;
	uint64_t cells = (from->size - from->header->ring_offset) / CELL_SIZE;
	struct header header = { 0 };
	struct file to;

	if (trace)
		size.ring_cells = 0;
	if (cells > TRACE_CELLS)
		cells = TRACE_CELLS;
	to.size = session_layout(&header, size) + (trace ? cells * CELL_SIZE : 0);
	to.bytes = xcalloc(1, to.size);
	to.header = (struct header *)to.bytes;
	copy_header(&header, from->header);
	*to.header = header;
	copy_slots(&to, header.thread_offset, header.thread_slots, from,
		   from->header->thread_offset, from->header->thread_slots,
		   sizeof(struct thread_slot));
	copy_slots(&to, header.process_offset, header.process_slots, from,
		   from->header->process_offset, from->header->process_slots,
		   sizeof(struct process_slot));
	copy_ring(&to, header.slow_offset, header.slow_cells, from, from->header->slow_offset,
		  from->header->slow_cells, header.slow_head.value);
	if (trace)
		memcpy(to.bytes + header.ring_offset, from->bytes + from->header->ring_offset,
		       cells * CELL_SIZE);
	else
		copy_ring(&to, header.ring_offset, header.ring_cells, from,
			  from->header->ring_offset, from->header->ring_cells,
			  header.ring_head.value);
	return to;
}

int main(int argc, char **argv)
{
	struct file from = { 0 }, to;
	FILE *out;
	int failed;

	if (argc != 3) {
		fprintf(stderr, "usage: fuzz-shrink FROM TO\n");
		return 2;
	}
	if (!load(&from, argv[1]))
		return fail(argv[1]);
	to = shrink(&from);
	out = fopen(argv[2], "we");
	if (!out)
		return fail(argv[2]);
	failed = fwrite(to.bytes, to.size, 1, out) != 1;
	failed |= fclose(out);
	free(from.bytes);
	free(to.bytes);
	return failed ? fail(argv[2]) : 0;
}
