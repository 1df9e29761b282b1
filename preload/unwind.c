/* SPDX-License-Identifier: MIT */
#define UNW_LOCAL_ONLY
#include "preload/unwind.h"

#include <dlfcn.h>
#include <errno.h>
#include <libunwind.h>
#include <link.h>
#include <string.h>

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
} lib;

bool unwind_prepare(void)
{
	void *handle = dlopen("libunwind.so.8", RTLD_NOW | RTLD_LOCAL);

	if (!handle)
		return false;
	*(void **)&lib.backtrace = dlsym(handle, "unw_backtrace");
	*(void **)&lib.getcontext = dlsym(handle, CONTEXT_FUNCTION);
	*(void **)&lib.init_local = dlsym(handle, NAME(unw_init_local));
	*(void **)&lib.step = dlsym(handle, NAME(unw_step));
	*(void **)&lib.get_reg = dlsym(handle, NAME(unw_get_reg));
	*(void **)&lib.get_save_loc = dlsym(handle, NAME(unw_get_save_loc));
	lib.usable = lib.backtrace && lib.getcontext && lib.init_local && lib.step && lib.get_reg &&
		     lib.get_save_loc && isolate(handle);
	return lib.usable;
}

bool unwind_usable(void)
{
	return lib.usable;
}

/*
 * libunwind tries a read or write again for as long as errno is EINTR, whatever it returned: with
 * the EINTR that the host's call has left there, that is for ever. Our callers restore errno.
 */
static void forget_interruption(void)
{
	errno = 0;
}

uint32_t unwind_walk(struct thread *thread, uintptr_t *addresses, uint32_t room)
{
	int count;

	forget_interruption();
	if (__builtin_setjmp(
		    thread->bail_out)) /* isolate.c: a lock of libunwind's could not be had */
		return 0;
	count = lib.backtrace((void **)addresses, (int)room);
	return count > 0 ? (uint32_t)count : 0;
}

/* A word below a return address that points a little higher on the stack: a saved frame pointer. */
static uintptr_t saved_frame_pointer(const uintptr_t *place)
{
	uintptr_t below = place[-1], here = (uintptr_t)place;

	return below > here && below - here < (1u << 20) ? below : 0;
}

uint32_t unwind_places(struct thread *thread, uintptr_t caller, struct memo_frame *frames,
		       uint32_t room)
{
	unw_context_t context;
	unw_cursor_t cursor;
	volatile uint32_t count = 0;
	bool outside = false;

	forget_interruption();
	if (__builtin_setjmp(thread->bail_out))
		return 0;
	take_context(&context);
	if (lib.init_local(&cursor, &context) < 0)
		return 0;
	while (count < room && lib.step(&cursor) > 0) {
		unw_save_loc_t saved;
		unw_word_t address;

		if (lib.get_reg(&cursor, UNW_REG_IP, &address) < 0 || !address)
			break;
		outside = outside || address == caller;
		if (!outside)
			continue;
		if (lib.get_save_loc(&cursor, UNW_REG_IP, &saved) < 0 ||
		    saved.type != UNW_SLT_MEMORY)
			return 0;
		frames[count].place = (const uintptr_t *)saved.u.addr;
		frames[count].address = address;
		frames[count].below = saved_frame_pointer(frames[count].place);
		count++;
	}
	return count;
}
