/* SPDX-License-Identifier: MIT */
#include "analyzer/render/phrases.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>

#include "trace/names.h"

static struct scratch scratch;

static void tear_down(void)
{
	scratch_free(&scratch);
}

TestSuite(phrases, .fini = tear_down);

static const struct process_info processes[] = { { .pid = 4711, .command = "python3" },
						 { .pid = 0 } };
static const struct file_info files[] = {
	{ .path = "/srv/shop/orders.db" },
	{ .path = "", .inode = 12, .device = 0x801 },
};
static const struct catalog catalog = {
	.processes = processes,
	.process_count = 2,
	.files = files,
	.file_count = 2,
};

Test(phrases, control_characters_cannot_reach_the_terminal)
{
	cr_expect_str_eq(phrase_escaped(&scratch, "a\nb\tc"), "a\\nb\\tc");
	cr_expect_str_eq(phrase_escaped(&scratch, "\x1b[31mred\x7f"), "\\x1b[31mred\\x7f");
	cr_expect_str_eq(phrase_escaped(&scratch, "\xc2\x9b"), "\\xc2\\x9b", "C1 controls");
}

Test(phrases, utf8_is_left_as_it_is_and_other_bytes_are_escaped)
{
	cr_expect_str_eq(phrase_escaped(&scratch, "caf\xc3\xa9 \xf0\x9f\x94\x92"),
			 "caf\xc3\xa9 \xf0\x9f\x94\x92");
	cr_expect_str_eq(phrase_escaped(&scratch, "caf\xe9"), "caf\\xe9");
	cr_expect_str_eq(phrase_escaped(&scratch, "\xed\xa0\x80"), "\\xed\\xa0\\x80", "surrogate");
	cr_expect_str_eq(phrase_escaped(&scratch, "\xc0\xaf"), "\\xc0\\xaf", "overlong");
	cr_expect_str_eq(phrase_escaped(&scratch, "\xe2\x82"), "\\xe2\\x82", "cut off");
}

Test(phrases, paths_are_relative_where_that_is_shorter)
{
	static const struct {
		const char *path, *directory, *shown;
	} cases[] = {
		{ "/srv/shop/orders.db", "/srv/shop", "orders.db" },
		{ "/srv/shop/data/orders.db", "/srv/shop", "data/orders.db" },
		{ "/srv/shopping/orders.db", "/srv/shop", "../shopping/orders.db" },
		{ "/srv/shop/orders.db", "/srv/shop/a/b", "../../orders.db" },
		{ "/srv/orders.db", "/srv/shop/a/b/c/d", "/srv/orders.db" },
		{ "/etc/passwd", "/srv/shop", "/etc/passwd" },
		{ "/srv/shop", "/srv/shop", "/srv/shop" },
		{ "/srv", "/srv/shop", "/srv" },
		{ "/srv/x", "/", "srv/x" },
		{ "/srv/shop/x", NULL, "/srv/shop/x" },
		{ "pipe:[1]", "/srv/shop", "pipe:[1]" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		cr_expect_str_eq(phrase_path(&scratch, cases[i].path, cases[i].directory),
				 cases[i].shown, "%s from %s: %s", cases[i].path,
				 cases[i].directory,
				 phrase_path(&scratch, cases[i].path, cases[i].directory));
}

Test(phrases, what_is_not_known_is_called_unknown)
{
	cr_expect_str_eq(phrase_file(&scratch, &catalog, NONE, NULL), "an unknown file");
	cr_expect_str_eq(phrase_file(&scratch, &catalog, 1, NULL), "inode 12 on device 8:1");
	cr_expect_str_eq(phrase_process(&scratch, &catalog, NONE, 5), "an unknown process");
	cr_expect_str_eq(phrase_process(&scratch, &catalog, 1, 0), "an unknown process");
	cr_expect_str_eq(phrase_process(&scratch, &catalog, 1, 5),
			 "thread 5 of an unknown process");
	cr_expect_str_eq(phrase_mode(MODE_NONE), "unknown");
	cr_expect_str_eq(phrase_error(&scratch, 4711), "error 4711");
	cr_expect_str_eq(phrase_call(&scratch, 200), "an unknown call");
}

Test(phrases, a_thread_is_named_only_if_it_is_not_the_first)
{
	cr_expect_str_eq(phrase_process(&scratch, &catalog, 0, 4711), "python3[4711]");
	cr_expect_str_eq(phrase_process(&scratch, &catalog, 0, 4713), "python3[4711] thread 4713");
}

Test(phrases, locks_are_said_with_mode_and_range_and_flock_without)
{
	cr_expect_str_eq(phrase_lock(&scratch, NULL, NONE, RECORD_LOCKS, MODE_EXCLUSIVE, 0, 100),
			 "exclusive [0, 100)");
	cr_expect_str_eq(
		phrase_lock(&scratch, NULL, NONE, RECORD_LOCKS, MODE_SHARED, 0, RANGE_TO_EOF),
		"shared [0, EOF)");
	cr_expect_str_eq(
		phrase_lock(&scratch, NULL, NONE, FLOCK_LOCKS, MODE_SHARED, 0, RANGE_TO_EOF),
		"shared flock");
}

Test(phrases, errors_and_calls_have_the_names_that_strace_prints)
{
	cr_expect_str_eq(phrase_error(&scratch, EAGAIN), "EAGAIN");
	cr_expect_str_eq(phrase_error(&scratch, EDEADLK), "EDEADLK");
	cr_expect_str_eq(phrase_call(&scratch, OP_FCNTL_SETLKW), "fcntl F_SETLKW");
	cr_expect_str_eq(phrase_call(&scratch, OP_FLOCK), "flock");
}

Test(phrases, one_is_not_many)
{
	cr_expect_str_eq(phrase_number(&scratch, 1, "wait", "waits"), "1 wait");
	cr_expect_str_eq(phrase_number(&scratch, 0, "wait", "waits"), "0 waits");
	cr_expect_str_eq(phrase_number(&scratch, 1204, "wait", "waits"), "1,204 waits");
}
