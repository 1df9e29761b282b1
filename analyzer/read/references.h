/* SPDX-License-Identifier: MIT */
/*
 * From the reference in a record to what was announced there. Bounded: what lies so far back that
 * no record can name it any more is forgotten when the table would have to grow.
 */
#ifndef ANALYZER_READ_REFERENCES_H
#define ANALYZER_READ_REFERENCES_H

#include <stdint.h>

#include "trace/format.h"

/* Without a ring's size to go by: no reference reaches back farther than a ring of 1 GiB is long.
 */
#define REFERENCE_REACH (UINT64_C(1) << 24)

struct references {
	struct reference_entry *entries;
	uint64_t reach;	     /* positions that a reference may reach back; set by the owner */
	uint32_t used, room; /* room: 0 or a power of two */
};

void references_add(struct references *references, uint64_t position, enum record_kind kind,
		    uint32_t index);
/* The index that a record of this kind at `user`'s reference stands for, or UINT32_MAX. */
uint32_t references_find(const struct references *references, reference ref, uint64_t user,
			 enum record_kind kind);
void references_free(struct references *references);

#endif
