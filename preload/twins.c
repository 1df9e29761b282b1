/* SPDX-License-Identifier: MIT */
#include "preload/twins.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define FDS 1024 /* higher ones are not followed */

/* Twins have the same number, which is never given again; 0: no twin. */
static _Atomic uint32_t family[FDS];
static _Atomic uint32_t families;

static bool followed(int fd)
{
	return (unsigned)fd < FDS;
}

void twins_note(int from, int to)
{
	uint32_t number = 0;

	if (!followed(from) || !followed(to))
		return;
	number = atomic_load_explicit(&family[from], memory_order_relaxed);
	if (!number) {
		number = atomic_fetch_add_explicit(&families, 1, memory_order_relaxed) + 1;
		atomic_store_explicit(&family[from], number, memory_order_relaxed);
	}
	atomic_store_explicit(&family[to], number, memory_order_relaxed);
}

void twins_forget(int fd)
{
	if (followed(fd) && atomic_load_explicit(&family[fd], memory_order_relaxed))
		atomic_store_explicit(&family[fd], 0, memory_order_relaxed);
}

void twins_each(int fd, void (*found)(int fd, int twin))
{
	uint32_t number =
		followed(fd) ? atomic_load_explicit(&family[fd], memory_order_relaxed) : 0;

	for (int twin = 0; number && twin < FDS; twin++)
		if (twin != fd &&
		    atomic_load_explicit(&family[twin], memory_order_relaxed) == number)
			found(fd, twin);
}
