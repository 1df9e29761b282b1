/* SPDX-License-Identifier: MIT */
/*
 * What programs mean by the ranges that they lock: "RESERVED" of a SQLite database. A name is given
 * only where path, content or the ranges themselves prove it; what is not known has none.
 */
#ifndef ANALYZER_NAMES_NAMES_H
#define ANALYZER_NAMES_NAMES_H

#include <stdbool.h>

#include "analyzer/event.h"

#define NAMES_ROOM 64 /* enough for any name that is put together */

struct range_names;

/* The catalog must outlive it. */
struct range_names *range_names_new(const struct catalog *catalog);
void range_names_free(struct range_names *names);
/*
 * A user's own, which go first: lines of PATTERN RANGE NAME, as flocktrace(1) has it. NULL: taken.
 * Else what is wrong, "FILE:3: …", for the caller to free.
 */
char *range_names_read(struct range_names *names, const char *path);
/* This range of a file was locked: some files are known by that. Before the first question. */
void range_names_saw(struct range_names *names, uint32_t file, enum world world, uint64_t start,
		     uint64_t end);
/*
 * The name of a range, NULL: not known, or names is NULL. In `room`, or valid until
 * range_names_free(). A first question about a file may read its header: if it is still there, the
 * same, and readable.
 */
const char *range_names_of(struct range_names *names, uint32_t file, enum world world,
			   uint64_t start, uint64_t end, char room[NAMES_ROOM]);
/* A SQLite database: its connections in one process exclude each other without lock calls. */
bool range_names_sqlite(struct range_names *names, uint32_t file);

#endif
