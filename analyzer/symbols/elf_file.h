/* SPDX-License-Identifier: MIT */
/* One ELF file and its debug information, opened at load bias 0, so that addresses are the file's
 * own. */
#ifndef ANALYZER_SYMBOLS_ELF_FILE_H
#define ANALYZER_SYMBOLS_ELF_FILE_H

#include <elfutils/libdwfl.h>
#include <stdbool.h>
#include <stdint.h>

#include "analyzer/base/vec.h"

struct unit_range {
	uint64_t start, end;
	Dwarf_Die unit;
};

struct elf_file {
	Dwfl *dwfl;
	Dwfl_Module *module;	      /* NULL: nothing can be looked up */
	VEC(struct unit_range) units; /* sorted; filled at the first lookup that needs it */
	bool units_known;
};

/*
 * False, and nothing to close: not an absolute path, not a regular file, not ELF, or another build
 * id than the one that was recorded.
 */
bool elf_file_open(struct elf_file *file, const char *path, const uint8_t *build_id,
		   unsigned build_id_bytes);
void elf_file_close(struct elf_file *file);

/* The name in the symbol tables, as it stands there; NULL: none. *offset: bytes from the symbol to
 * the address. */
const char *elf_file_symbol(struct elf_file *file, uint64_t address, uint64_t *offset);

/* The compilation unit that the address belongs to; false: no debug information for it. */
bool elf_file_unit(struct elf_file *file, uint64_t address, Dwarf_Die *unit);

#endif
