/* SPDX-License-Identifier: MIT */
/* A shared object that claims to be a preload object of format version VERSION. */
#include <stdint.h>

#include "trace/format.h"

__attribute__((section(".note.flocktrace"), used, aligned(4))) static const struct {
	uint32_t name_bytes, version_bytes, type;
	char name[12];
	uint32_t version;
} note = { 11, 4, 1, "flocktrace", VERSION };
