/* SPDX-License-Identifier: MIT */
/* The clock, straight from the vDSO: no libc wrapper that somebody may have replaced, no errno. */
#ifndef PRELOAD_CLOCK_H
#define PRELOAD_CLOCK_H

#include <stdint.h>

/* Constructor only. Without a vDSO (valgrind) each reading is a system call. */
void clock_find(void);

/* CLOCK_MONOTONIC and CLOCK_REALTIME, ns. */
uint64_t clock_monotonic(void);
uint64_t clock_realtime(void);

/* Time since boot in the unit of /proc/PID/stat's start time: hundredths of a second. */
uint64_t clock_boot_ticks(void);

#endif
