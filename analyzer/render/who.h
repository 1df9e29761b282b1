/* SPDX-License-Identifier: MIT */
/* The locks of this moment: as lines, as text, as JSON. */
#ifndef ANALYZER_RENDER_WHO_H
#define ANALYZER_RENDER_WHO_H

#include <stdio.h>

#include "analyzer/now/now.h"
#include "analyzer/render/scratch.h"

enum who_column {
#define X(id, ...) WHO_##id,
#include "analyzer/render/who_columns.def"
#undef X
	WHO_COLUMNS
};

enum who_sort { WHO_BY_FILE, WHO_BY_ASLEEP, WHO_BY_COMMAND, WHO_BY_PID, WHO_SORTS };

struct who_row {
	const char *cells[WHO_COLUMNS];
	pid_t pid;
	uint32_t file;
	uint64_t asleep;
	bool waits, contended, in_circle; /* contended: somebody waits for the file */
};

struct who_rows {
	VEC(struct who_row) vec;
	bool used[WHO_COLUMNS]; /* some line has something there */
	struct scratch scratch; /* all text */
};

/* Paths are shown relative to `directory`, NULL: none. */
void who_rows_make(struct who_rows *rows, const struct now *now, const char *directory,
		   enum who_sort sort);
void who_rows_free(struct who_rows *rows);

const char *who_column_header(enum who_column column);
bool who_column_is_right(enum who_column column);
const char *who_sort_name(enum who_sort sort); /* "file" */
/* False: there is no such order. */
bool who_sort_parse(const char *text, enum who_sort *sort);

/* "Deadlock: a[1] waits for f, held by b[2]; b[2] waits for …", without a full stop. */
const char *who_circle(struct scratch *scratch, const struct now *now,
		       const struct now_circle *circle, const char *directory);
/* What could end it. */
const char *who_circle_end(const struct now_circle *circle);
/* "Lock of f: taken by 43, which is dead; held on by sleep[44] …"; NULL: its taker isn't dead. */
const char *who_orphan(struct scratch *scratch, const struct now *now, const struct now_hold *hold,
		       const char *directory);
/* "3 locks and 2 waits; 120 processes looked at, 37 of other users not." */
const char *who_summary(struct scratch *scratch, const struct now *now);
/* "python3[4711]" */
const char *who_name(struct scratch *scratch, const struct now *now, pid_t pid);
const char *who_state(struct scratch *scratch, const struct now_process *process);

struct who_options {
	bool colour, stacks;
	const char *directory;
	enum who_sort sort;
};

void who_text(FILE *out, const struct now *now, const struct who_options *options);
/* Schema 1, as the manual page has it. */
void who_json(FILE *out, const struct now *now, const struct who_options *options);

#endif
