/* SPDX-License-Identifier: MIT */
/* Which line of a stack is the culprit. The symbols are those of tests/golden/fake_symbols.c. */
#include "analyzer/render/sites.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

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

static struct site look_up(const struct stack_info *stack, struct symbols *symbols)
{
	struct catalog catalog = {
		.modules = modules,
		.module_count = sizeof(modules) / sizeof(*modules),
		.stacks = stack,
		.stack_count = 1,
	};

	return site_of(&catalog, symbols, 0);
}

/* "" where there is none. */
static const char *culprit(const struct frame *frames, uint32_t count)
{
	struct stack_info stack = { .frames = frames, .count = count };
	struct symbols *symbols = symbols_new();
	struct site site = look_up(&stack, symbols);
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

/* The lines of a stack with this script, "; " between them, and behind " <- " the culprit. */
static const char *scripted_by(const struct script_frame *scripts, const struct frame *frames,
			       uint32_t count)
{
	struct stack_info stack = {
		.frames = frames, .count = count, .scripts = scripts, .script_count = 2
	};
	struct symbols *symbols = symbols_new();
	struct site site = look_up(&stack, symbols);
	const char *text = "";
	bool has_source;

	for (uint32_t i = 0; i < site.frames.count; i++)
		text = scratch_format(&scratch, "%s%s; ", text,
				      site_frame_line(&scratch, &site.frames.items[i], "/srv"));
	text = scratch_format(&scratch, "%s<- %s", text,
			      site_culprit(&scratch, &site, &has_source));
	cr_expect(has_source);
	site_free(&site);
	symbols_free(symbols);
	return text;
}

static const struct script_frame orders[] = { { "/srv/orders.py", "Store.save", 88 },
					      { "/srv/orders.py", "<module>", 0 } };

#define SCRIPTED(...)                                              \
	scripted_by(orders, (const struct frame[]){ __VA_ARGS__ }, \
		    sizeof((struct frame[]){ __VA_ARGS__ }) / sizeof(struct frame))

Test(sites, a_script_stands_in_the_place_of_its_interpreter_and_is_the_culprit)
{
	cr_expect_str_eq(SCRIPTED({ FCNTL_SO, FAKE_LOAD }, { PYTHON, FAKE_EVAL },
				  { PYTHON, FAKE_NOTHING }, { LIBC, FAKE_FCNTL },
				  { PYTHON, FAKE_MAIN }),
			 "load_order() shop/src/orders.c:41; Store.save() orders.py:88; "
			 "<module> (orders.py); <- Store.save() orders.py:88");
	cr_expect_str_eq(SCRIPTED({ PYTHON, FAKE_EVAL }, { SHOP, FAKE_MAIN }),
			 "Store.save() orders.py:88; <module> (orders.py); main() "
			 "shop/src/main.c:12; <- Store.save() orders.py:88",
			 "a program that runs scripts keeps its own frames");
	cr_expect_str_eq(SCRIPTED({ SHOP, FAKE_SAVE }),
			 "save_order() shop/src/orders.c:88; Store.save() orders.py:88; <module> "
			 "(orders.py); <- Store.save() orders.py:88",
			 "no frame of the interpreter was found");
}

Test(sites, the_culprit_of_a_script_is_not_in_a_library_if_somebody_called_that)
{
	static const struct script_frame scripts[] = {
		{ "/usr/lib/python3/dist-packages/filelock/_unix.py", "UnixFileLock._acquire", 37 },
		{ "/srv/orders.py", "save", 88 },
	};
	static const struct script_frame libraries[] = {
		{ "/usr/lib/python3.11/mailbox.py", "_lock_file", 2106 },
		{ "<frozen runpy>", "_run_code", 88 },
	};
	static const struct frame frames[] = { { PYTHON, FAKE_EVAL } };

	cr_expect(strstr(scripted_by(scripts, frames, 1), "<- save() orders.py:88") != NULL);
	cr_expect(strstr(scripted_by(libraries, frames, 1), "<- _lock_file() mailbox.py:2106") !=
		  NULL);
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
