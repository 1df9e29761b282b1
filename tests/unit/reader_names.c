/* SPDX-License-Identifier: MIT */
/* Announcements, and the references of other records to them. */
#include "analyzer/read/reader.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyzer/read/references.h"
#include "tests/support/mktrace.h"

static struct reader *open_made(const struct mktrace *make)
{
	char *path = mktrace_temporary(make->bytes, make->size);
	const char *error = NULL;
	struct reader *reader = reader_open(path, &error);

	cr_assert_not_null(reader, "%s", error);
	unlink(path);
	free(path);
	return reader;
}

/* The next RESULT. */
static struct event next_result(struct reader *reader)
{
	struct event event;

	do
		cr_assert(reader_next(reader, &event), "no result any more");
	while (event.kind != EVENT_RESULT);
	return event;
}

static void read_all(struct reader *reader)
{
	struct event event;

	while (reader_next(reader, &event))
		;
}

static void use(struct mktrace *make, uint32_t process, reference file, reference stack)
{
	mktrace_lock(make, (struct record_lock){ .kind = RECORD_RESULT,
						 .op = OP_FCNTL_SETLK,
						 .flags = FLAG_EXCLUSIVE,
						 .process = process,
						 .tid = 4711,
						 .file = file,
						 .stack = stack,
						 .start = 0,
						 .len_or_end = 1 });
}

Test(names, a_file_announced_twice_is_one_file_with_its_last_path)
{
	struct mktrace *make = mktrace_trace(1);
	reference first = mktrace_file(make, 42, "/tmp/before"), second, other;
	struct reader *reader;
	const struct catalog *catalog;

	use(make, 1, first, 0);
	second = mktrace_file(make, 42, "/tmp/after");
	other = mktrace_file(make, 43, "/tmp/other");
	use(make, 1, second, 0);
	use(make, 1, other, 0);
	reader = open_made(make);
	cr_expect_eq(next_result(reader).file, 0);
	cr_expect_str_eq(reader_catalog(reader)->files[0].path, "/tmp/before");
	cr_expect_eq(next_result(reader).file, 0);
	cr_expect_eq(next_result(reader).file, 1);
	catalog = reader_catalog(reader);
	cr_expect_eq(catalog->file_count, 2);
	cr_expect_str_eq(catalog->files[0].path, "/tmp/after");
	cr_expect_eq(catalog->files[0].inode, 42);
	cr_expect_eq(catalog->files[0].device, 0x801);
	cr_expect_eq(catalog->files[0].fs_type, 0xef53);
	cr_expect_eq(catalog->files[0].mode, 0100644);
	reader_free(reader);
	mktrace_free(make);
}

Test(names, what_nobody_announced_is_unknown_and_counted)
{
	struct mktrace *make = mktrace_trace(1);
	reference file = mktrace_file(make, 42, "/tmp/a");
	struct reader *reader;
	struct event event;

	use(make, 1, 77, 78);
	use(make, 1, 0, 0);
	use(make, 1, 0, file); /* a file is no stack */
	reader = open_made(make);
	event = next_result(reader);
	cr_expect_eq(event.file, NONE);
	cr_expect_eq(event.stack, NONE);
	cr_expect_eq(reader_catalog(reader)->quality.unresolved_files, 1);
	cr_expect_eq(reader_catalog(reader)->quality.unresolved_stacks, 1);
	next_result(reader);
	cr_expect_eq(reader_catalog(reader)->quality.unresolved_files, 1);
	cr_expect_eq(next_result(reader).stack, NONE);
	cr_expect_eq(reader_catalog(reader)->quality.unresolved_stacks, 2);
	/* The process itself has a number, and is somebody. */
	cr_expect_eq(event.process, 0);
	cr_expect_eq(reader_catalog(reader)->processes[0].id, 1);
	cr_expect_str_eq(reader_catalog(reader)->processes[0].command, "");
	reader_free(reader);
	mktrace_free(make);
}

/* One native frame, and `scripts` of a script with that text. */
static reference script_stack(struct mktrace *make, uint32_t process, uint32_t scripts,
			      const char *text, size_t length)
{
	struct record_stack record = {
		.kind = RECORD_STACK, .process = process, .frames = 1, .scripts = scripts
	};
	uint64_t frame = FRAME(0, 0x1000);
	char bytes[200];

	memcpy(bytes, &frame, sizeof(frame));
	memcpy(bytes + sizeof(frame), text, length);
	return (reference)mktrace_long(make, &record, bytes, sizeof(frame) + length);
}

Test(names, the_lines_of_a_script_make_a_stack_of_their_own)
{
	static const char text[] = "/srv/a.py\0save\0"
				   "88\0/srv/a.py\0<module>\0"
				   "9";
	static const char other[] = "/srv/a.py\0save\0"
				    "89\0/srv/a.py\0<module>\0"
				    "9";
	struct mktrace *make = mktrace_trace(1);
	const struct stack_info *stacks;
	struct reader *reader;

	use(make, 1, 0, script_stack(make, 1, 2, text, sizeof(text)));
	use(make, 2, 0, script_stack(make, 2, 2, text, sizeof(text)));
	use(make, 1, 0, script_stack(make, 1, 2, other, sizeof(other)));
	use(make, 1, 0, script_stack(make, 1, 0, "", 0));
	use(make, 1, 0, script_stack(make, 1, 3, text, sizeof(text))); /* the third is missing */
	reader = open_made(make);
	cr_expect_eq(next_result(reader).stack, 0);
	cr_expect_eq(next_result(reader).stack, 0);
	cr_expect_eq(next_result(reader).stack, 1);
	cr_expect_eq(next_result(reader).stack, 2);
	cr_expect_eq(next_result(reader).stack, 3);
	stacks = reader_catalog(reader)->stacks;
	cr_assert_eq(stacks[0].script_count, 2);
	cr_expect_str_eq(stacks[0].scripts[0].file, "/srv/a.py");
	cr_expect_str_eq(stacks[0].scripts[0].function, "save");
	cr_expect_eq(stacks[0].scripts[0].line, 88);
	cr_expect_str_eq(stacks[0].scripts[1].function, "<module>");
	cr_expect(!stacks[0].truncated);
	cr_expect_eq(stacks[2].script_count, 0);
	cr_expect_eq(stacks[3].script_count, 2);
	cr_expect(stacks[3].scripts_truncated && !stacks[3].truncated);
	reader_free(reader);
	mktrace_free(make);
}

Test(names, the_same_code_is_one_stack_whatever_the_module_numbers)
{
	struct mktrace *make = mktrace_trace(1);
	uint64_t in_one[] = { FRAME(1, 0x10), FRAME(2, 0x20), FRAME(0, 0x7f0000001234) };
	uint64_t in_two[] = { FRAME(2, 0x10), FRAME(1, 0x20), FRAME(0, 0x7f0000001234) };
	reference one, two, other;
	const struct catalog *catalog;
	struct reader *reader;

	mktrace_module(make, 1, 1, "/bin/victim");
	mktrace_module(make, 1, 2, "/lib/libc.so.6");
	mktrace_module(make, 2, 1, "/lib/libc.so.6");
	mktrace_module(make, 2, 2, "/bin/victim");
	one = mktrace_stack(make, 1, in_one, 3);
	two = mktrace_stack(make, 2, in_two, 3);
	other = mktrace_stack(make, 2, in_one, 3);
	use(make, 1, 0, one);
	use(make, 2, 0, two);
	use(make, 2, 0, other);
	reader = open_made(make);
	cr_expect_eq(next_result(reader).stack, 0);
	cr_expect_eq(next_result(reader).stack, 0);
	cr_expect_eq(next_result(reader).stack, 1);
	catalog = reader_catalog(reader);
	cr_expect_eq(catalog->module_count, 2);
	cr_expect_eq(catalog->stack_count, 2);
	cr_expect_eq(catalog->stacks[0].count, 3);
	cr_expect_str_eq(catalog->modules[catalog->stacks[0].frames[0].module].path, "/bin/victim");
	cr_expect_eq(catalog->stacks[0].frames[1].address, 0x20);
	cr_expect_eq(catalog->stacks[0].frames[2].module, NONE);
	cr_expect_eq(catalog->stacks[0].frames[2].address, 0x7f0000001234);
	cr_expect(!catalog->stacks[0].truncated);
	cr_expect_eq(catalog->modules[0].build_id_bytes, BUILD_ID_MAX);
	cr_expect_eq(catalog->modules[0].build_id[0], 0x5a);
	reader_free(reader);
	mktrace_free(make);
}

Test(names, exec_makes_module_numbers_anew_and_a_fork_child_has_its_parents)
{
	struct mktrace *make = mktrace_trace(1);
	uint64_t frame = FRAME(1, 0x10);
	const struct catalog *catalog;
	struct reader *reader;

	mktrace_process(make, PROCESS_START, 1, 4711, 0, "/bin/victim");
	mktrace_module(make, 1, 1, "/bin/victim");
	mktrace_process(make, PROCESS_FORK, 2, 4712, 1, "/bin/victim");
	use(make, 2, 0, mktrace_stack(make, 2, &frame, 1));
	mktrace_process(make, PROCESS_EXEC, 2, 4712, 1, "/bin/other");
	use(make, 2, 0, mktrace_stack(make, 2, &frame, 1));
	reader = open_made(make);
	next_result(reader);
	catalog = reader_catalog(reader);
	cr_expect_str_eq(catalog->modules[catalog->stacks[0].frames[0].module].path, "/bin/victim");
	cr_expect_eq(next_result(reader).stack, 1);
	catalog = reader_catalog(reader);
	cr_expect_str_eq(catalog->modules[catalog->stacks[1].frames[0].module].path, "",
			 "a module that was not announced must not be guessed");
	reader_free(reader);
	mktrace_free(make);
}

Test(names, long_paths_fill_many_cells)
{
	struct mktrace *make = mktrace_trace(1);
	char path[4096];
	struct reader *reader;

	memset(path, 'p', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	use(make, 1, mktrace_file(make, 1, path), 0);
	reader = open_made(make);
	cr_expect_eq(next_result(reader).file, 0);
	cr_expect_str_eq(reader_catalog(reader)->files[0].path, path);
	reader_free(reader);
	mktrace_free(make);
}

Test(names, an_announcement_with_a_missing_cell_is_torn_whichever_cell_it_is)
{
	for (uint64_t missing = 0; missing < 4; missing++) {
		struct mktrace *make = mktrace_trace(1);
		char path[130];
		uint64_t position;
		struct reader *reader;
		struct event event;

		memset(path, 'p', sizeof(path) - 1);
		path[sizeof(path) - 1] = '\0';
		position = mktrace_file(make, 1, path);
		use(make, 1, (reference)position, 0);
		mktrace_damage(make, position + missing);
		reader = open_made(make);
		event = next_result(reader);
		cr_expect_eq(event.file, NONE, "cell %d", (int)missing);
		read_all(reader);
		cr_expect_eq(reader_catalog(reader)->quality.torn_announcements, 1, "cell %d",
			     (int)missing);
		cr_expect_eq(reader_catalog(reader)->quality.holes, 1);
		cr_expect_eq(reader_catalog(reader)->file_count, 0);
		reader_free(reader);
		mktrace_free(make);
	}
}

Test(names, references_count_from_the_record_that_makes_them)
{
	/* The announcement lies before a multiple of 2^32, the record behind it. */
	struct mktrace *make = mktrace_trace((UINT64_C(7) << 32) - 4);
	reference file = mktrace_file(make, 42, "/tmp/a");
	struct reader *reader;

	mktrace_hole(make, 10);
	use(make, 1, file, 0);
	reader = open_made(make);
	cr_expect_eq(next_result(reader).file, 0);
	reader_free(reader);
	mktrace_free(make);
}

Test(references, old_announcements_are_forgotten_and_young_ones_are_not)
{
	struct references references = { .reach = 1000 };

	for (uint64_t position = 1; position < 1000000; position++) {
		references_add(&references, position, RECORD_FILE, (uint32_t)position);
		if (position > 1000)
			cr_assert_eq(references_find(&references, (reference)(position - 999),
						     position, RECORD_FILE),
				     position - 999);
	}
	cr_expect_leq(references.room, 4096, "%u", references.room);
	cr_expect_eq(references_find(&references, 1, 1000000, RECORD_FILE), UINT32_MAX);
	cr_expect_eq(references_find(&references, 999999, 1000000, RECORD_STACK), UINT32_MAX);
	cr_expect_eq(references_find(&references, 0, 1000000, RECORD_FILE), UINT32_MAX);
	references_free(&references);
}

Test(references, a_reference_is_never_taken_for_the_one_2_to_the_32_before)
{
	struct references references = { .reach = REFERENCE_REACH };
	uint64_t lap = UINT64_C(1) << 32;

	references_add(&references, 5, RECORD_FILE, 50);
	cr_expect_eq(references_find(&references, 5, 100, RECORD_FILE), 50);
	cr_expect_eq(references_find(&references, 5, lap + 100, RECORD_FILE), UINT32_MAX);
	references_add(&references, lap + 5, RECORD_FILE, 51);
	cr_expect_eq(references_find(&references, 5, lap + 100, RECORD_FILE), 51);
	cr_expect_eq(references_find(&references, 5, 100, RECORD_FILE), UINT32_MAX);
	references_free(&references);
}
