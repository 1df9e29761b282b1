/* SPDX-License-Identifier: MIT */
/* Addresses in ELF files -> function, file, line, inlined frames. Offline: by path and build id
 * (libdwfl, debuginfod if set up). */
#ifndef ANALYZER_SYMBOLS_SYMBOLS_H
#define ANALYZER_SYMBOLS_SYMBOLS_H

#include <stdbool.h>
#include <stdint.h>

struct symbols;

/* One line of a stack as people read it. Strings live as long as the struct symbols. */
struct source_frame {
	const char *function; /* demangled; NULL: unknown */
	const char *file;     /* as the debug information has it; NULL: unknown */
	int line;	      /* 0: unknown */
	bool inlined;	      /* into the frame that follows */
	uint64_t offset; /* from the start of the function, where it is known and has no line */
};

struct symbols *symbols_new(void);
void symbols_free(struct symbols *symbols);

/*
 * Looks one address of one ELF file up; is_return: it is a return address, so the call is at
 * address - 1. A file whose build id differs from the one given (rebuilt since) is not used.
 * Returns the frames, innermost (inlined) first, at least one, and their count; results are cached
 * by file and address. Never fails: what is unknown is NULL or 0.
 */
const struct source_frame *symbols_lookup(struct symbols *symbols, const char *path,
					  const uint8_t *build_id, unsigned build_id_bytes,
					  uint64_t address, bool is_return, unsigned *count);

#endif
