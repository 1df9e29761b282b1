/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <libsmartcols.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/render/phrases.h"
#include "analyzer/render/text_table.h"
#include "analyzer/render/who.h"
#include "analyzer/symbols/native_stack.h"

static void print_circles(FILE *out, struct scratch *scratch, const struct now *now,
			  const struct who_options *options)
{
	for (uint32_t i = 0; i < now->circles.count; i++) {
		const struct now_circle *circle = &now->circles.items[i];

		fprintf(out, "%s%s.%s\n    %s\n\n", options->colour ? "\033[1;31m" : "",
			who_circle(scratch, now, circle, options->directory),
			options->colour ? "\033[m" : "", who_circle_end(circle));
	}
}

/* A line for the headers, and one for each row. */
static void print_coloured(FILE *out, const struct who_rows *rows, const char *text, bool colour)
{
	for (uint32_t i = 0; *text; i++) {
		size_t length = strcspn(text, "\n");
		bool red = colour && i && i <= rows->vec.count && rows->vec.items[i - 1].in_circle;

		fprintf(out, "%s%.*s%s\n", red ? "\033[31m" : "", (int)length, text,
			red ? "\033[m" : "");
		text += length + (text[length] == '\n');
	}
}

static void print_rows(FILE *out, const struct who_rows *rows, bool colour)
{
	char *text = NULL;
	size_t length;
	FILE *lines = open_memstream(&text, &length);
	struct libscols_table *table = scols_new_table();

	for (unsigned c = 0; table && c < WHO_COLUMNS; c++)
		if (rows->used[c])
			scols_table_new_column(table, who_column_header(c), 0,
					       who_column_is_right(c) ? SCOLS_FL_RIGHT : 0);
	for (uint32_t i = 0; table && i < rows->vec.count; i++) {
		struct libscols_line *line = scols_table_new_line(table, NULL);

		for (unsigned c = 0, at = 0; line && c < WHO_COLUMNS; c++)
			if (rows->used[c])
				scols_line_set_data(line, at++, rows->vec.items[i].cells[c]);
	}
	if (!lines) {
		scols_unref_table(table);
		return;
	}
	text_table_print(lines, table);
	if (!fclose(lines))
		print_coloured(out, rows, text, colour);
	free(text);
}

static void print_stack(FILE *out, struct scratch *scratch, const struct now *now, pid_t pid,
			pid_t tid)
{
	const char *thread = tid == pid ? "" : scratch_format(scratch, " thread %d", (int)tid);
	struct native_stack stack;
	int error = native_stack_read(&stack, pid, tid);

	fprintf(out, "\n%s%s:\n", who_name(scratch, now, pid), thread);
	if (error)
		fprintf(out, "    no stack: %s\n", strerror(error));
	for (uint32_t i = 0; i < stack.frames.count; i++)
		fprintf(out, "    %s\n", phrase_escaped(scratch, stack.frames.items[i]));
	native_stack_free(&stack);
}

static bool waits_somewhere(const struct now *now, pid_t pid)
{
	for (uint32_t i = 0; i < now->waits.count; i++)
		if (now->waits.items[i].tid && now->waits.items[i].pid == pid)
			return true;
	return false;
}

/* Of the threads that wait; of others, the main thread. */
static void print_stacks(FILE *out, struct scratch *scratch, const struct now *now)
{
	for (uint32_t i = 0; i < now->waits.count; i++)
		if (now->waits.items[i].tid)
			print_stack(out, scratch, now, now->waits.items[i].pid,
				    now->waits.items[i].tid);
	for (uint32_t i = 0; i < now->processes.count; i++) {
		const struct now_process *process = &now->processes.items[i];

		if (process->alive && !waits_somewhere(now, process->pid))
			print_stack(out, scratch, now, process->pid, process->pid);
	}
}

void who_text(FILE *out, const struct now *now, const struct who_options *options)
{
	struct who_rows rows;
	struct scratch *scratch = &rows.scratch;

	who_rows_make(&rows, now, options->directory, options->sort);
	print_circles(out, scratch, now, options);
	if (rows.vec.count)
		print_rows(out, &rows, options->colour);
	for (uint32_t i = 0; i < now->holds.count; i++) {
		const char *orphan =
			who_orphan(scratch, now, &now->holds.items[i], options->directory);

		if (orphan)
			fprintf(out, "\n%s.\n", orphan);
	}
	if (options->stacks)
		print_stacks(out, scratch, now);
	fprintf(out, "%s%s.\n", rows.vec.count ? "\n" : "", who_summary(scratch, now));
	if (now->hidden)
		fputs("As root it looks at all.\n", out);
	who_rows_free(&rows);
}
