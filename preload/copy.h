/* SPDX-License-Identifier: MIT */
/*
 * Copies that a sanitizer of the host does not see. memcpy() there is the sanitizer's own: it takes
 * memory that our threads hand on by means it does not know for a race of the host's, and a struct
 * of the host's that we only look at for an access of the host's.
 */
#ifndef PRELOAD_COPY_H
#define PRELOAD_COPY_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* From lower to higher addresses: `to` may overlap `from` if it lies before it. */
static inline void copy_unseen(void *to, const void *from, size_t length)
{
	char *out = to;
	const char *in = from;

	for (; length >= sizeof(uint64_t); length -= sizeof(uint64_t)) {
		uint64_t word; /* of a size that compilers have as a move */

		memcpy(&word, in, sizeof(word));
		memcpy(out, &word, sizeof(word));
		in += sizeof(word);
		out += sizeof(word);
		__asm__ volatile("" ::: "memory"); /* or they make a call of the loop */
	}
	for (; length; length--) {
		*out++ = *in++;
		__asm__ volatile("" ::: "memory");
	}
}

#endif
