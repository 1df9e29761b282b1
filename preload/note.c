/* SPDX-License-Identifier: MIT */
/* The format version as an ELF note, so that flocktrace can tell before it starts a program whether
 * the two fit together. */
#include <elf.h>

#include "trace/format.h"

#define NOTE_NAME "flocktrace"

static const struct {
	Elf64_Nhdr head;
	char name[(sizeof(NOTE_NAME) + 3) & ~3u];
	uint32_t version;
} note __attribute__((used, section(".note.flocktrace"), aligned(4))) = {
	.head = { .n_namesz = sizeof(NOTE_NAME), .n_descsz = sizeof(uint32_t), .n_type = 1 },
	.name = NOTE_NAME,
	.version = FORMAT_VERSION,
};
