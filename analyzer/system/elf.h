/* SPDX-License-Identifier: MIT */
/* What an ELF file says about itself, as far as preloading is concerned. Trusts no byte of it. */
#ifndef ANALYZER_SYSTEM_ELF_H
#define ANALYZER_SYSTEM_ELF_H

#include <stdbool.h>
#include <stdint.h>

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
};

/* Opens, looks and closes. */
void elf_look(const char *path, struct elf_summary *summary);

/*
 * Why a program file cannot be recorded by preloading, as one or two words: "static", "32 bit",
 * "other machine", "setuid", "setgid", "file capabilities". NULL: nothing in the file forbids it,
 * or it could not be read. *other_libc: it runs on a libc that is not glibc.
 */
const char *elf_obstacle(const char *path, bool *other_libc);

#endif
