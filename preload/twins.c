/* SPDX-License-Identifier: MIT */
#include "preload/twins.h"

#include <stdatomic.h>
#include <stdint.h>

/* Beside the number of a family: this fd came from one that another process may have, too. */
#define INHERITED UINT32_C(0x80000000)

/* Twins have the same number, which is never given again; 0: no twin. */
static _Atomic uint32_t family[TWINS_MAX];
static _Atomic uint32_t families;

static bool followed(int fd)
{
	return (unsigned)fd < TWINS_MAX;
}

static uint32_t word_of(int fd)
{
	return followed(fd) ? atomic_load_explicit(&family[fd], memory_order_relaxed) : 0;
}

void twins_note(int from, int to, bool inherited)
{
	uint32_t word;

	if (!followed(from) || !followed(to))
		return;
	word = word_of(from);
	if (!word) {
		word = atomic_fetch_add_explicit(&families, 1, memory_order_relaxed) + 1;
		word &= ~INHERITED;
		atomic_store_explicit(&family[from], word, memory_order_relaxed);
	}
	atomic_store_explicit(&family[to], word | (inherited ? INHERITED : 0),
			      memory_order_relaxed);
}

void twins_forget(int fd)
{
	if (word_of(fd))
		atomic_store_explicit(&family[fd], 0, memory_order_relaxed);
}

bool twins_inherited(int fd)
{
	return word_of(fd) & INHERITED;
}

void twins_forked(void)
{
	if (!atomic_load_explicit(&families, memory_order_relaxed))
		return;
	for (int fd = 0; fd < TWINS_MAX; fd++)
		if (word_of(fd))
			atomic_fetch_or_explicit(&family[fd], INHERITED, memory_order_relaxed);
}

void twins_each(int fd, void (*found)(int fd, int twin))
{
	uint32_t number = word_of(fd) & ~INHERITED;

	for (int twin = 0; number && twin < TWINS_MAX; twin++)
		if (twin != fd && (word_of(twin) & ~INHERITED) == number)
			found(fd, twin);
}
