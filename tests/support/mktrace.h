/* SPDX-License-Identifier: MIT */
/*
 * Builds session and trace files for tests, record by record, as the recorder would write them:
 *
 *     struct mktrace *make = mktrace_session(MKTRACE_SMALL);
 *     reference file = mktrace_file(make, 42, "/tmp/a.db");
 *     mktrace_process(make, PROCESS_START, 1, 4711, 0, "/bin/victim");
 *     mktrace_lock(make, (struct record_lock){ .kind = RECORD_RESULT, .process = 1, .file = file, …
 * }); mktrace_write(make, path);
 *
 * Everything lies in memory at make->bytes until it is written, so that a test can damage it.
 */
#ifndef TESTS_SUPPORT_MKTRACE_H
#define TESTS_SUPPORT_MKTRACE_H

#include <stddef.h>
#include <stdint.h>

#include "trace/format.h"
#include "trace/names.h"
#include "trace/session.h"

#define MKTRACE_SMALL ((struct session_size){ 4, 4, 64, 256 })

struct mktrace {
	unsigned char *bytes; /* the file so far */
	size_t size;
	struct header *header; /* in bytes */
	bool slow;	       /* records go to the slow ring */
	size_t room;	       /* bytes allocated, where it grows */
};

/* A session whose ring wraps. */
struct mktrace *mktrace_session(struct session_size size);
/* A trace whose first cell is position `first`. */
struct mktrace *mktrace_trace(uint64_t first);
void mktrace_free(struct mktrace *make);

/* From here on records go to the slow ring, or to the ring again. */
void mktrace_into_slow(struct mktrace *make, bool slow);

/* Each writes one record and returns its first position. */
uint64_t mktrace_lock(struct mktrace *make, struct record_lock record);
uint64_t mktrace_call(struct mktrace *make, struct record_call record);
/* `first`: a struct of 56 bytes whose `cells` and, but for a process, `bytes` are filled in here.
 */
uint64_t mktrace_long(struct mktrace *make, const void *first, const void *bytes, size_t length);
uint64_t mktrace_process(struct mktrace *make, enum process_reason reason, uint32_t process,
			 int32_t pid, uint32_t parent, const char *exe);

/* Announcements that other records name. */
reference mktrace_file(struct mktrace *make, uint64_t inode, const char *path);
reference mktrace_stack(struct mktrace *make, uint32_t process, const uint64_t *frames,
			uint16_t count);
void mktrace_module(struct mktrace *make, uint32_t process, uint16_t module, const char *path);

/* Takes so many positions and writes nothing there. */
void mktrace_hole(struct mktrace *make, uint64_t positions);
/* Wipes or damages the cell at a position, after the fact. */
void mktrace_erase(struct mktrace *make, uint64_t position);
void mktrace_damage(struct mktrace *make, uint64_t position);
/* The cell of a position, as it is in the file. */
struct cell *mktrace_cell(struct mktrace *make, uint64_t position);

/* The thread in slot `slot` is inside of this request; position 0: it is not in the ring. */
void mktrace_pending(struct mktrace *make, uint32_t slot, struct record_lock request,
		     uint64_t position);
struct process_slot *mktrace_process_slot(struct mktrace *make, uint32_t slot);

void mktrace_write(const struct mktrace *make, const char *path);
/* A new file in $TMPDIR or /tmp with these contents; the caller unlinks and frees the path. */
char *mktrace_temporary(const void *bytes, size_t size);

#endif
