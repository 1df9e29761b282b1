/* SPDX-License-Identifier: MIT */
/* This process: its number and slot, what it announces, what it watches, and how it notices that it
 * was forked. */
#ifndef PRELOAD_PROCESS_H
#define PRELOAD_PROCESS_H

#include "preload/emit.h"
#include "preload/recorder.h"

/* A page that the kernel wipes in every fork child, however it was made (MADV_WIPEONFORK): 0 means
 * "I am new". */
struct process_page {
	_Atomic uint32_t process;
};

extern struct process_page *process_page;

/* Constructor only: identity from /proc, the wiped page. False: no place for it. */
bool process_identify(void);

/* Takes a slot (or, after exec, the one it had) and announces this image. Once per image, when a
 * session is there. */
void process_join(void);

/* The file's first bytes, at most `room`; 0 where there are none. */
size_t process_read_file(const char *path, char *buffer, size_t room);

/*
 * In a fork child: a process of its own from here on. False: behind a filter
 * it cannot find out who it is; from here on its calls are counted, not recorded.
 */
bool process_forked(void);

/* In a child of clone, which may share its parent's fds: then it goes on as a thread of it. False:
 * see process_forked(). */
bool process_cloned(void);

/* How many recorded processes were born with this one as their parent. */
static inline uint32_t process_children(void)
{
	return atomic_load_explicit(&recorder.slot->children, memory_order_relaxed);
}

/* Announces this process again. */
void process_announce(void);

/* The same where half a lap has passed. */
static inline void process_refresh(void)
{
	if (unlikely(!emit_is_fresh(
		    atomic_load_explicit(&recorder.slot->last_announced, memory_order_relaxed))))
		process_announce();
}

/* Announces this process into the slow ring. */
void process_announce_slow(void);

/*
 * True in a vfork child, which runs in its parent's memory and must leave it as it is. A system
 * call: off the common path only. Behind a filter nobody can tell, and it is taken for its parent.
 */
bool process_is_vm_child(void);

/* In a vfork child: whether it shares its parent's fds too, so that it closes the parent's. */
bool process_shares_fds(void);

/* Must be the first question of every hook: notices a fork that no wrapper saw. False: see
 * process_forked(). */
static inline bool process_check_fork(void)
{
	return likely(atomic_load_explicit(&process_page->process, memory_order_relaxed)) ||
	       process_cloned();
}

/* The path of the program, and its name as the kernel has it (15 bytes); terminated. */
const char *process_exe(void);
const char *process_name(void);

/* Closing fd may release a lock from now on. */
void process_watch(int fd);

void process_unwatch(int fd);
static inline bool process_watches(int fd)
{
	return atomic_load_explicit(&recorder.slot->watch, memory_order_relaxed) >> (fd & 63) & 1;
}

#endif
