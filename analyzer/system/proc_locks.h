/* SPDX-License-Identifier: MIT */
/*
 * The kernel's own list of file locks, /proc/locks, and its lines, which fdinfo has too.
 *
 * What it can't be trusted with: the pid of a flock is that of the process which took it, also long
 * after that died; OFD locks have none (-1); a wait stands under one of the locks in its way, not
 * under all; and in a pid namespace a lock whose taker is outside or dead is left out, with all
 * who wait for it. Reading it stops all lock operations of the machine for that moment: never poll
 * it in short intervals.
 */
#ifndef ANALYZER_SYSTEM_PROC_LOCKS_H
#define ANALYZER_SYSTEM_PROC_LOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/base/vec.h"

enum lock_kind { LOCK_KIND_POSIX, LOCK_KIND_OFD, LOCK_KIND_FLOCK, LOCK_KIND_LEASE };

#define LOCK_TO_EOF	UINT64_C(0x8000000000000000) /* one behind the last byte that there can be */
#define LOCK_PID_HIDDEN -1			     /* what the kernel says for OFD locks */

struct kernel_lock {
	enum lock_kind kind;
	bool shared, unlocks; /* neither: exclusive. unlocks: a lease that is being given up */
	bool breaking;	      /* a lease that its holder was asked to give up */
	uint64_t number; /* as the kernel counts them; waits have that of who they stand under */
	uint32_t depth;	 /* 0: held; else a wait, under the last line of a lower depth */
	int64_t pid;	 /* LOCK_PID_HIDDEN, or 0: not told */
	bool has_file;
	uint64_t device, inode; /* device as the file system has it: stat() may say another */
	uint64_t start, end;	/* [start, end) */
};

struct kernel_locks {
	VEC(struct kernel_lock) vec; /* in the kernel's order: each wait after its lock */
	uint32_t strange;	     /* lines that were not understood */
};

/* One line, up to its line end or NUL. False: not understood. */
bool kernel_lock_parse(const char *line, struct kernel_lock *lock);

/* Appends what a text of lines tells. Any bytes may be fed; text[length] must be NUL. */
void kernel_locks_parse(struct kernel_locks *locks, const char *text, size_t length);

/* Reads /proc/locks once; 0 or errno. Free it in both cases. */
int kernel_locks_read(struct kernel_locks *locks);
void kernel_locks_free(struct kernel_locks *locks);

/* "POSIX", "OFD", "flock", "lease". */
const char *lock_kind_name(enum lock_kind kind);

/* Whether two locks of the same file exclude each other, if their owners differ. */
bool kernel_locks_conflict(const struct kernel_lock *one, const struct kernel_lock *other);

#endif
