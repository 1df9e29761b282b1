/* SPDX-License-Identifier: MIT */
/* The names as rows: flocktrace's own, and a user's. */
#ifndef ANALYZER_NAMES_TABLE_H
#define ANALYZER_NAMES_TABLE_H

#include "analyzer/base/vec.h"
#include "analyzer/names/contents.h"
#include "analyzer/names/names.h"

struct named_range {
	enum file_kind kind;
	enum world world;
	const char *paths;
	uint64_t start, end, step;
	const char *name;
};

/* What is known of a file. */
struct named_file {
	bool asked; /* contents have been looked at */
	bool saw_sqlite, saw_shm;
	struct contents contents;
};

struct range_names {
	const struct catalog *catalog;
	VEC(struct named_range) own; /* the user's */
	VEC(char *) texts;
	VEC(struct named_file) files;
};

#endif
