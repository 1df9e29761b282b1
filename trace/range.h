/* SPDX-License-Identifier: MIT */
/* From the three numbers of a struct flock to a range [start, end), in bytes. Pure. Rules:
 * fcntl_locking(2), lockf(3). */
#ifndef TRACE_RANGE_H
#define TRACE_RANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "trace/format.h"

struct range {
	uint64_t start;
	uint64_t end; /* exclusive; RANGE_EOF: to the end of file, however far it grows */
};

/*
 * base is what whence counts from: 0, the file position or the file size. A negative len covers the
 * bytes before start, 0 covers all from start on. False where the kernel says EINVAL or EOVERFLOW
 * (flock_to_posix_lock in fs/locks.c).
 */
static inline bool range_from_flock(int64_t base, int64_t start, int64_t len, struct range *range)
{
	int64_t first, last;

	if (__builtin_add_overflow(base, start, &first) || first < 0)
		return false;
	if (len > 0) {
		if (__builtin_add_overflow(first, len - 1, &last))
			return false;
	} else if (len < 0) {
		last = first - 1;
		if (first + len < 0)
			return false;
		first += len;
	} else {
		last = INT64_MAX;
	}
	range->start = (uint64_t)first;
	range->end = (uint64_t)last + 1;
	return true;
}

#endif
