/* SPDX-License-Identifier: MIT */
/* The clock, straight from the vDSO: no libc wrapper that somebody may have replaced, no errno. */
#ifndef PRELOAD_CLOCK_H
#define PRELOAD_CLOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "preload/arch.h"

/* Constructor only. Without a vDSO (valgrind) each reading is a system call. */
void clock_find(void);

/* Whether readings make no system call. False also where that is not known. */
bool clock_is_free(void);

/* CLOCK_MONOTONIC and CLOCK_REALTIME, ns. */
uint64_t clock_monotonic(void);
uint64_t clock_realtime(void);

/*
 * The same time from the processor's ticks, read from the clock itself every half millisecond: 10
 * ns instead of 25. Right to some tens of ns; the ring tells the order. One per thread; zeroed is
 * new.
 */
struct ticker {
	/* Odd while the rest is written. A handler may come at any moment: it never writes then,
	 * and who reads finds out whether one has written. */
	_Atomic uint64_t turn;
	uint64_t ticks, ns;		/* one moment on both */
	uint64_t factor;		/* ns per tick, << TICKER_SHIFT */
	uint64_t valid;			/* ticks for which that holds; 0: ask the clock */
	uint64_t first_ticks, first_ns; /* where the factor is measured from */
};

#define TICKER_SHIFT 24

/* Asks the clock and measures anew. */
uint64_t ticker_resync(struct ticker *ticker);

static inline uint64_t ticker_now(struct ticker *ticker)
{
	uint64_t turn = atomic_load_explicit(&ticker->turn, memory_order_relaxed), passed, ns;

	atomic_signal_fence(memory_order_acquire);
	passed = arch_ticks() - ticker->ticks;
	if (__builtin_expect(passed < ticker->valid, 1)) {
		ns = ticker->ns + (passed * ticker->factor >> TICKER_SHIFT);
		atomic_signal_fence(memory_order_acquire);
		if (__builtin_expect(
			    atomic_load_explicit(&ticker->turn, memory_order_relaxed) == turn, 1))
			return ns;
	}
	return ticker_resync(ticker);
}

/* Time since boot in the unit of /proc/PID/stat's start time: hundredths of a second. */
uint64_t clock_boot_ticks(void);

/* What /proc says in that unit, without what this time namespace adds. */
uint64_t clock_machine_ticks(uint64_t ticks);

#endif
