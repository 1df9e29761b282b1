/* SPDX-License-Identifier: MIT */
/*
 * Walking the stack with libunwind, isolated: it keeps no fd, opens no file, allocates nothing of
 * the host's, takes no lock of the loader's and never waits for a lock of its own. A host that uses
 * libunwind itself shares the library's code and finds it as it was: the isolation acts only while
 * a walk of ours is on.
 */
#ifndef PRELOAD_UNWIND_H
#define PRELOAD_UNWIND_H

#include <stdbool.h>
#include <stdint.h>

#include "preload/memo.h"
#include "preload/thread.h"

/* Constructor only: opens libunwind if it is there. */
bool unwind_prepare(void);
bool unwind_usable(void);
/* A walk could not get one of libunwind's mutexes. */
void unwind_given_up(void);
/* A library may have gone: what libunwind remembers of addresses no longer holds. */
void unwind_unloaded(void);
/* libunwind was told of memory that it can be read. */
void unwind_guessed(void);
/* Read only to make it forget others: needs no asking. */
bool unwind_is_own_page(const void *address);

/*
 * Runs work(argument) on the thread's own stack for walks: the host's may have little room left.
 * No signal handler may run meanwhile: it would need that stack too.
 */
void unwind_with_room(struct thread *thread, void (*work)(void *argument), void *argument);

/* Both only inside unwind_with_room(); they change errno. */

/* Return addresses from the caller of this function outwards. How many; 0: no walk. */
uint32_t unwind_walk(struct thread *thread, uintptr_t *addresses, uint32_t room);

/*
 * The same, slower, with the place on the stack where each return address lies. Fills frames from
 * the one whose return address is `caller` on. Returns how many; 0 where a place is not on the
 * stack that the walk began on, or not known to be.
 */
uint32_t unwind_places(struct thread *thread, uintptr_t caller, struct memo_frame *frames,
		       uint32_t room);

#endif
