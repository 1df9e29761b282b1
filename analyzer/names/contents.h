/* SPDX-License-Identifier: MIT */
/* What a file is, by its first bytes. */
#ifndef ANALYZER_NAMES_CONTENTS_H
#define ANALYZER_NAMES_CONTENTS_H

#include "analyzer/event.h"

enum file_kind { ANY_FILE, SQLITE_DATABASE, SQLITE_SHM, TDB_DATABASE };

struct contents {
	bool known;		      /* it is still there, the same file, and was read */
	bool empty;		      /* says nothing */
	bool kinds[TDB_DATABASE + 1]; /* what the header says that it is */
	uint64_t chains;	      /* TDB_DATABASE: hash chains, 0: not known */
};

struct contents contents_of(const struct file_info *file);

#endif
