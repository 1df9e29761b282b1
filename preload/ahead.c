/* SPDX-License-Identifier: MIT */
#include "preload/ahead.h"

#include <stdatomic.h>
#include <sys/mman.h>

#include "preload/arch.h"
#include "preload/recorder.h"

#ifndef MADV_POPULATE_WRITE /* Linux 5.14; older kernels refuse it, and we fault page by page */
#define MADV_POPULATE_WRITE 23
#endif

#define CHUNK (16 * AHEAD_RECORDS)

/* Positions. Two threads that come at once map the same pages twice, which does no harm. */
static _Atomic uint64_t first, mapped;

#define DONE UINT64_MAX

void ahead_begin(void)
{
	atomic_store_explicit(&first, recorder.sandboxed ? DONE : 0, memory_order_relaxed);
	atomic_store_explicit(&mapped, 0, memory_order_relaxed);
}

void ahead_map(uint64_t position)
{
	uint64_t from = atomic_load_explicit(&first, memory_order_relaxed);
	uint64_t cell = position & recorder.ring_mask, room = recorder.ring_mask + 1 - cell;

	if (from == DONE || position < atomic_load_explicit(&mapped, memory_order_relaxed))
		return;
	if (!from)
		atomic_store_explicit(&first, from = position, memory_order_relaxed);
	atomic_store_explicit(&mapped, position + CHUNK, memory_order_relaxed);
	if (position - from > recorder.ring_mask ||
	    raw3(SYS_madvise, &recorder.ring[cell],
		 (room < CHUNK ? room : CHUNK) * sizeof(struct cell), MADV_POPULATE_WRITE))
		atomic_store_explicit(&first, DONE, memory_order_relaxed);
}
