/* SPDX-License-Identifier: MIT */
/* What DWARF says about an address: the function, those inlined into it there, and their lines. */
#ifndef ANALYZER_SYMBOLS_DEBUG_INFO_H
#define ANALYZER_SYMBOLS_DEBUG_INFO_H

#include "analyzer/symbols/elf_file.h"
#include "analyzer/symbols/symbols.h"

#define INLINE_MAX 64 /* deeper nests are cut at their outer end */

struct debug_frame {
	const char *linkage_name;  /* NULL: none */
	struct source_frame frame; /* function: as the source has it */
};

/*
 * Fills frames, innermost first, and returns how many; 0: no debug information covers the address.
 * The last one's function is NULL where there is a line but no function (assembly). Strings live as
 * long as the file is open.
 */
unsigned debug_info_frames(struct elf_file *file, uint64_t address,
			   struct debug_frame frames[INLINE_MAX]);

#endif
