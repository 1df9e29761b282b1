/* SPDX-License-Identifier: MIT */
/* FORMAT.md against the code: every box, and every byte of the worked example. */
#include "trace/format.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trace/names.h"
#include "trace/ring.h"
#include "trace/session.h"

#define BYTE_WIDTH 9  /* columns of a byte in a box */
#define BOX_COLUMN 10 /* of the first byte */

struct field {
	const char *owner, *name;
	size_t offset, size;
};

#define FIELD(owner, name)                                                                     \
	{                                                                                      \
#owner, #name, offsetof(struct owner, name), sizeof(((struct owner *)0)->name) \
	}

/* In the order of the page. */
static const struct field fields[] = {
	FIELD(header, magic),
	FIELD(header, byte_order),
	FIELD(header, version),
	FIELD(header, header_size),
	FIELD(header, kind),
	FIELD(header, thread_slots),
	FIELD(header, thread_slot_size),
	FIELD(header, thread_offset),
	FIELD(header, process_slots),
	FIELD(header, process_slot_size),
	FIELD(header, process_offset),
	FIELD(header, slow_offset),
	FIELD(header, slow_cells),
	FIELD(header, ring_offset),
	FIELD(header, ring_cells),
	FIELD(header, ring_first),
	FIELD(header, boot_id),
	FIELD(header, monotonic),
	FIELD(header, realtime),
	FIELD(header, pidns),
	FIELD(header, creator_pid),
	FIELD(header, creator_uid),
	FIELD(header, recording),
	FIELD(header, drained),
	FIELD(header, tool),
	FIELD(header, threads_used),
	FIELD(header, processes_used),
	FIELD(header, reserved),
	FIELD(header, ring_head),
	FIELD(header, slow_head),
	FIELD(header, next_process),
	FIELD(header, lost_threads),
	FIELD(header, lost_processes),
	FIELD(header, lost_stacks),
	FIELD(header, lost_nested),
	FIELD(header, lost_unseen),
	FIELD(record_continued, kind),
	FIELD(record_continued, index),
	FIELD(record_continued, reserved),
	FIELD(record_continued, first),
	FIELD(record_continued, bytes),
	FIELD(record_lock, kind),
	FIELD(record_lock, op),
	FIELD(record_lock, flags),
	FIELD(record_lock, process),
	FIELD(record_lock, tid),
	FIELD(record_lock, fd),
	FIELD(record_lock, time),
	FIELD(record_lock, file),
	FIELD(record_lock, stack),
	FIELD(record_lock, start),
	FIELD(record_lock, len_or_end),
	{ "record_lock", "base, outcome", offsetof(struct record_lock, base), 8 },
	FIELD(record_call, kind),
	FIELD(record_call, op),
	FIELD(record_call, flags),
	FIELD(record_call, process),
	FIELD(record_call, tid),
	FIELD(record_call, fd),
	FIELD(record_call, time),
	FIELD(record_call, file),
	FIELD(record_call, stack),
	FIELD(record_call, value),
	FIELD(record_call, last),
	FIELD(record_call, reserved),
	FIELD(record_call, outcome),
	FIELD(record_process, kind),
	FIELD(record_process, cells),
	FIELD(record_process, reason),
	FIELD(record_process, reserved),
	FIELD(record_process, process),
	FIELD(record_process, parent),
	FIELD(record_process, pid),
	FIELD(record_process, ppid),
	FIELD(record_process, bytes),
	FIELD(record_process, time),
	FIELD(record_process, start_time),
	FIELD(record_process, open_fds),
	FIELD(record_process, pidns),
	FIELD(record_file, kind),
	FIELD(record_file, cells),
	FIELD(record_file, bytes),
	FIELD(record_file, mode),
	FIELD(record_file, device),
	FIELD(record_file, inode),
	FIELD(record_file, fs_type),
	FIELD(record_file, mount_flags),
	FIELD(record_file, links),
	FIELD(record_file, reserved),
	FIELD(record_file, birth),
	FIELD(record_module, kind),
	FIELD(record_module, cells),
	FIELD(record_module, bytes),
	FIELD(record_module, process),
	FIELD(record_module, module),
	{ "record_module", "id bytes", offsetof(struct record_module, build_id_bytes), 1 },
	FIELD(record_module, reserved),
	FIELD(record_module, reserved2),
	FIELD(record_module, base),
	/* The box is 8 bytes wide. */
	{ "record_module", "build_id", offsetof(struct record_module, build_id), 16 },
	{ "record_module", "build_id, rest", offsetof(struct record_module, build_id) + 16, 4 },
	FIELD(record_module, reserved3),
	FIELD(record_module, size),
	FIELD(record_stack, kind),
	FIELD(record_stack, cells),
	FIELD(record_stack, bytes),
	FIELD(record_stack, process),
	FIELD(record_stack, frames),
	FIELD(record_stack, truncated),
	FIELD(record_stack, scripts),
	FIELD(record_stack, reserved2),
	FIELD(record_untraced, kind),
	FIELD(record_untraced, cells),
	FIELD(record_untraced, bytes),
	FIELD(record_untraced, pid),
	FIELD(record_untraced, time),
	FIELD(record_untraced, reserved),
	FIELD(record_run, kind),
	FIELD(record_run, cells),
	FIELD(record_run, bytes),
	FIELD(record_run, status),
	FIELD(record_run, time),
	FIELD(record_run, pid),
	FIELD(record_run, reserved),
	FIELD(record_run, reserved2),
	FIELD(record_verdict, kind),
	FIELD(record_verdict, wait),
	FIELD(record_verdict, verdict),
	FIELD(record_verdict, process),
	FIELD(record_verdict, tid),
	FIELD(record_verdict, other),
	FIELD(record_verdict, time),
	FIELD(record_verdict, since),
	FIELD(record_verdict, number),
	FIELD(record_verdict, index),
	FIELD(record_verdict, count),
	FIELD(record_verdict, cycle),
	FIELD(record_verdict, reserved),
	FIELD(record_doing, kind),
	FIELD(record_doing, op),
	FIELD(record_doing, machine),
	FIELD(record_doing, process),
	FIELD(record_doing, tid),
	FIELD(record_doing, looks),
	FIELD(record_doing, since),
	FIELD(record_doing, time),
	FIELD(record_doing, file),
	FIELD(record_doing, state),
	FIELD(record_doing, call),
	FIELD(record_doing, start),
	FIELD(record_doing, end),
	FIELD(record_stuck, kind),
	FIELD(record_stuck, op),
	FIELD(record_stuck, reason),
	FIELD(record_stuck, process),
	FIELD(record_stuck, tid),
	FIELD(record_stuck, holder),
	FIELD(record_stuck, time),
	FIELD(record_stuck, since),
	FIELD(record_stuck, file),
	FIELD(record_stuck, fd),
	FIELD(record_stuck, start),
	FIELD(record_stuck, end),
	FIELD(thread_slot, process),
	FIELD(thread_slot, tid),
	FIELD(thread_slot, depth),
	FIELD(thread_slot, reserved),
	FIELD(thread_slot, position),
	FIELD(thread_slot, reserved2),
	FIELD(thread_slot, request),
	FIELD(process_slot, process),
	FIELD(process_slot, pid),
	FIELD(process_slot, start_time),
	FIELD(process_slot, pidns),
	FIELD(process_slot, parent),
	FIELD(process_slot, image),
	FIELD(process_slot, watch),
	FIELD(process_slot, last_announced),
	FIELD(process_slot, overflow),
	FIELD(process_slot, exiting),
	FIELD(process_slot, ppid),
	FIELD(process_slot, children),
	FIELD(process_slot, comm),
	FIELD(process_slot, grants),
	FIELD(process_slot, reserved2),
	FIELD(process_slot, grant),
	FIELD(grant, state),
	FIELD(grant, op),
	FIELD(grant, mode),
	FIELD(grant, reserved),
	FIELD(grant, fd),
	FIELD(grant, tid),
	FIELD(grant, device),
	FIELD(grant, inode),
	FIELD(grant, start),
	FIELD(grant, end),
	FIELD(grant, time),
	FIELD(grant, file),
	FIELD(grant, stack),
};

static const size_t field_count = sizeof(fields) / sizeof(*fields);

static char *page; /* FORMAT.md */

static void read_page(void)
{
	FILE *file = fopen(FORMAT_PAGE, "r");
	long size;

	cr_assert_not_null(file, "%s", FORMAT_PAGE);
	fseek(file, 0, SEEK_END);
	size = ftell(file);
	rewind(file);
	page = calloc(1, (size_t)size + 1);
	cr_assert_eq(fread(page, 1, (size_t)size, file), (size_t)size);
	fclose(file);
}

static void free_page(void)
{
	free(page);
}

TestSuite(format, .init = read_page, .fini = free_page);

/* One cell of a row: "|  name  |". `line` is at the name; returns the column of its end. */
static size_t check_cell(const char *owner, size_t row, const char *line, size_t column, bool tall,
			 size_t rows, const struct field *field)
{
	size_t end = column + strcspn(line + column, "|");
	size_t from = column, to = end;
	size_t offset = row + (column - BOX_COLUMN) / BYTE_WIDTH;
	size_t size = tall ? rows : (end - column + 1) / BYTE_WIDTH;

	while (line[from] == ' ')
		from++;
	while (to > from && line[to - 1] == ' ')
		to--;
	cr_assert_str_eq(field->owner, owner);
	cr_expect(strlen(field->name) == to - from && !strncmp(field->name, line + from, to - from),
		  "%s.%s is drawn as \"%.*s\"", owner, field->name, (int)(to - from), line + from);
	cr_expect_eq(offset, field->offset, "%s.%s is at %zu, drawn at %zu", owner, field->name,
		     field->offset, offset);
	cr_expect_eq(size, field->size, "%s.%s has %zu bytes, drawn with %zu", owner, field->name,
		     field->size, size);
	return end + 1;
}

/* The rows of one box. Returns how many fields it has. */
static size_t check_box(const char *owner, const char *text, size_t at)
{
	size_t first = at;
	const char *line = strchr(text, '\n') + 1;

	for (; strncmp(line, "```", 3); line = strchr(line, '\n') + 1) {
		size_t length = strcspn(line, "\n"), row = 0, last = 0;
		bool tall = sscanf(line, "%zu-%zu |", &row, &last) == 2;

		/* Separators and byte numbers have no '|'. */
		if (!memchr(line, '|', length))
			continue;
		cr_assert(tall || sscanf(line, "%zu |", &row) == 1);
		for (size_t column = BOX_COLUMN; column < length; at++) {
			cr_assert_lt(at, field_count);
			column = check_cell(owner, row, line, column, tall, last + 1 - row,
					    &fields[at]);
		}
	}
	return at - first;
}

Test(format, the_page_draws_every_field_where_it_is)
{
	size_t at = 0;

	for (const char *box = page; (box = strstr(box, "```text\nstruct ")); box++) {
		char owner[64] = "";

		cr_assert_eq(sscanf(box, "```text\nstruct %63s", owner), 1);
		at += check_box(owner, strstr(box, "struct "), at);
	}
	cr_expect_eq(at, field_count, "%zu fields drawn of %zu", at, field_count);
}

/* The list above leaves nothing out: the fields of each struct fill it. */
Test(format, every_byte_of_every_struct_is_on_the_page)
{
	static const struct {
		const char *name;
		size_t size;
	} structs[] = {
#define STRUCT(name) { #name, sizeof(struct name) }
		STRUCT(header),	       STRUCT(record_continued), STRUCT(record_lock),
		STRUCT(record_call),   STRUCT(record_process),	 STRUCT(record_file),
		STRUCT(record_module), STRUCT(record_stack),	 STRUCT(record_untraced),
		STRUCT(record_run),    STRUCT(record_verdict),	 STRUCT(record_doing),
		STRUCT(record_stuck),  STRUCT(thread_slot),	 STRUCT(process_slot),
		STRUCT(grant),
#undef STRUCT
	};
	size_t at = 0;

	for (size_t i = 0; i < sizeof(structs) / sizeof(*structs); i++) {
		size_t end = 0;

		for (; at < field_count && !strcmp(fields[at].owner, structs[i].name); at++) {
			cr_expect_eq(fields[at].offset, end, "%s.%s", fields[at].owner,
				     fields[at].name);
			end = fields[at].offset + fields[at].size;
		}
		cr_expect_eq(end, structs[i].size, "%s", structs[i].name);
	}
	cr_expect_eq(at, field_count);
}

/* The n-th block of hexadecimal bytes: four rows, the first column is the offset. */
static void example_bytes(unsigned n, unsigned char bytes[CELL_SIZE])
{
	const char *at = page;

	do {
		at = strstr(at, "```hex\n");
		cr_assert_not_null(at);
		at += strlen("```hex\n");
	} while (n--);
	for (unsigned row = 0; row < CELL_SIZE; row += 16) {
		char *end;

		cr_assert_eq(strtoul(at, &end, 16), row);
		for (unsigned i = 0; i < 16; i++)
			bytes[row + i] = (unsigned char)strtoul(end, &end, 16);
		cr_assert_eq(*end, '\n');
		at = end + 1;
	}
}

static void expect_cell(unsigned n, uint64_t position, const struct record_lock *record)
{
	unsigned char expected[CELL_SIZE];
	uint64_t payload[PAYLOAD_WORDS], back[PAYLOAD_WORDS];
	struct cell cell, drawn;

	memcpy(payload, record, sizeof(payload));
	cell_write(&cell, position, payload);
	example_bytes(n, expected);
	for (unsigned i = 0; i < CELL_SIZE; i++)
		cr_expect_eq(((unsigned char *)&cell)[i], expected[i], "byte %u is %02x, not %02x",
			     i, ((unsigned char *)&cell)[i], expected[i]);
	memcpy(&drawn, expected, sizeof(drawn));
	cr_expect(cell_read(&drawn, position, back));
	cr_expect(!cell_read(&drawn, position + 1, back));
}

Test(format, the_worked_example_is_what_the_code_writes)
{
	struct record_lock record = {
		.kind = RECORD_REQUEST,
		.op = OP_FCNTL_SETLKW,
		.flags = FLAG_EXCLUSIVE | 1 << FLAG_WHENCE_SHIFT,
		.process = 1,
		.tid = 4711,
		.fd = 3,
		.time = UINT64_C(123456789012),
		.file = 9,
		.stack = 12,
		.start = 0,
		.len_or_end = 100,
		.base = 4096,
	};

	expect_cell(0, 17, &record);
	record.kind = RECORD_RESULT;
	record.flags = FLAG_EXCLUSIVE | FLAG_HAS_REQUEST;
	record.start = 4096;
	record.len_or_end = 4196;
	record.outcome = OUTCOME(UINT64_C(9812345678), 0);
	expect_cell(1, 42, &record);
}

/* Numbers that files hold: a change here is a new version. */
Test(format, kinds_flags_and_operations_keep_their_numbers)
{
	static const unsigned char magic[] = "\n\xc1"
					     "FTRACE";
	uint64_t word = FORMAT_MAGIC;

	cr_expect_eq(memcmp(&word, magic, 8), 0);
	cr_expect_eq(FORMAT_VERSION, 1);
	cr_expect_eq(RECORD_REQUEST, 1);
	cr_expect_eq(RECORD_RESULT, 2);
	cr_expect_eq(RECORD_CALL, 3);
	cr_expect_eq(RECORD_CALL_RESULT, 4);
	cr_expect_eq(RECORD_CONTINUED, 5);
	cr_expect_eq(RECORD_PROCESS, 6);
	cr_expect_eq(RECORD_FILE, 7);
	cr_expect_eq(RECORD_MODULE, 8);
	cr_expect_eq(RECORD_STACK, 9);
	cr_expect_eq(RECORD_DEATH, 10);
	cr_expect_eq(RECORD_UNTRACED, 11);
	cr_expect_eq(RECORD_RUN, 12);
	cr_expect_eq(RECORD_VERDICT, 13);
	cr_expect_eq(RECORD_DOING, 14);
	cr_expect_eq(RECORD_STUCK, 15);
	cr_expect_eq(OP_FCNTL_GETLK, 0);
	cr_expect_eq(OP_OFD_GETLK, 3);
	cr_expect_eq(OP_LOCKF_ULOCK, 6);
	cr_expect_eq(OP_FLOCK, 10);
	cr_expect_eq(CALL_CLOSE, 0);
	cr_expect_eq(CALL_DUP, 7);
	cr_expect_eq(CALL_IOCTL, 15);
	cr_expect_eq(RANGE_EOF, UINT64_C(1) << 63);
	cr_expect_eq(OUTCOME_DURATION(OUTCOME(UINT64_C(77) << 40, 11)), UINT64_C(77) << 40);
	cr_expect_eq(OUTCOME_ERRNO(OUTCOME(UINT64_C(77) << 40, 11)), 11);
	cr_expect_eq(FRAME_MODULE(FRAME(0xabcd, UINT64_C(0x7fff12345678))), 0xabcd);
	cr_expect_eq(FRAME_ADDRESS(FRAME(0xabcd, UINT64_C(0x7fff12345678))),
		     UINT64_C(0x7fff12345678));
}

Test(format, the_flags_on_the_page_are_the_codes)
{
	static const struct {
		unsigned flag;
		const char *name;
	} flags[] = {
#define FLAG(name) { name, #name }
		FLAG(FLAG_NONBLOCK),	 FLAG(FLAG_HAS_REQUEST),  FLAG(FLAG_BAD_RANGE),
		FLAG(FLAG_BASE_UNKNOWN), FLAG(FLAG_NEGATIVE),	  FLAG(FLAG_INHERITED),
		FLAG(FLAG_ABANDONED),	 FLAG(FLAG_BLOCKER),	  FLAG(FLAG_KEPT),
		FLAG(FLAG_NO_STACK),	 FLAG(FLAG_LIBC_SYSCALL), FLAG(FLAG_RAW_MODE),
#undef FLAG
	};

	cr_expect_eq(FLAG_MODE, 3);
	cr_expect_eq(FLAG_WHENCE, 3 << FLAG_WHENCE_SHIFT);
	cr_expect_not_null(strstr(page, "| 2-3 | FLAG_WHENCE |"));
	for (unsigned i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
		char row[64];

		snprintf(row, sizeof(row), "| %d | %s |", __builtin_ctz(flags[i].flag),
			 flags[i].name);
		cr_expect_not_null(strstr(page, row), "%s", row);
	}
}

Test(format, a_session_lays_its_parts_out_one_after_the_other)
{
	struct header header = { 0 };
	uint64_t size = session_layout(&header, SESSION_DEFAULT_SIZE);

	cr_expect_eq(header.thread_offset, 4096);
	cr_expect_eq(header.process_offset, 4096 + 1024 * 256);
	cr_expect_eq(header.slow_offset, header.process_offset + 512 * 1280);
	cr_expect_eq(header.ring_offset, header.slow_offset + 4096 * 64);
	cr_expect_eq(size, header.ring_offset + 32768 * 64);
	cr_expect_leq(size, 4 << 20);
	cr_expect(session_header_fits(&header, size));
	cr_expect(!session_header_fits(&header, size - 1));
}
