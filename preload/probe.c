/* SPDX-License-Identifier: MIT */
#include "preload/probe.h"

#include <errno.h>
#include <string.h>

#include "preload/arch.h"
#include "preload/copy.h"
#include "preload/thread.h"

#define PAGE	  4096u /* the smallest there is: probing more often than needed harms nobody */
#define OWN_STACK 1024u
#define STACK_FAR (1u << 20) /* beyond, it is another stack, or a deep one */

/*
 * rt_sigprocmask with an invalid `how` reads the new mask first: EFAULT tells that it could not,
 * EINVAL that it could. Nothing is changed either way. A null mask is not read at all.
 */
static bool word_readable(uintptr_t address)
{
	uintptr_t word = address & ~(uintptr_t)7;

	return word && raw4(SYS_rt_sigprocmask, ~0, word, 0, 8) == -EINVAL;
}

bool probe_readable(const void *address, size_t length)
{
	uintptr_t first = (uintptr_t)address, last = first + length - 1;

	if (last < first)
		return false;
	for (uintptr_t page = first; page <= last; page = (page | (PAGE - 1)) + 1) {
		if (!word_readable(page))
			return false;
		if ((page | (PAGE - 1)) == UINTPTR_MAX)
			break;
	}
	return true;
}

/*
 * The frame of the function that called ours begins above our own; within its page, and never
 * across into the next one, stack memory is mapped.
 */
static bool on_own_stack(const void *from, size_t length, const void *frame)
{
	uintptr_t begin = (uintptr_t)from, end = begin + length, base = (uintptr_t)frame;

	return begin >= base && end <= (base | (PAGE - 1)) + 1 && end - base <= OWN_STACK;
}

void probe_stack_now(void)
{
	struct thread *thread = thread_if_settled();
	uintptr_t here = (uintptr_t)__builtin_frame_address(0),
		  page = here & ~(uintptr_t)(PAGE - 1);

	if (!thread)
		return;
	while (page < here + STACK_FAR && word_readable(page))
		page += PAGE;
	thread->stack_end = page;
}

/* Stacks do not shrink: from a frame up to where it was readable before, it still is. */
static bool on_known_stack(const void *from, size_t length, const void *frame)
{
	const struct thread *thread = thread_if_settled();
	uintptr_t begin = (uintptr_t)from, end = begin + length, base = (uintptr_t)frame;

	return !may_ask() && thread && begin >= base && end > begin && end <= thread->stack_end &&
	       thread->stack_end - base <= STACK_FAR;
}

bool probe_copy(void *to, const void *from, size_t length, const void *frame)
{
	if (!on_own_stack(from, length, frame) && !on_known_stack(from, length, frame) &&
	    !probe_readable(from, length))
		return false;
	copy_unseen(to, from, length);
	return true;
}
