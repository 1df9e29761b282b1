/* SPDX-License-Identifier: MIT */
/* Files as they were announced. */
#ifndef ANALYZER_LIVE_FILES_H
#define ANALYZER_LIVE_FILES_H

#include "analyzer/base/map.h"
#include "analyzer/base/vec.h"
#include "trace/format.h"

struct file_name {
	reference name;
	uint64_t device, inode;
};

struct file_names {
	VEC(struct file_name) vec;
	struct map by_name;
};

void file_names_record(struct file_names *names, uint64_t position, const uint64_t *payload);
/* NULL: it was not announced; valid until the next record. */
const struct file_name *file_names_find(const struct file_names *names, reference name);
void file_names_free(struct file_names *names);

#endif
