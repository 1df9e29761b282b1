/* SPDX-License-Identifier: MIT */
/*
 * A growing array: VEC(struct thing) things = { 0 }; vec_push(&things, thing); things.items[i];
 * vec_free(&things). Pointers into it move when it grows.
 */
#ifndef ANALYZER_BASE_VEC_H
#define ANALYZER_BASE_VEC_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/base/memory.h"

#define VEC(type)                     \
	struct {                      \
		type *items;          \
		uint32_t count, room; \
	}

#define vec_reserve(vec, wanted)                                                               \
	do {                                                                                   \
		if ((vec)->room < (wanted)) {                                                  \
			(vec)->room = (wanted) > 2 * (vec)->room ? (wanted) : 2 * (vec)->room; \
			if ((vec)->room < 8)                                                   \
				(vec)->room = 8;                                               \
			(vec)->items = xrealloc((vec)->items,                                  \
						(size_t)(vec)->room * sizeof(*(vec)->items));  \
		}                                                                              \
	} while (0)

#define vec_push(vec, ...)                                  \
	do {                                                \
		vec_reserve(vec, (vec)->count + 1);         \
		(vec)->items[(vec)->count++] = __VA_ARGS__; \
	} while (0)

/* Takes item i out and keeps the order of the others. */
#define vec_remove(vec, i)                                               \
	do {                                                             \
		memmove(&(vec)->items[i], &(vec)->items[(i) + 1],        \
			((vec)->count - (i)-1) * sizeof(*(vec)->items)); \
		(vec)->count--;                                          \
	} while (0)

#define vec_free(vec)                           \
	do {                                    \
		free((vec)->items);             \
		(vec)->items = NULL;            \
		(vec)->count = (vec)->room = 0; \
	} while (0)

#endif
