/* SPDX-License-Identifier: MIT */
/* What the files of `flocktrace dump` share. */
#ifndef ANALYZER_COMMANDS_DUMP_H
#define ANALYZER_COMMANDS_DUMP_H

#include "analyzer/commands/lock_text.h"
#include "analyzer/read/announce.h"
#include "analyzer/read/decode.h"
#include "analyzer/read/raw.h"
#include "analyzer/read/slots.h"

struct dump {
	FILE *out;
	struct trace_file file;
	struct intern intern;
	uint64_t first_time; /* 0 until a record had one */
	bool raw;
};

/* One line per record of a ring; `mark` stands before its positions. */
void dump_ring(struct dump *dump, struct raw *ring, const char *mark);

/* "4711/4712": process and thread, as a column. */
void dump_thread(struct dump *dump, uint32_t process, uint32_t tid);
/* The rest of the line of what the launcher saw. */
void dump_verdict(struct dump *dump, const struct record_verdict *verdict);
void dump_doing(struct dump *dump, const struct record_doing *doing);
void dump_stuck(struct dump *dump, const struct record_stuck *stuck);

/* The lock system calls alone, as strace prints them. */
void dump_calls(struct dump *dump);

/* --raw: every field of the header and of the slots. */
void dump_header(const struct dump *dump);
void dump_slots(const struct dump *dump);
/* Every field of an announcement, behind its line. */
void dump_announcement(const struct dump *dump, const struct raw_record *record);

#endif
