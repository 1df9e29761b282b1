/* SPDX-License-Identifier: MIT */
#include "analyzer/render/who.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "analyzer/base/units.h"
#include "analyzer/render/phrases.h"

static const struct {
	const char *header;
	bool right;
} columns[] = {
#define X(id, header, right) { header, right },
#include "analyzer/render/who_columns.def"
#undef X
};

static const char *const sorts[] = {
	[WHO_BY_FILE] = "file",
	[WHO_BY_ASLEEP] = "asleep",
	[WHO_BY_COMMAND] = "command",
	[WHO_BY_PID] = "pid",
};

const char *who_column_header(enum who_column column)
{
	return columns[column].header;
}

bool who_column_is_right(enum who_column column)
{
	return columns[column].right;
}

const char *who_sort_name(enum who_sort sort)
{
	return sorts[sort];
}

bool who_sort_parse(const char *text, enum who_sort *sort)
{
	for (unsigned i = 0; i < WHO_SORTS; i++)
		if (!strcmp(sorts[i], text)) {
			*sort = (enum who_sort)i;
			return true;
		}
	return false;
}

const char *who_state(struct scratch *scratch, const struct now_process *process)
{
	if (!process || !process->alive)
		return "dead";
	switch (process->state) {
	case 'R':
		return "running";
	case 'T':
		return "stopped";
	case 't':
		return "traced";
	case 'Z':
		return "zombie";
	case 'D':
		return process->doing ? scratch_format(scratch, "%s (disk)",
						       phrase_escaped(scratch, process->doing))
				      : "disk";
	}
	return process->doing ? phrase_escaped(scratch, process->doing) : "asleep";
}

static const char *file_name(struct scratch *scratch, const struct now *now, uint32_t index,
			     const char *directory)
{
	const struct now_file *file = &now->files.items[index];

	if (!file->path)
		return scratch_format(scratch, "inode %" PRIu64 " on device %u:%u", file->inode,
				      major(file->device), minor(file->device));
	return scratch_format(scratch, "%s%s", phrase_path(scratch, file->path, directory),
			      file->deleted ? " (deleted)" : "");
}

const char *who_name(struct scratch *scratch, const struct now *now, pid_t pid)
{
	const struct now_process *process = now_process(now, pid);

	if (pid <= 0)
		return "an unknown process";
	return scratch_format(
		scratch, "%s[%d]",
		process && process->command ? phrase_escaped(scratch, process->command) : "?",
		(int)pid);
}

static const char *range_text(struct scratch *scratch, const struct kernel_lock *lock, bool known)
{
	if (lock->kind == LOCK_KIND_FLOCK || lock->kind == LOCK_KIND_LEASE)
		return "";
	return known ? units_range(scratch_room(scratch), lock->start, lock->end) : "not known";
}

static const char *mode_text(const struct kernel_lock *lock)
{
	return lock->unlocks ? "none" : lock->shared ? "shared" : "exclusive";
}

/* ---- Lines */

static void tell_process(struct who_rows *rows, struct who_row *row, const struct now *now,
			 pid_t pid)
{
	const struct now_process *process = now_process(now, pid);
	struct scratch *scratch = &rows->scratch;

	row->pid = pid;
	if (pid <= 0)
		return;
	row->cells[WHO_PID] = scratch_format(scratch, "%d", (int)pid);
	row->cells[WHO_STATE] = who_state(scratch, process);
	if (!process || !process->alive)
		return;
	row->cells[WHO_COMMAND] = process->command ? phrase_escaped(scratch, process->command) : "";
	row->cells[WHO_AGE] = phrase_duration(scratch, process->age);
	if (process->unit)
		row->cells[WHO_UNIT] = phrase_escaped(scratch, process->unit);
}

static struct who_row new_row(struct who_rows *rows, const struct now *now,
			      const struct kernel_lock *lock, uint32_t file, bool range_known,
			      const char *directory)
{
	struct who_row row = { .file = file };

	for (unsigned i = 0; i < WHO_COLUMNS; i++)
		row.cells[i] = "";
	row.cells[WHO_LOCK] = lock_kind_name(lock->kind);
	row.cells[WHO_MODE] = mode_text(lock);
	row.cells[WHO_RANGE] = range_text(&rows->scratch, lock, range_known);
	row.cells[WHO_FILE] = file_name(&rows->scratch, now, file, directory);
	return row;
}

static void add_hold(struct who_rows *rows, const struct now *now, const struct now_hold *hold,
		     const char *directory)
{
	struct who_row row = new_row(rows, now, &hold->lock, hold->file, true, directory);
	const struct now_sharer *sharers = hold->sharers.items;
	struct who_row one = row;

	one.cells[WHO_DOES] = hold->lock.breaking ? "must give up" : "holds";
	if (!hold->sharers.count) {
		tell_process(rows, &one, now, (pid_t)hold->lock.pid);
		if (one.pid <= 0)
			one.cells[WHO_STATE] = "not known";
		vec_push(&rows->vec, one);
	}
	for (uint32_t i = 0; i < hold->sharers.count; i++) {
		one = row;
		one.cells[WHO_DOES] = hold->lock.breaking ? "must give up"
				      : hold->lock.pid > 0 && sharers[i].pid != hold->lock.pid
					      ? "shares"
					      : "holds";
		one.cells[WHO_FD] = scratch_format(&rows->scratch, "%d", sharers[i].fd);
		tell_process(rows, &one, now, sharers[i].pid);
		vec_push(&rows->vec, one);
	}
}

static const char *append_pid(struct scratch *scratch, const char *list, pid_t pid)
{
	char text[16];
	const char *at = list;
	size_t length = (size_t)snprintf(text, sizeof(text), "%d", (int)pid);

	while ((at = strstr(at, text))) {
		if ((at == list || at[-1] == ',') && (!at[length] || at[length] == ','))
			return list;
		at += length;
	}
	return scratch_format(scratch, "%s%s%s", list, *list ? "," : "", text);
}

/* All who have what is in its way. */
static const char *blockers(struct scratch *scratch, const struct now *now,
			    const struct now_wait *wait)
{
	const char *list = "";
	bool unknown = !wait->blockers.count;

	for (uint32_t i = 0; i < wait->blockers.count; i++) {
		const struct now_hold *hold = &now->holds.items[wait->blockers.items[i]];

		for (uint32_t j = 0; j < hold->sharers.count; j++)
			list = append_pid(scratch, list, hold->sharers.items[j].pid);
		if (!hold->sharers.count && hold->lock.pid > 0)
			list = append_pid(scratch, list, (pid_t)hold->lock.pid);
		unknown |= !hold->sharers.count && hold->lock.pid <= 0;
	}
	return unknown ? scratch_format(scratch, "%s%snot known", list, *list ? "," : "") : list;
}

static bool in_circle(const struct now *now, uint32_t wait)
{
	for (uint32_t i = 0; i < now->circles.count; i++)
		for (uint32_t j = 0; j < now->circles.items[i].members.count; j++)
			if (now->circles.items[i].members.items[j].wait == wait)
				return true;
	return false;
}

static void add_wait(struct who_rows *rows, const struct now *now, uint32_t index,
		     const char *directory)
{
	const struct now_wait *wait = &now->waits.items[index];
	struct who_row row =
		new_row(rows, now, &wait->lock, wait->file, wait->range_known, directory);

	row.waits = true;
	row.in_circle = in_circle(now, index);
	row.asleep = wait->asleep;
	tell_process(rows, &row, now, wait->pid);
	row.cells[WHO_DOES] = "waits";
	row.cells[WHO_BLOCKED_BY] = blockers(&rows->scratch, now, wait);
	if (wait->tid)
		row.cells[WHO_FD] = scratch_format(&rows->scratch, "%d", wait->fd);
	if (wait->tid && wait->tid != wait->pid)
		row.cells[WHO_STATE] = scratch_format(&rows->scratch, "thread %d", (int)wait->tid);
	if (wait->asleep)
		row.cells[WHO_ASLEEP] = phrase_duration(&rows->scratch, wait->asleep);
	vec_push(&rows->vec, row);
}

/* ---- Order */

static int numerically(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* What somebody waits for comes first; of a file, the holders. */
static int by_file(const void *left, const void *right)
{
	const struct who_row *a = left, *b = right;
	int order = numerically(b->contended, a->contended);

	order = order ? order : strcmp(a->cells[WHO_FILE], b->cells[WHO_FILE]);
	order = order ? order : numerically(a->file, b->file);
	order = order ? order : numerically(a->waits, b->waits);
	return order ? order : numerically((uint64_t)a->pid, (uint64_t)b->pid);
}

static int by_asleep(const void *left, const void *right)
{
	const struct who_row *a = left, *b = right;
	int order = numerically(b->asleep, a->asleep);

	return order ? order : by_file(left, right);
}

static int by_command(const void *left, const void *right)
{
	const struct who_row *a = left, *b = right;
	int order = strcmp(a->cells[WHO_COMMAND], b->cells[WHO_COMMAND]);

	return order ? order : by_file(left, right);
}

static int by_pid(const void *left, const void *right)
{
	const struct who_row *a = left, *b = right;
	int order = numerically((uint64_t)a->pid, (uint64_t)b->pid);

	return order ? order : by_file(left, right);
}

static void mark_contended(struct who_rows *rows, const struct now *now)
{
	for (uint32_t i = 0; i < rows->vec.count; i++)
		for (uint32_t j = 0; j < now->waits.count; j++)
			rows->vec.items[i].contended |=
				now->waits.items[j].file == rows->vec.items[i].file;
}

void who_rows_make(struct who_rows *rows, const struct now *now, const char *directory,
		   enum who_sort sort)
{
	static int (*const orders[])(const void *, const void *) = {
		[WHO_BY_FILE] = by_file,
		[WHO_BY_ASLEEP] = by_asleep,
		[WHO_BY_COMMAND] = by_command,
		[WHO_BY_PID] = by_pid,
	};

	*rows = (struct who_rows){ 0 };
	for (uint32_t i = 0; i < now->holds.count; i++)
		add_hold(rows, now, &now->holds.items[i], directory);
	for (uint32_t i = 0; i < now->waits.count; i++)
		add_wait(rows, now, i, directory);
	mark_contended(rows, now);
	if (rows->vec.count)
		qsort(rows->vec.items, rows->vec.count, sizeof(*rows->vec.items), orders[sort]);
	for (uint32_t i = 0; i < rows->vec.count; i++)
		for (unsigned c = 0; c < WHO_COLUMNS; c++)
			rows->used[c] |= *rows->vec.items[i].cells[c] != '\0';
}

void who_rows_free(struct who_rows *rows)
{
	vec_free(&rows->vec);
	scratch_free(&rows->scratch);
}

/* ---- Sentences */

static const char *step_text(struct scratch *scratch, const struct now *now,
			     const struct now_member *member, const struct now_member *next,
			     const char *directory)
{
	const char *name = who_name(scratch, now, member->pid);
	const char *other = who_name(scratch, now, next->pid);

	if (member->wait == NOT_KNOWN)
		return scratch_format(scratch,
				      member->pipe ? "%s waits for what %s is to write into a pipe"
						   : "%s waits for the end of %s",
				      name, other);
	return scratch_format(
		scratch, "%s waits for %s, which %s has", name,
		file_name(scratch, now, now->waits.items[member->wait].file, directory),
		member->pid == next->pid ? "it" : other);
}

const char *who_circle(struct scratch *scratch, const struct now *now,
		       const struct now_circle *circle, const char *directory)
{
	const struct now_member *members = circle->members.items;
	const char *text = circle->until_timeout ? "Deadlock until a timer ends it: "
			   : circle->others	 ? "Likely deadlock: "
						 : "Deadlock: ";

	for (uint32_t i = 0; i < circle->cycle; i++)
		text = scratch_format(scratch, "%s%s%s", text, i ? "; " : "",
				      step_text(scratch, now, &members[i],
						&members[(i + 1) % circle->cycle], directory));
	for (uint32_t i = circle->cycle; i < circle->members.count; i++)
		text = scratch_format(scratch, "%s%s%s", text,
				      i == circle->cycle ? "; in the same knot " : ", ",
				      who_name(scratch, now, members[i].pid));
	return text;
}

const char *who_circle_end(const struct now_circle *circle)
{
	return circle->others ? "Another thread, or a process that shares a lock, could end it."
			      : "Only a signal ends it, such as that of a timer; SIGTERM to one of "
				"them.";
}

const char *who_orphan(struct scratch *scratch, const struct now *now, const struct now_hold *hold,
		       const char *directory)
{
	const char *text, *between = "";

	if (!now_taker_is_dead(now, hold))
		return NULL;
	text = scratch_format(scratch, "%s was locked by process %d, which is dead; ",
			      file_name(scratch, now, hold->file, directory), (int)hold->lock.pid);
	if (!hold->sharers.count)
		return scratch_format(scratch, "%sit is not known who has its descriptor", text);
	text = scratch_format(scratch, "%sthe lock lasts while its descriptor is open in ", text);
	for (uint32_t i = 0; i < hold->sharers.count; i++, between = ", ")
		text = scratch_format(scratch, "%s%s%s (fd %d)", text, between,
				      who_name(scratch, now, hold->sharers.items[i].pid),
				      hold->sharers.items[i].fd);
	return text;
}

const char *who_summary(struct scratch *scratch, const struct now *now)
{
	const char *text =
		scratch_format(scratch, "%s and %s; %s looked at",
			       phrase_number(scratch, now->holds.count, "lock", "locks"),
			       phrase_number(scratch, now->waits.count, "wait", "waits"),
			       phrase_number(scratch, now->looked_at, "process", "processes"));

	return now->hidden ? scratch_format(scratch, "%s, %s of other users not", text,
					    phrase_count(scratch, now->hidden))
			   : text;
}
