/* SPDX-License-Identifier: MIT */
/*
 * Findings that a user knows of and does not want to see: lines of
 *
 *     ID
 *     ID path PATTERN
 *     ID function PATTERN
 *
 * ID may be *, a function may be anywhere in a stack of who took part.
 */
#ifndef ANALYZER_COMMANDS_SUPPRESSIONS_H
#define ANALYZER_COMMANDS_SUPPRESSIONS_H

#include <stdio.h>

#include "analyzer/base/vec.h"
#include "analyzer/findings/findings.h"
#include "analyzer/symbols/symbols.h"

struct suppression {
	enum finding_id id;    /* FINDINGS: any */
	char *path, *function; /* patterns; NULL: any */
};

/* Zero-initialised: none. */
struct suppressions {
	VEC(struct suppression) items;
};

/* Adds those of a file. NULL: taken; else what is wrong, "FILE:3: …", for the caller to free. */
char *suppressions_read(const char *path, struct suppressions *suppressions);
bool suppressions_have(const struct suppressions *suppressions, const struct catalog *catalog,
		       struct symbols *symbols, const struct finding *finding);
/* A file that suppresses these findings, each with its sentence as a comment. */
void suppressions_write(FILE *out, const struct catalog *catalog, struct symbols *symbols,
			const struct findings *findings);
void suppressions_free(struct suppressions *suppressions);

#endif
