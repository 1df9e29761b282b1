/* SPDX-License-Identifier: MIT */
/*
 * Remembering stack walks. A place that locks again from the same depth has, most often, the same
 * stack: if every return address still lies where the last walk found it, and every saved frame
 * pointer below one is the same, then the frames are the same. That takes about 10 ns; a walk takes
 * 100 ns at best.
 */
#ifndef PRELOAD_MEMO_H
#define PRELOAD_MEMO_H

#include <stdbool.h>
#include <stdint.h>

#include "trace/format.h"

#define MEMOS	  32 /* per thread */
#define MEMO_WAYS 8  /* stacks of one call site and depth, or of several that share a set */

struct memo_frame {
	const uintptr_t *place; /* where on the stack the return address lies */
	uintptr_t address;
	uintptr_t below; /* the word below it where that is a saved frame pointer, else 0 */
};

/* Apart from the memos, so that looking through a set touches two cache lines. */
struct memo_key {
	uintptr_t frame, caller; /* the hook's frame address and return address */
};

struct memo {
	uint64_t hash;	   /* of the frames, a script's included */
	uint64_t script;   /* of a script's alone (python.h); 0: there is none */
	uint64_t position; /* of the RECORD_STACK */
	uint32_t unloads;  /* how often libraries had gone when it was learnt */
	uint32_t count;	   /* frames with known places; 0: not armed */
	bool pointers;	   /* some have a saved frame pointer below */
	struct memo_frame frames[STACK_MAX];
};

#endif
