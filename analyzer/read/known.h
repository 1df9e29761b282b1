/* SPDX-License-Identifier: MIT */
/* Which of some lock calls, known from beside the ring, does the ring still tell about? */
#ifndef ANALYZER_READ_KNOWN_H
#define ANALYZER_READ_KNOWN_H

#include <stdbool.h>
#include <stdint.h>

#include "analyzer/read/file.h"

struct known_call {
	uint32_t process; /* the session's number */
	uint32_t tid;
	uint64_t time; /* when it began */
	bool in_ring;  /* its RESULT is in the ring */
};

/* Sets in_ring of each. Reads the ring once, and not at all where nothing was asked. */
void known_in_ring(struct known_call *calls, uint32_t count, const struct trace_file *file);

#endif
