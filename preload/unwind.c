/* SPDX-License-Identifier: MIT */
#define UNW_LOCAL_ONLY
#include "preload/unwind.h"

#include <dlfcn.h>
#include <errno.h>
#include <libunwind.h>
#include <link.h>
#include <stdatomic.h>
#include <string.h>

#include "preload/arch.h"
#include "preload/clock.h"
#include "preload/isolate.h"
#include "preload/modules.h"

/* A function of the library on some processors, a macro without any call on others. */
#ifdef __x86_64__
#define take_context(context) lib.getcontext(context)
#define CONTEXT_FUNCTION      NAME(unw_tdep_getcontext)
#else
#define take_context(context) unw_getcontext(*(context))
#define CONTEXT_FUNCTION      "unw_backtrace"
#endif

/* libunwind.h renames its functions for each processor (unw_step is _ULx86_64_step): ask for them
 * by their renamed names. */
#define NAME(function)	NAME_(function)
#define NAME_(function) #function

static struct {
	bool usable;
	int (*backtrace)(void **addresses, int room);
	int (*getcontext)(unw_context_t *context);
	__typeof__(unw_init_local) *init_local;
	__typeof__(unw_step) *step;
	__typeof__(unw_get_reg) *get_reg;
	__typeof__(unw_get_save_loc) *get_save_loc;
	__typeof__(unw_is_signal_frame) *is_signal_frame;
	__typeof__(unw_get_accessors) *get_accessors;
	__typeof__(unw_flush_cache) *flush_cache;
	unw_addr_space_t *local;
} lib;

bool unwind_prepare(void)
{
	void *handle = dlopen("libunwind.so.8", RTLD_NOW | RTLD_LOCAL);

	if (!handle) {
		dlerror(); /* what went wrong is nothing the host should find */
		return false;
	}
	*(void **)&lib.backtrace = dlsym(handle, "unw_backtrace");
	*(void **)&lib.getcontext = dlsym(handle, CONTEXT_FUNCTION);
	*(void **)&lib.init_local = dlsym(handle, NAME(unw_init_local));
	*(void **)&lib.step = dlsym(handle, NAME(unw_step));
	*(void **)&lib.get_reg = dlsym(handle, NAME(unw_get_reg));
	*(void **)&lib.get_save_loc = dlsym(handle, NAME(unw_get_save_loc));
	*(void **)&lib.is_signal_frame = dlsym(handle, NAME(unw_is_signal_frame));
	*(void **)&lib.get_accessors = dlsym(handle, NAME(unw_get_accessors));
	*(void **)&lib.flush_cache = dlsym(handle, NAME(unw_flush_cache));
	*(void **)&lib.local = dlsym(handle, NAME(unw_local_addr_space));
	lib.usable = lib.backtrace && lib.getcontext && lib.init_local && lib.step && lib.get_reg &&
		     lib.get_save_loc && lib.is_signal_frame && lib.get_accessors &&
		     lib.flush_cache && lib.local && isolate(handle);
	return lib.usable;
}

bool unwind_usable(void)
{
	return lib.usable;
}

/* So many walks in a row, and for so long, were without libunwind's mutex: it will not come back
 * (fork). A busy machine keeps its owner waiting, while others come very often. */
#define GIVE_UP_AFTER	 64
#define GIVE_UP_AFTER_NS UINT64_C(1000000000)

static _Atomic int given_up;
static _Atomic uint64_t given_up_since; /* ns */

void unwind_given_up(void)
{
	uint64_t now = clock_monotonic();
	int before = atomic_fetch_add_explicit(&given_up, 1, memory_order_relaxed);

	if (!before)
		atomic_store_explicit(&given_up_since, now, memory_order_relaxed);
	else if (before >= GIVE_UP_AFTER &&
		 now - atomic_load_explicit(&given_up_since, memory_order_relaxed) >
			 GIVE_UP_AFTER_NS)
		lib.usable = false;
}

void unwind_with_room(struct thread *thread, void (*work)(void *argument), void *argument)
{
	call_on_stack(thread->walk_stack + WALK_ROOM, work, argument);
}

struct errand {
	struct thread *thread;
	uintptr_t *addresses;
	struct memo_frame *frames;
	uintptr_t caller;
	uint32_t room;
	volatile uint32_t count;
};

/*
 * libunwind remembers the last few pages that it found readable when it had to guess, and never
 * asks again, though they may be unmapped by then. So after guesses it is made to remember pages of
 * ours instead, and others each time, since it would not ask for those that it still remembers.
 */
#define REMEMBERED_MAX 8 /* it remembers 4 */
#define PAGE	       4096

static _Atomic bool guessed;

void unwind_guessed(void)
{
	atomic_store_explicit(&guessed, true, memory_order_relaxed);
}

static char own_page[2][REMEMBERED_MAX][PAGE] __attribute__((aligned(PAGE)));

bool unwind_is_own_page(const void *address)
{
	return (uintptr_t)address - (uintptr_t)own_page < sizeof(own_page);
}

static void forget_pages(struct thread *thread)
{
	static _Atomic unsigned turns;
	unsigned turn = atomic_fetch_add_explicit(&turns, 1, memory_order_relaxed) % 2;
	/* It asks where a bit of its cursor says so, or the lowest of its address, and reads
	 * nothing else there. */
	unw_cursor_t asking;
	unw_word_t word;

	if (__builtin_setjmp(thread->bail_out)) /* isolate.c: a lock could not be had; next time */
		return;
	memset(&asking, 0xff, sizeof(asking));
	for (int i = 0; i < REMEMBERED_MAX; i++)
		lib.get_accessors(*lib.local)
			->access_mem(*lib.local, (unw_word_t)own_page[turn][i], &word, 0,
				     (char *)&asking + 1);
	atomic_store_explicit(&guessed, false, memory_order_relaxed);
}

static void run(void (*walk)(struct errand *errand), struct errand *errand)
{
	/* libunwind tries a read or write again for as long as errno is EINTR, whatever it
	 * returned: with the EINTR that the host's call has left there, that is for ever. */
	errno = 0;
	errand->thread->locked = 0;
	errand->thread->walking = true;
	if (atomic_load_explicit(&guessed, memory_order_relaxed))
		forget_pages(errand->thread);
	walk(errand);
	errand->thread->walking = false;
	if (errand->count)
		atomic_store_explicit(&given_up, 0, memory_order_relaxed);
}

/*
 * libunwind remembers by address how to go on from a frame: by the code that comes there next it
 * would follow anything for a pointer. Its tables are flushed; that of unw_backtrace() can't be, so
 * from then on walks go step by step.
 */
static _Atomic bool unloaded;

void unwind_unloaded(void)
{
	if (!lib.usable)
		return;
	atomic_store_explicit(&unloaded, true, memory_order_relaxed);
	lib.flush_cache(*lib.local, 0, 0);
}

static void walk_by_steps(struct errand *errand)
{
	unw_context_t context;
	unw_cursor_t cursor;
	unw_word_t address;

	take_context(&context);
	if (lib.init_local(&cursor, &context) < 0)
		return;
	while (errand->count < errand->room && lib.step(&cursor) > 0 &&
	       lib.get_reg(&cursor, UNW_REG_IP, &address) >= 0)
		errand->addresses[errand->count++] = address;
}

static void walk(struct errand *errand)
{
	int count;

	if (__builtin_setjmp(errand->thread->bail_out)) { /* isolate.c: a lock could not be had */
		errand->count = 0;
		return;
	}
	if (atomic_load_explicit(&unloaded, memory_order_relaxed)) {
		walk_by_steps(errand);
		return;
	}
	count = lib.backtrace((void **)errand->addresses, (int)errand->room);
	errand->count = count > 0 ? (uint32_t)count : 0;
}

uint32_t unwind_walk(struct thread *thread, uintptr_t *addresses, uint32_t room)
{
	struct errand errand = { .thread = thread, .addresses = addresses, .room = room };

	run(walk, &errand);
	return errand.count;
}

/* A word below a return address that points a little higher on the stack: a saved frame pointer. */
static uintptr_t saved_frame_pointer(const uintptr_t *place)
{
	uintptr_t below = place[-1], here = (uintptr_t)place;

	return below > here && below - here < (1u << 20) ? below : 0;
}

static void find_places(struct errand *errand)
{
	unw_context_t context;
	unw_cursor_t cursor;
	bool outside = false;

	if (__builtin_setjmp(errand->thread->bail_out)) {
		errand->count = 0;
		return;
	}
	take_context(&context);
	if (lib.init_local(&cursor, &context) < 0)
		return;
	while (errand->count < errand->room && lib.step(&cursor) > 0) {
		struct memo_frame *frame = &errand->frames[errand->count];
		unw_save_loc_t saved;
		unw_word_t address;

		if (lib.get_reg(&cursor, UNW_REG_IP, &address) < 0 || !address)
			return;
		outside = outside || address == errand->caller;
		if (!outside)
			continue;
		/* What a signal interrupted may be on any stack, of which the next signal's walk
		 * must not believe that it is still mapped. */
		if (lib.is_signal_frame(&cursor) ||
		    lib.get_save_loc(&cursor, UNW_REG_IP, &saved) < 0 ||
		    saved.type != UNW_SLT_MEMORY) {
			errand->count = 0;
			return;
		}
		frame->place = (const uintptr_t *)saved.u.addr;
		frame->address = address;
		frame->below = saved_frame_pointer(frame->place);
		errand->count++;
	}
}

uint32_t unwind_places(struct thread *thread, uintptr_t caller, struct memo_frame *frames,
		       uint32_t room)
{
	struct errand errand = {
		.thread = thread, .frames = frames, .caller = caller, .room = room
	};

	run(find_places, &errand);
	return errand.count;
}
