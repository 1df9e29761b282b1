/* SPDX-License-Identifier: MIT */
/*
 * The script's own lines under CPython: which functions of a script called, and where they were.
 *
 * Frames are read only while their thread has given up the GIL, as it does around every lock call
 * of the fcntl, os and sqlite3 modules: then nobody changes them. Nothing is called that takes a
 * lock or allocates, and nothing is read before the interpreter's layout has proved to be the one
 * that is expected.
 */
#ifndef PRELOAD_PYTHON_H
#define PRELOAD_PYTHON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "preload/recorder.h"

/* Constructor only: whether this program is a CPython that is known here. */
void python_prepare(void);

/* One frame of a script. */
struct script_frame {
	uintptr_t code; /* PyCodeObject */
	uintptr_t at;	/* the instruction that it is at */
};

extern bool python_here __attribute__((visibility("hidden")));

/* For python_hash() alone. */
uint64_t python_hash_frames(uint32_t depth);

/* Tells the script's frames of this thread from others, `depth` of them at most. 0: none. */
static inline uint64_t python_hash(uint32_t depth)
{
	return likely(!python_here) ? 0 : python_hash_frames(depth);
}

/* Innermost first. How many; *more: there were more than room. */
uint32_t python_frames(struct script_frame *frames, uint32_t room, bool *more);

/* Writes "file NUL function NUL line NUL" in UTF-8. Bytes written; 0: they do not fit. */
size_t python_describe(const struct script_frame *frame, char *text, size_t room);

#endif
