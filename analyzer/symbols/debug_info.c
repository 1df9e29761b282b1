/* SPDX-License-Identifier: MIT */
/* Walks the scopes around an address outwards, from the innermost inlined call to the function. */
#include "analyzer/symbols/debug_info.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <stdlib.h>

static const char *linkage_name(Dwarf_Die *die)
{
	Dwarf_Attribute attribute;

	if (dwarf_attr_integrate(die, DW_AT_linkage_name, &attribute) ||
	    dwarf_attr_integrate(die, DW_AT_MIPS_linkage_name, &attribute))
		return dwarf_formstring(&attribute);
	return NULL;
}

/* Where the compiler says that an inlined function was called from. */
static void call_site(Dwarf_Die *unit, Dwarf_Die *inlined, struct source_frame *caller)
{
	Dwarf_Attribute attribute;
	Dwarf_Files *files;
	Dwarf_Word value;
	size_t count;

	if (!dwarf_formudata(dwarf_attr(inlined, DW_AT_call_file, &attribute), &value) &&
	    !dwarf_getsrcfiles(unit, &files, &count) && value < count)
		caller->file = dwarf_filesrc(files, value, NULL, NULL);
	if (!dwarf_formudata(dwarf_attr(inlined, DW_AT_call_line, &attribute), &value) &&
	    value <= INT32_MAX)
		caller->line = (int)value;
}

static void own_line(Dwarf_Die *unit, uint64_t address, struct source_frame *frame)
{
	Dwarf_Line *line = dwarf_getsrc_die(unit, address);

	if (!line)
		return;
	frame->file = dwarf_linesrc(line, NULL, NULL);
	if (dwarf_lineno(line, &frame->line))
		frame->line = 0;
}

/*
 * The scopes that really enclose the address, innermost first. dwarf_getscopes leaves an inlined
 * body by way of its definition, so only its first entry is used and the walk outwards starts again
 * from there.
 */
static int enclosing_scopes(Dwarf_Die *unit, uint64_t address, Dwarf_Die **scopes)
{
	Dwarf_Die innermost;
	int count = dwarf_getscopes(unit, address, scopes);

	if (count <= 0)
		return 0;
	innermost = (*scopes)[0];
	free(*scopes);
	*scopes = NULL;
	count = dwarf_getscopes_die(&innermost, scopes);
	return count > 0 ? count : 0;
}

unsigned debug_info_frames(struct elf_file *file, uint64_t address,
			   struct debug_frame frames[INLINE_MAX])
{
	Dwarf_Die unit, *scopes = NULL;
	Dwarf_Addr bias = 0, start;
	unsigned used = 0;
	int count;

	if (!elf_file_unit(file, address, &unit) || !dwfl_module_getdwarf(file->module, &bias))
		return 0;
	/* Separate debug information may have been linked to other addresses. */
	address -= bias;
	frames[0] = (struct debug_frame){ 0 };
	own_line(&unit, address, &frames[0].frame);
	count = enclosing_scopes(&unit, address, &scopes);
	for (int i = 0; i < count; i++) {
		struct debug_frame *at = &frames[used];
		int tag = dwarf_tag(&scopes[i]);

		if (tag != DW_TAG_inlined_subroutine && tag != DW_TAG_subprogram)
			continue;
		at->linkage_name = linkage_name(&scopes[i]);
		at->frame.function = dwarf_diename(&scopes[i]);
		if (tag == DW_TAG_subprogram) {
			if (!at->frame.line && !dwarf_lowpc(&scopes[i], &start) && address >= start)
				at->frame.offset = address - start;
			break;
		}
		if (used + 1 == INLINE_MAX)
			break;
		at->frame.inlined = true;
		frames[++used] = (struct debug_frame){ 0 };
		call_site(&unit, &scopes[i], &frames[used].frame);
	}
	free(scopes);
	if (!used && !frames[0].frame.function && !frames[0].frame.file)
		return 0;
	return used + 1;
}
