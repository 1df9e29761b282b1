/* SPDX-License-Identifier: MIT */
/*
 * The ring's pages, mapped many at a time. Each process that goes through the ring for the first
 * time would fault at every 64th record, which costs it as much as ten records; faulting in
 * AHEAD_PAGES at once takes a tenth of that.
 */
#ifndef PRELOAD_AHEAD_H
#define PRELOAD_AHEAD_H

#include <stdint.h>

#define AHEAD_RECORDS 64 /* positions that are multiples of it lead to ahead_map() */

/* Called at `position`, about to be written: maps what follows, unless that was done. One
 * madvise(2) per 1,024 records of the first lap, none in a sandbox. */
void ahead_map(uint64_t position);

/* The mapping is new: after attaching, and in a fork child, whose page tables are empty. */
void ahead_begin(void);

#endif
