/* SPDX-License-Identifier: MIT */
/* Which line of a stack is the culprit. The symbols are those of tests/golden/fake_symbols.c. */
#include "analyzer/render/sites.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "tests/golden/fake_symbols.h"

enum { LIBC, SHOP, RECORDER, PYTHON, FCNTL_SO, PERL };

static const struct module_info modules[] = {
	{ .path = "/lib/x86_64-linux-gnu/libc.so.6" },
	{ .path = "/srv/shop/bin/shop" },
	{ .path = "/usr/lib/flocktrace/libflocktrace.so" },
	{ .path = "/usr/bin/python3.11" },
	{ .path = "/usr/lib/python3.11/lib-dynload/fcntl.cpython-311.so" },
	{ .path = "/usr/lib/libperl.so.5.36" },
};

static struct scratch scratch;

static void tear_down(void)
{
	scratch_free(&scratch);
}

TestSuite(sites, .fini = tear_down);

/* "" where there is none. */
static const char *culprit(const struct frame *frames, uint32_t count)
{
	struct stack_info stack = { .frames = frames, .count = count };
	struct catalog catalog = {
		.modules = modules,
		.module_count = sizeof(modules) / sizeof(*modules),
		.stacks = &stack,
		.stack_count = 1,
	};
	struct symbols *symbols = symbols_new();
	struct site site = site_of(&catalog, symbols, 0);
	bool has_source;
	const char *text = site_culprit(&scratch, &site, &has_source);

	site_free(&site);
	symbols_free(symbols);
	return text ? text : "";
}

#define CULPRIT(...)                                   \
	culprit((const struct frame[]){ __VA_ARGS__ }, \
		sizeof((struct frame[]){ __VA_ARGS__ }) / sizeof(struct frame))

Test(sites, the_culprit_is_the_innermost_line_of_the_program)
{
	cr_expect_str_eq(CULPRIT({ LIBC, FAKE_FCNTL }, { SHOP, FAKE_SAVE }, { SHOP, FAKE_MAIN }),
			 "save_order() orders.c:88");
}

Test(sites, libc_and_the_recorder_are_never_the_culprit_even_with_source)
{
	cr_expect_str_eq(CULPRIT({ LIBC, FAKE_LOAD }, { RECORDER, FAKE_SAVE }, { SHOP, FAKE_MAIN }),
			 "main() main.c:12");
	cr_expect_str_eq(CULPRIT({ LIBC, FAKE_FCNTL }), "");
}

Test(sites, under_an_interpreter_the_culprit_is_what_was_called_without_a_place)
{
	cr_expect_str_eq(CULPRIT({ LIBC, FAKE_FCNTL }, { PYTHON, FAKE_SAVE },
				 { PYTHON, FAKE_CFUNCTION }, { PYTHON, FAKE_EVAL },
				 { PYTHON, FAKE_MAIN }),
			 "save_order()");
	cr_expect_str_eq(CULPRIT({ FCNTL_SO, FAKE_LOAD }, { PYTHON, FAKE_EVAL }), "load_order()");
	cr_expect_str_eq(CULPRIT({ PERL, FAKE_PP_FLOCK }, { PERL, FAKE_RUNOPS }),
			 "Perl_pp_flock()");
}

Test(sites, an_interpreter_without_names_is_no_culprit)
{
	cr_expect_str_eq(
		CULPRIT({ PYTHON, FAKE_NOTHING }, { PYTHON, FAKE_EVAL }, { PYTHON, FAKE_MAIN }),
		"");
	cr_expect_str_eq(CULPRIT({ FCNTL_SO, FAKE_NOTHING }, { PYTHON, FAKE_EVAL }), "");
	cr_expect_str_eq(CULPRIT({ SHOP, FAKE_EVAL }), "_PyEval_EvalFrameDefault() ceval.c:4769");
}

Test(sites, an_inlined_function_is_named_before_the_one_that_it_is_in)
{
	cr_expect_str_eq(CULPRIT({ SHOP, FAKE_INLINED }), "take_lock() lock.h:19");
}

Test(sites, without_source_a_function_is_better_than_an_address)
{
	cr_expect_str_eq(CULPRIT({ SHOP, FAKE_NOTHING }, { SHOP, FAKE_NO_SOURCE }),
			 "backup_step()+0x44 (shop)");
	cr_expect_str_eq(CULPRIT({ LIBC, FAKE_FCNTL }, { SHOP, FAKE_NOTHING }), "shop+0x1007");
	cr_expect_str_eq(CULPRIT({ NONE, 0x7f1200 }), "0x7f1200 (code of no file)");
}

Test(sites, names_that_bring_parentheses_get_no_others)
{
	cr_expect_str_eq(CULPRIT({ SHOP, FAKE_CPP }), "shop::Cart::pay(int) cart.cc:7");
}
