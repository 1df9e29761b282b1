/* SPDX-License-Identifier: MIT */
/* Announcements -> catalog, and the names that other records of the same ring give them. */
#ifndef ANALYZER_READ_ANNOUNCE_H
#define ANALYZER_READ_ANNOUNCE_H

#include <stdbool.h>
#include <stdint.h>

#include "analyzer/read/intern.h"
#include "analyzer/read/raw.h"
#include "analyzer/read/references.h"

/* The module numbers of one process' image -> module indexes; NONE where none was announced. */
struct module_numbers {
	VEC(uint32_t) modules;
};

/* What the records of one ring can name. */
struct names {
	struct references references;
	VEC(struct module_numbers) numbers; /* by process index */
};

void names_open(struct names *names, const struct raw *raw);
void names_free(struct names *names);

/*
 * Takes an announcement in: RECORD_PROCESS, _FILE, _MODULE, _STACK, _UNTRACED; other kinds do
 * nothing. Returns the index of the process, file, module or stack, NONE otherwise.
 */
uint32_t announce(struct intern *intern, struct names *names, const struct raw_record *record);

/* NUL-separated words as one line with blanks. */
const char *intern_words(struct intern *intern, const uint8_t *bytes, size_t length);

#endif
