/* SPDX-License-Identifier: MIT */
#include "preload/thread.h"

#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <sys/mman.h>

#include "preload/arch.h"
#include "preload/calls.h"
#include "preload/process.h"
#include "preload/request.h"
#include "preload/signals.h"

/* Keys below this have their values inside the thread's own structure; for others
 * pthread_setspecific allocates. */
#define KEYS_WITHOUT_ALLOCATION 32

__thread struct thread *thread_made;

_Static_assert(offsetof(struct thread, process) == 0 && offsetof(struct thread, stays_shared) == 4,
	       "arch.h writes them");

static pthread_key_t key;
static bool key_usable;

static void leave_slot(struct thread_slot *slot)
{
	atomic_store_explicit(&slot->depth, 0, memory_order_relaxed);
	atomic_store_explicit(&slot->process, 0, memory_order_release);
}

/* The thread ends. Later destructors may still lock: they get a new struct, and this runs again. */
static void thread_ended(void *value)
{
	struct thread *thread = value;

	if (thread_made == thread)
		thread_made = NULL;
	if (thread->settled == recorder.process) {
		request_abandon_all(thread);
		call_close_left(thread);
		leave_slot(thread->slot);
	}
	for (int i = 0; i < REGIONS_MAX; i++)
		if (thread->region[i].memory)
			raw2(SYS_munmap, thread->region[i].memory, thread->region[i].length);
	raw2(SYS_munmap, thread, sizeof(*thread));
}

void thread_prepare(void)
{
	key_usable = !pthread_key_create(&key, thread_ended) && key < KEYS_WITHOUT_ALLOCATION;
}

static struct thread_slot *claim_slot(void)
{
	for (uint32_t i = 0; i < recorder.thread_slot_count; i++) {
		struct thread_slot *slot = &recorder.thread_slots[i];
		uint32_t free = 0;

		if (!atomic_load_explicit(&slot->process, memory_order_relaxed) &&
		    atomic_compare_exchange_strong(&slot->process, &free, recorder.process)) {
			slots_mark(&recorder.session->threads_used, i);
			return slot;
		}
	}
	recorder_count(&recorder.session->lost_threads);
	return NULL;
}

uint32_t thread_ask_tid(void)
{
	long tid = raw0(SYS_gettid);

	return tid > 0 ? (uint32_t)tid : 0;
}

static void settle(struct thread *thread)
{
	struct thread_slot *slot;

	thread->process = thread->settled = recorder.process;
	thread->stays_shared = 0;
	thread->tid = thread_ask_tid();
	slot = claim_slot();
	thread->slot = slot ? slot : &thread->spare;
	thread->slot->tid = thread->tid;
	atomic_store_explicit(&thread->slot->depth, 0, memory_order_release);
	thread->closing.fd = -1;
	thread->walking = false;
	thread->walk_stack_taken = false;
	keep_disarming_stack(&thread->disarming);
}

/*
 * A vfork child runs on its parent's thread: it must not become that thread. Its locks are counted,
 * not recorded. They could be, as those of a process of its own, if all that file.c, grants.c and
 * process.c know of a process lay in the session; for the sake of locks between vfork and exec,
 * which hardly anybody takes, each of those would have two ways.
 */
static struct thread *make(void)
{
	uint64_t signals;
	struct thread *thread;

	if (process_is_vm_child())
		return NULL;
	signals = signals_block();
	thread = (void *)raw6(SYS_mmap, 0, sizeof(*thread), PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if ((unsigned long)thread > -4096UL) {
		thread = NULL;
	} else {
		settle(thread);
		thread_made = thread;
		if (key_usable)
			pthread_setspecific(key, thread);
	}
	signals_restore(signals);
	return thread;
}

void thread_forget(void)
{
	if (thread_made)
		thread_made->process = thread_made->settled = 0;
}

void thread_share(int clone_flags)
{
	const int all = CLONE_VM | CLONE_SETTLS | CLONE_THREAD;

	if (!thread_made || (clone_flags & all) != CLONE_VM)
		return;
	thread_made->process = THREAD_SHARED;
	thread_made->stays_shared |= !(clone_flags & CLONE_VFORK);
}

bool thread_is_childs(void)
{
	return unlikely(thread_made && thread_made->process == THREAD_SHARED) &&
	       process_is_vm_child();
}

/* NULL in the child. A parent that was kept waiting goes on when the child shares nothing any more.
 */
static struct thread *of_two(struct thread *thread)
{
	if (process_is_vm_child())
		return NULL;
	if (!thread->stays_shared)
		thread->process = thread->settled;
	return thread;
}

struct thread *thread_settle(void)
{
	struct thread *thread = thread_made;
	uint64_t signals;

	if (!thread)
		return make();
	if (thread->process == THREAD_SHARED && thread->settled == recorder.process)
		return of_two(thread);
	signals = signals_block(); /* forked */
	settle(thread);
	signals_restore(signals);
	return thread;
}

char *thread_scratch(void)
{
	struct thread *thread = thread_current();

	return thread ? thread->scratch : NULL;
}

struct thread *thread_walking(void)
{
	struct thread *thread = thread_made;

	return thread && thread->walking ? thread : NULL;
}
