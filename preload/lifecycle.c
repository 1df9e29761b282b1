/* SPDX-License-Identifier: MIT */
#include "preload/lifecycle.h"

#include <errno.h>
#include <gnu/libc-version.h>
#include <link.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "preload/attach.h"
#include "preload/calls.h"
#include "preload/clock.h"
#include "preload/modules.h"
#include "preload/python.h"
#include "preload/real.h"
#include "preload/settings.h"
#include "preload/signals.h"
#include "preload/thread.h"
#include "preload/unwind.h"

#define RECORDER_WAKING \
	(RECORDER_BLIND + 1) /* somebody is making the session; the others forward meanwhile */

struct recorder recorder;

static void go_on(void)
{
	process_join();
	atomic_store_explicit(&recorder.state, RECORDER_ON, memory_order_release);
}

static bool make_session(void)
{
	if (!attach_make_default()) {
		atomic_store_explicit(&recorder.state, RECORDER_OFF, memory_order_release);
		return false;
	}
	go_on();
	return true;
}

/* A handler that left by siglongjmp would leave the session half made. */
bool recorder_wake(void)
{
	int idle = RECORDER_IDLE;
	uint64_t signals;
	bool made;

	if (!atomic_compare_exchange_strong(&recorder.state, &idle, RECORDER_WAKING)) {
		if (idle == RECORDER_BLIND)
			recorder_count(&recorder.session->lost_unseen);
		return idle == RECORDER_ON;
	}
	signals = signals_block();
	made = make_session();
	signals_restore(signals);
	return made;
}

void recorder_forked(void)
{
	int waking = RECORDER_WAKING;

	if (!process_page)
		return;
	/* Kernels before 4.14 wipe no page. */
	if (atomic_load_explicit(&process_page->process, memory_order_relaxed) &&
	    process_is_vm_child())
		atomic_store_explicit(&process_page->process, 0, memory_order_relaxed);
	/* Whoever was making the session is not here. */
	atomic_compare_exchange_strong(&recorder.state, &waking, RECORDER_IDLE);
	if (atomic_load_explicit(&recorder.state, memory_order_acquire) == RECORDER_ON &&
	    !atomic_load_explicit(&process_page->process, memory_order_relaxed))
		process_forked();
}

/* Our own code, so that a stack can begin at the host's. */
static void find_own_text(void)
{
	struct dl_phdr_info info;

	if (!modules_find((uintptr_t)find_own_text, &info))
		return;
	for (int i = 0; i < info.dlpi_phnum; i++)
		if (info.dlpi_phdr[i].p_type == PT_LOAD && info.dlpi_phdr[i].p_flags & PF_X) {
			recorder.text_start = info.dlpi_addr + info.dlpi_phdr[i].p_vaddr;
			recorder.text_end = recorder.text_start + info.dlpi_phdr[i].p_memsz;
		}
}

static void begin(char **environment)
{
	struct settings settings = settings_read(environment);

	clock_find();
	if (!process_identify() || !settings_wants(&settings, process_name()))
		return;
	modules_prepare();
	find_own_text();
	thread_prepare();
	attach_prepare(environment);
	/* Who hides the vDSO is valgrind, which takes each look for readable memory for a mistake
	 * of the program. */
	if (recorder.stack_depth && getauxval(AT_SYSINFO_EHDR))
		unwind_prepare();
	if (recorder.stack_depth && !strcmp(settings.PYTHON, "on"))
		python_prepare();
	if (*settings.SESSION ? attach_session(settings.SESSION) : attach_default())
		go_on();
	else if (!*settings.SESSION)
		atomic_store_explicit(&recorder.state, RECORDER_IDLE, memory_order_release);
}

#pragma weak gnu_get_libc_version
#pragma weak environ

/*
 * glibc's ld.so hands the environment to constructors, and libc's own has not run yet; musl has set
 * environ, and hands nothing.
 */
static char **environment_of(char **argument)
{
	if (gnu_get_libc_version)
		return argument;
	return &environ ? environ : NULL;
}

/*
 * After libc's own constructor (so not -z initfirst): opened before that, libunwind would make the
 * loader run it from dlopen, without the program's arguments and environment, and never again. In
 * secure execution only the pointers are found: nothing is mapped, nothing opened.
 */
__attribute__((constructor(101))) static void born(int argc, char **argv, char **environment)
{
	int saved = errno;

	(void)argc;
	(void)argv;
	real_resolve();
	if (!getauxval(AT_SECURE))
		begin(environment_of(environment));
	errno = saved;
}

/* Destructors of others may still lock: nothing is torn down. */
__attribute__((destructor(101))) static void ending(void)
{
	call_exit(-1);
}
