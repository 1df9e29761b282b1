/* SPDX-License-Identifier: MIT */
/* What an ELF file says about itself, as far as preloading is concerned. Trusts no byte of it. */
#ifndef ANALYZER_SYSTEM_ELF_H
#define ANALYZER_SYSTEM_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/system/obstacles.h"

enum elf_state {
	ELF_READ,	   /* the rest of the summary is valid */
	ELF_UNREADABLE,	   /* errno says why */
	ELF_NONE,	   /* not an ELF file */
	ELF_TRUNCATED,	   /* headers or segments reach beyond the end of the file */
	ELF_OTHER_CLASS,   /* 32 bit where we are 64, or the reverse */
	ELF_OTHER_MACHINE, /* another processor or byte order */
};

#define ELF_INTERPRETER_ROOM 256

struct elf_summary {
	enum elf_state state;
	bool executable; /* a program or position-independent program, not a relocatable object */
	bool has_interpreter;
	char interpreter[ELF_INTERPRETER_ROOM];
	bool has_version; /* the recorder's note, see elf.c */
	uint32_t version;
	bool go; /* Go's linker made it */
};

/* Opens, looks and closes. */
void elf_look(const char *path, struct elf_summary *summary);

/*
 * What in the file is in the way: STATIC, GO, OTHER_CLASS, OTHER_MACHINE, OTHER_LIBC; NONE also if
 * it could not be read.
 */
enum obstacle elf_obstacle(const struct elf_summary *summary);

/*
 * What makes the loader distrust the environment (AT_SECURE), where the file alone tells: SETUID,
 * SETGID, CAPABILITIES, or NONE. Whether they change anything depends on who starts it, and where.
 */
enum obstacle elf_privileges(const char *path);

/*
 * The first library that a dynamic ELF program asks for itself (DT_NEEDED) and whose name begins
 * with this; false if there is none. `name` takes it, cut to `size`.
 */
bool elf_needs(const char *path, const char *beginning, char *name, size_t size);

#endif
