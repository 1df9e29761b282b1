/* SPDX-License-Identifier: MIT */
/* What addr2line(1) says about a small program, flocktrace must say too. */
#include "analyzer/symbols/symbols.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINES_MAX	 4096
#define PROGRAM(variant) SYMBOLS_PROGRAMS "/symbols-" variant

struct build_id {
	uint8_t bytes[20];
	unsigned count;
};

struct function {
	uint64_t start, size;
};

struct output {
	char *lines[LINES_MAX];
	int count;
};

#ifdef __SANITIZE_ADDRESS__
/* libdw 0.188 forgets the scopes of a damaged file when it gives up on it. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libdw.so";
}
#endif

/* What a command prints, line by line. Needs output_free(). */
static struct output *output_of(const char *command)
{
	struct output *output = calloc(1, sizeof(*output));
	FILE *pipe = popen(command, "r");
	char *line = NULL;
	size_t room = 0;

	cr_assert(output && pipe);
	while (output->count < LINES_MAX && getline(&line, &room, pipe) > 0) {
		line[strcspn(line, "\n")] = 0;
		output->lines[output->count++] = strdup(line);
	}
	free(line);
	cr_assert_eq(pclose(pipe), 0, "%s failed", command);
	return output;
}

static void output_free(struct output *output)
{
	while (output->count)
		free(output->lines[--output->count]);
	free(output);
}

static struct build_id build_id_of(const char *path)
{
	char command[4096];
	struct build_id id = { 0 };
	struct output *notes;

	snprintf(command, sizeof(command), "readelf -n %s 2>/dev/null", path);
	notes = output_of(command);
	for (int i = 0; i < notes->count; i++) {
		const char *hex = strstr(notes->lines[i], "Build ID: ");

		for (hex = hex ? hex + 10 : ""; isxdigit(hex[0]) && id.count < 20; hex += 2)
			sscanf(hex, "%2hhx", &id.bytes[id.count++]);
	}
	output_free(notes);
	return id;
}

static struct function function_of(const char *path, const char *options, const char *name)
{
	struct function function = { 0 };
	struct output *table;
	char command[4096];

	snprintf(command, sizeof(command), "nm -S %s %s", options, path);
	table = output_of(command);
	for (int i = 0; i < table->count; i++) {
		unsigned long long start, size;
		char kind, symbol[256];

		if (sscanf(table->lines[i], "%llx %llx %c %255[^@]", &start, &size, &kind,
			   symbol) == 4 &&
		    !strcmp(symbol, name))
			function = (struct function){ start, size };
	}
	output_free(table);
	cr_assert(function.size, "no function %s in %s", name, path);
	return function;
}

/* One frame as addr2line -f prints it: two lines, here joined by a blank. */
static void as_addr2line(const struct source_frame *frame, char *text, size_t room)
{
	char line[16] = "?";

	if (frame->line)
		snprintf(line, sizeof(line), "%d", frame->line);
	snprintf(text, room, "%s %s:%s", frame->function ? frame->function : "??",
		 frame->file ? frame->file : "??", line);
}

/* Drops " (discriminator 3)"; LLVM's unknown line is 0. */
static void line_as_ours(char *text)
{
	char *line;

	text[strcspn(text, " ")] = 0;
	line = strrchr(text, ':');
	if (line && !strcmp(line, ":0"))
		line[1] = '?';
}

/* Compares every address of the function; returns how many of them have inlined frames. */
static int compare_with(const char *addr2line, const char *path, const char *name)
{
	struct function function = function_of(path, "", name);
	struct build_id id = build_id_of(path);
	struct symbols *symbols = symbols_new();
	struct output *theirs;
	char command[65536];
	int used = snprintf(command, sizeof(command), "%s -a -i -f -C -e %s", addr2line, path),
	    at = 0, inlined = 0;

	for (uint64_t i = 0; i < function.size; i++)
		used += snprintf(command + used, sizeof(command) - used, " %#lx",
				 function.start + i);
	theirs = output_of(command);
	for (uint64_t i = 0; i < function.size; i++) {
		unsigned frames;
		const struct source_frame *frame = symbols_lookup(
			symbols, path, id.bytes, id.count, function.start + i, false, &frames);

		cr_assert(!strncmp(theirs->lines[at++], "0x", 2));
		for (unsigned f = 0; f < frames; f++, at += 2) {
			char expected[8192], found[8192];

			cr_assert(at + 1 < theirs->count && strncmp(theirs->lines[at], "0x", 2),
				  "more frames than addr2line at %#lx", function.start + i);
			line_as_ours(theirs->lines[at + 1]);
			snprintf(expected, sizeof(expected), "%s %s", theirs->lines[at],
				 theirs->lines[at + 1]);
			as_addr2line(&frame[f], found, sizeof(found));
			cr_assert_str_eq(found, expected,
					 "frame %u at %#lx: %s, but addr2line says %s", f,
					 function.start + i, found, expected);
			cr_assert_eq(frame[f].inlined, f + 1 < frames);
		}
		inlined += frames > 1;
	}
	cr_assert_eq(at, theirs->count, "fewer frames than addr2line");
	symbols_free(symbols);
	output_free(theirs);
	return inlined;
}

Test(symbols, position_independent_program_as_addr2line_sees_it)
{
	cr_assert_gt(compare_with("addr2line", PROGRAM("pie"), "_ZN5Order4saveEPKci"), 10);
	cr_assert_gt(compare_with("addr2line", PROGRAM("pie"), "checkout"), 10);
}

Test(symbols, program_at_a_fixed_address_as_addr2line_sees_it)
{
	cr_assert_gt(compare_with("addr2line", PROGRAM("fixed"), "_ZN5Order4saveEPKci"), 10);
}

Test(symbols, separate_debug_information_is_found_by_debug_link)
{
	/* nm needs the symbols that were split off; the code is at the same place. */
	struct function function = function_of(PROGRAM("pie"), "", "_ZN5Order4saveEPKci");
	struct build_id id = build_id_of(PROGRAM("split"));
	struct symbols *symbols = symbols_new();
	unsigned count;
	const struct source_frame *frame = symbols_lookup(symbols, PROGRAM("split"), id.bytes,
							  id.count, function.start, false, &count);

	cr_assert_str_eq(frame[0].function, "Order::save(char const*, int)");
	cr_assert(frame[0].file && strstr(frame[0].file, "symbols_program.c"));
	cr_assert_gt(frame[0].line, 0);
	symbols_free(symbols);
}

#ifdef SYMBOLS_LLVM_ADDR2LINE
/*
 * clang leaves out the table from addresses to compilation units, and the addr2line of
 * binutils 2.40 misses inlined calls in its range lists.
 */
Test(symbols, program_built_by_clang_has_functions_and_inlined_frames)
{
	cr_assert_gt(compare_with(SYMBOLS_LLVM_ADDR2LINE, PROGRAM("clang"), "_ZN5Order4saveEPKci"),
		     10);
}
#endif

Test(symbols, return_address_is_looked_up_one_byte_earlier)
{
	struct function function = function_of(PROGRAM("pie"), "", "checkout");
	struct build_id id = build_id_of(PROGRAM("pie"));
	struct symbols *symbols = symbols_new();

	for (uint64_t i = 0; i < function.size; i++) {
		unsigned count, count_before;
		const struct source_frame *call =
			symbols_lookup(symbols, PROGRAM("pie"), id.bytes, id.count,
				       function.start + i + 1, true, &count);
		const struct source_frame *before =
			symbols_lookup(symbols, PROGRAM("pie"), id.bytes, id.count,
				       function.start + i, false, &count_before);

		cr_assert_eq(count, count_before);
		cr_assert_str_eq(call[0].function, before[0].function);
		cr_assert_eq(call[0].line, before[0].line);
	}
	symbols_free(symbols);
}

Test(symbols, without_debug_information_the_symbol_table_gives_function_and_offset)
{
	struct function function = function_of(PROGRAM("nodebug"), "", "_ZN5Order4saveEPKci");
	struct build_id id = build_id_of(PROGRAM("nodebug"));
	struct symbols *symbols = symbols_new();
	unsigned count;
	const struct source_frame *frame = symbols_lookup(
		symbols, PROGRAM("nodebug"), id.bytes, id.count, function.start + 9, true, &count);

	cr_assert_eq(count, 1);
	cr_assert_str_eq(frame->function, "Order::save(char const*, int)");
	cr_assert_null(frame->file);
	cr_assert_eq(frame->line, 0);
	cr_assert_eq(frame->offset, 9);
	symbols_free(symbols);
}

static void expect_unknown(const char *path, const struct build_id *id, uint64_t address)
{
	struct symbols *symbols = symbols_new();

	for (int again = 0; again < 2; again++) {
		unsigned count = 0;
		const struct source_frame *frame =
			symbols_lookup(symbols, path, id->bytes, id->count, address, again, &count);

		cr_assert_eq(count, 1);
		cr_assert_null(frame->function, "%s: %s", path, frame->function);
		cr_assert_null(frame->file);
		cr_assert_eq(frame->line, 0);
		cr_assert_eq(frame->offset, 0);
		cr_assert_not(frame->inlined);
	}
	symbols_free(symbols);
}

Test(symbols, stripped_program_is_unknown)
{
	struct function function = function_of(PROGRAM("pie"), "", "checkout");
	struct build_id id = build_id_of(PROGRAM("stripped"));

	expect_unknown(PROGRAM("stripped"), &id, function.start + 4);
}

Test(symbols, file_that_was_rebuilt_since_is_not_used)
{
	struct function function = function_of(PROGRAM("pie"), "", "checkout");
	struct build_id id = build_id_of(PROGRAM("pie")), none = { 0 };

	cr_assert_eq(id.count, 20);
	id.bytes[19] ^= 1;
	expect_unknown(PROGRAM("pie"), &id, function.start);
	id.bytes[19] ^= 1;
	id.count = 8;
	expect_unknown(PROGRAM("pie"), &id, function.start);
	expect_unknown(PROGRAM("pie"), &none, function.start);
}

Test(symbols, file_without_build_id_is_used_for_a_module_without_one)
{
	struct function function = function_of(PROGRAM("noid"), "", "checkout");
	struct build_id none = { 0 }, other = { { 1 }, 20 };
	struct symbols *symbols = symbols_new();
	unsigned count;
	const struct source_frame *frame = symbols_lookup(symbols, PROGRAM("noid"), none.bytes, 0,
							  function.start, false, &count);

	cr_assert_eq(build_id_of(PROGRAM("noid")).count, 0);
	cr_assert_str_eq(frame[count - 1].function, "checkout");
	symbols_free(symbols);
	expect_unknown(PROGRAM("noid"), &other, function.start);
}

Test(symbols, what_cannot_be_read_is_unknown, .timeout = 20)
{
	struct build_id id = { { 1, 2, 3 }, 20 }, none = { 0 };
	char directory[] = "/tmp/flocktrace-symbols-XXXXXX", path[128];

	cr_assert(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/pipe", directory);
	cr_assert_eq(mkfifo(path, 0600), 0);
	expect_unknown(path, &none, 0x1000); /* opening it would wait for a writer */
	unlink(path);
	expect_unknown(path, &id, 0x1000);
	expect_unknown(directory, &none, 0x1000);
	rmdir(directory);
	expect_unknown("/etc/passwd", &none, 0x1000);
	expect_unknown("/dev/null", &none, 0);
	expect_unknown("[vdso]", &none, 0xabc);
	expect_unknown("", &none, 0);
}

Test(symbols, address_outside_of_all_code_is_unknown)
{
	struct build_id id = build_id_of(PROGRAM("pie"));

	expect_unknown(PROGRAM("pie"), &id, 0);
	expect_unknown(PROGRAM("pie"), &id, UINT64_C(1) << 40);
	expect_unknown(PROGRAM("pie"), &id, UINT64_MAX);
}

/* Cut at every length, and with bytes changed: never a crash, and never a hang. */
Test(symbols, damaged_files_do_no_harm, .timeout = 120)
{
	struct function function = function_of(PROGRAM("pie"), "", "_ZN5Order4saveEPKci");
	struct build_id id = build_id_of(PROGRAM("pie"));
	unsigned seed = (unsigned)getpid();
	char path[] = "/tmp/flocktrace-damaged-XXXXXX";
	static uint8_t image[1 << 20];
	FILE *file = fopen(PROGRAM("pie"), "r");
	size_t size;
	int fd = mkstemp(path);

	cr_assert(file && fd >= 0);
	size = fread(image, 1, sizeof(image), file);
	fclose(file);
	cr_log_info("seed %u", seed);
	for (int round = 0; round < 300; round++) {
		size_t length = round % 2 ? size : rand_r(&seed) % size;
		struct symbols *symbols = symbols_new();
		uint8_t saved[8];
		size_t where[8];
		unsigned count;

		for (int i = 0; i < 8; i++) {
			where[i] = rand_r(&seed) % size;
			saved[i] = image[where[i]];
			image[where[i]] = (uint8_t)rand_r(&seed);
		}
		cr_assert_eq(ftruncate(fd, 0), 0);
		cr_assert_eq(pwrite(fd, image, length, 0), (ssize_t)length);
		for (int i = 7; i >= 0; i--)
			image[where[i]] = saved[i];
		for (uint64_t i = 0; i < function.size; i += 7)
			cr_assert(symbols_lookup(symbols, path, id.bytes, id.count,
						 function.start + i, true, &count) &&
					  count >= 1,
				  "seed %u", seed);
		symbols_free(symbols);
	}
	close(fd);
	unlink(path);
}

Test(symbols, libc_function_is_known_by_its_exported_name)
{
	Dl_info info;
	void *function = dlsym(RTLD_DEFAULT, "fcntl64");
	struct symbols *symbols = symbols_new();
	struct build_id id;
	const struct source_frame *frame;
	unsigned count;
	char real[4096];

	cr_assert(function && dladdr(function, &info) && realpath(info.dli_fname, real));
	id = build_id_of(real);
	frame = symbols_lookup(symbols, real, id.bytes, id.count,
			       function_of(real, "-D", "fcntl64").start + 30, false, &count);
	/* __libc_fcntl64 where libc's debug information is installed. */
	cr_assert(frame[count - 1].function && strstr(frame[count - 1].function, "fcntl"), "%s",
		  frame[count - 1].function);
	symbols_free(symbols);
}

Test(symbols, second_lookup_is_answered_from_memory)
{
	struct function function = function_of(PROGRAM("pie"), "", "checkout");
	struct build_id id = build_id_of(PROGRAM("pie"));
	struct symbols *symbols = symbols_new();
	unsigned count;
	const struct source_frame *first = symbols_lookup(symbols, PROGRAM("pie"), id.bytes,
							  id.count, function.start, false, &count);

	for (uint64_t i = 1; i < function.size; i++)
		symbols_lookup(symbols, PROGRAM("pie"), id.bytes, id.count, function.start + i,
			       false, &count);
	cr_assert_eq(symbols_lookup(symbols, PROGRAM("pie"), id.bytes, id.count, function.start,
				    false, &count),
		     first);
	symbols_free(symbols);
}
