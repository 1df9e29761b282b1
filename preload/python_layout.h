/* SPDX-License-Identifier: MIT */
/* Where CPython keeps what a frame is, in bytes. What is read through this must be quiet
 * (python.h). */
#ifndef PRELOAD_PYTHON_LAYOUT_H
#define PRELOAD_PYTHON_LAYOUT_H

#include <stdint.h>

/* The same in all versions that are known here. */
#define OBJECT_TYPE   8	  /* of a PyObject: its type */
#define OBJECT_SIZE   16  /* of a PyVarObject: items; of a str: characters */
#define BYTES_START   32  /* of a bytes: the first of them */
#define STR_STATE     32  /* of a str: what STR_KIND and its like take apart */
#define CODE_FILENAME 112 /* of a code: a str */
#define CODE_QUALNAME 128 /* a str */
#define CODE_LINES    136 /* co_linetable, a bytes */
#define UNIT	      2	  /* bytes of a unit of code */

#define STR_KIND(state)	      ((state) >> 2 & 7) /* bytes of a character */
#define STR_IS_COMPACT(state) ((state) >> 5 & 1) /* the characters follow */
#define STR_IS_ASCII(state)   ((state) >> 6 & 1)

/*
 * By version. From Include/cpython/pystate.h, code.h and unicodeobject.h, and
 * Include/internal/pycore_frame.h of each.
 */
struct layout {
	unsigned long version; /* Py_Version >> 16 */
	uint16_t state_frame;  /* of a PyThreadState: its innermost frame, or its _PyCFrame */
	uint16_t cframe_frame; /* of that: the innermost frame; NO_CFRAME: it has none */
	uint16_t frame_code, frame_previous, frame_at;
	uint16_t frame_owner; /* 0: all frames are a script's */
	uint16_t code_first_line, code_start;
	uint16_t str_ascii, str_other; /* of a compact str: the first character */
};

#define NO_CFRAME  UINT16_MAX
#define OWNED_BY_C 3 /* between two runs of the interpreter: no script's */

extern const struct layout *python_layout __attribute__((visibility("hidden")));

static inline uintptr_t word_at(uintptr_t address)
{
	return *(const uintptr_t *)address;
}

#endif
