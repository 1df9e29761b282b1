/* SPDX-License-Identifier: MIT */
#include "preload/sandbox.h"

#include <linux/seccomp.h>
#include <sys/prctl.h>

#include "preload/arch.h"
#include "preload/clock.h"
#include "preload/filter.h"
#include "preload/hooks.h"
#include "preload/lifecycle.h"
#include "preload/probe.h"
#include "preload/thread.h"

_Atomic int sandbox_filters;

/* What is asked on the way of calls, in threads that are new, and after a fork. */
static const int asked[] = {
#ifdef SYS_newfstatat
	SYS_newfstatat,
#endif
	SYS_fstat,	SYS_fstatfs, SYS_readlinkat,  SYS_lseek,	 SYS_getpid,
	SYS_getppid,	SYS_gettid,  SYS_mmap,	      SYS_munmap,	 SYS_rt_sigprocmask,
	SYS_madvise,	SYS_kill,    SYS_sigaltstack, SYS_clock_gettime,
};

/* And to make the default session, at the first lock. */
static const int asked_to_wake[] = {
	SYS_openat,   SYS_read,	     SYS_pwrite64,  SYS_close,	 SYS_fcntl,  SYS_mkdirat,
	SYS_fchmodat, SYS_fallocate, SYS_prlimit64, SYS_geteuid, SYS_linkat, SYS_unlinkat,
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static bool harmless(const void *fprog)
{
	return fprog && filter_allows(fprog, asked, COUNT(asked)) &&
	       (atomic_load(&recorder.state) != RECORDER_IDLE ||
		filter_allows(fprog, asked_to_wake, COUNT(asked_to_wake)));
}

/* Whoever is wiped is a child of its own; who is not may be one in its parent's memory. */
static bool in_parents_memory(void)
{
	return atomic_load_explicit(&process_page->process, memory_order_relaxed) &&
	       process_is_vm_child();
}

static void change_state(int from, int to)
{
	atomic_compare_exchange_strong(&recorder.state, &from, to);
}

/*
 * Before the real call: a signal handler, or with TSYNC another thread, may lock behind it at once.
 * What this thread would have to ask the kernel for is got now.
 */
static bool begin(const void *fprog)
{
	if (!process_page || in_parents_memory())
		return false;
	recorder.sandboxed = true;
	if (harmless(fprog))
		return false;
	if (recording_calls() && thread_current())
		probe_stack_now();
	if (!clock_is_free())
		change_state(RECORDER_ON, RECORDER_BLIND);
	atomic_fetch_add(&sandbox_filters, 1);
	return true;
}

static void end(bool begun, bool installed)
{
	if (!begun || installed)
		return;
	if (atomic_fetch_sub(&sandbox_filters, 1) == 1)
		change_state(RECORDER_BLIND, RECORDER_ON);
}

int hook_prctl(prctl_function *real_prctl, int option, unsigned long a, unsigned long b,
	       unsigned long c, unsigned long d)
{
	bool begun = option == PR_SET_SECCOMP &&
		     begin(a == SECCOMP_MODE_FILTER ? (const void *)b : NULL);
	int result = real_prctl(option, a, b, c, d);

	end(begun, !result);
	return result;
}

/* With TSYNC a positive result is the thread that stood in the way: nothing was installed. */
long hook_seccomp(long (*real)(long number, ...), unsigned operation, unsigned flags,
		  void *argument)
{
	bool begun = operation <= SECCOMP_SET_MODE_FILTER &&
		     begin(operation == SECCOMP_SET_MODE_FILTER ? argument : NULL);
	long result = real(SYS_seccomp, operation, flags, argument);
	bool listener = flags & SECCOMP_FILTER_FLAG_NEW_LISTENER;

	end(begun, listener ? result >= 0 : !result);
	return result;
}
