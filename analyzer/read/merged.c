/* SPDX-License-Identifier: MIT */
#include "analyzer/read/merged.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/base/memory.h"
#include "analyzer/base/vec.h"
#include "analyzer/read/intern.h"
#include "analyzer/read/reader.h"

#define CLOCKS_APART INT64_C(1000000000) /* ns: more than what keeps a clock right */

typedef VEC(uint32_t) number_list;

struct waiter {
	uint32_t process, tid;
};

struct recording {
	const char *path;
	struct reader *reader;
	struct event next;
	bool has_next;
	uint64_t moment; /* of `next`, never before an earlier one */
	uint64_t end;
	bool told;				       /* that it has ended before the others */
	number_list processes, files, modules, stacks; /* ours, by its own */
	VEC(struct waiter) waiters;		       /* inside of a call that waits */
};

struct merged {
	struct recording *recordings;
	uint32_t count;
	struct intern intern;
	struct catalog catalog;
	number_list of; /* by process */
	char *command;
	bool ended;
};

/* When the recorder wrote it, at the earliest. */
static uint64_t moment_of(const struct event *event)
{
	switch (event->kind) {
	case EVENT_RESULT:
		return event->time + event->lock.duration;
	case EVENT_CALL_RESULT:
		return event->time + event->call.duration;
	case EVENT_PROCESS:
	case EVENT_REQUEST:
	case EVENT_CALL:
	case EVENT_DEATH:
	case EVENT_VERDICT:
	case EVENT_KEPT:
	case EVENT_LOST:
	case EVENT_END:
		break;
	}
	return event->time;
}

static uint32_t ours(const number_list *numbers, uint32_t theirs)
{
	return theirs < numbers->count ? numbers->items[theirs] : NONE;
}

/* ---- The catalog */

static struct script_frame add_script(struct merged *merged, const struct script_frame *frame)
{
	return (struct script_frame){
		.file = intern_text(&merged->intern, frame->file, strlen(frame->file)),
		.function = intern_text(&merged->intern, frame->function, strlen(frame->function)),
		.line = frame->line,
	};
}

static uint32_t add_stack(struct merged *merged, const struct recording *recording,
			  const struct stack_info *stack)
{
	struct frame *frames = xcalloc((size_t)stack->count + 1, sizeof(*frames));
	struct script_frame *scripts = xcalloc((size_t)stack->script_count + 1, sizeof(*scripts));
	struct stack_info copy = *stack;
	uint32_t number;

	for (uint32_t i = 0; i < stack->count; i++) {
		frames[i] = stack->frames[i];
		frames[i].module = ours(&recording->modules, frames[i].module);
	}
	for (uint32_t i = 0; i < stack->script_count; i++)
		scripts[i] = add_script(merged, &stack->scripts[i]);
	copy.frames = frames;
	copy.scripts = scripts;
	number = intern_stack(&merged->intern, &copy);
	free(frames);
	free(scripts);
	return number;
}

static void add_process(struct merged *merged, struct recording *recording)
{
	uint32_t number = merged->intern.processes.count + 1;

	vec_push(&recording->processes, intern_process(&merged->intern, number));
	vec_push(&merged->of, (uint32_t)(recording - merged->recordings));
}

static void refresh_process(struct merged *merged, const struct recording *recording,
			    const struct catalog *catalog, uint32_t theirs)
{
	struct process_info *info;

	if (theirs >= recording->processes.count)
		return;
	info = &merged->intern.processes.items[recording->processes.items[theirs]];
	*info = catalog->processes[theirs];
	info->id = recording->processes.items[theirs] + 1;
	info->parent = ours(&recording->processes, info->parent);
}

static void refresh_file(struct merged *merged, const struct recording *recording,
			 const struct catalog *catalog, uint32_t theirs)
{
	struct file_info *info;
	const char *path;

	if (theirs >= recording->files.count)
		return;
	info = &merged->intern.files.items[recording->files.items[theirs]];
	path = info->path;
	*info = catalog->files[theirs];
	if (!*info->path)
		info->path = path;
}

/* What is new in its catalog, and what this event may have changed. */
static void refresh(struct merged *merged, struct recording *recording, const struct event *event)
{
	const struct catalog *catalog = reader_catalog(recording->reader);
	struct intern *intern = &merged->intern;

	while (recording->processes.count < catalog->process_count)
		add_process(merged, recording);
	for (uint32_t i = recording->files.count; i < catalog->file_count; i++)
		vec_push(&recording->files,
			 intern_file(intern, catalog->files[i].device, catalog->files[i].inode,
				     catalog->files[i].birth, catalog->files[i].path));
	for (uint32_t i = recording->modules.count; i < catalog->module_count; i++)
		vec_push(&recording->modules, intern_module(intern, catalog->modules[i].path,
							    catalog->modules[i].build_id,
							    catalog->modules[i].build_id_bytes));
	for (uint32_t i = recording->stacks.count; i < catalog->stack_count; i++)
		vec_push(&recording->stacks, add_stack(merged, recording, &catalog->stacks[i]));
	refresh_process(merged, recording, catalog, event->process);
	refresh_file(merged, recording, catalog, event->file);
	merged->catalog.processes = intern->processes.items;
	merged->catalog.process_count = intern->processes.count;
	merged->catalog.files = intern->files.items;
	merged->catalog.file_count = intern->files.count;
	merged->catalog.modules = intern->modules.items;
	merged->catalog.module_count = intern->modules.count;
	merged->catalog.stacks = intern->stacks.items;
	merged->catalog.stack_count = intern->stacks.count;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return !a || (b && b < a) ? b : a;
}

static void add_quality(struct catalog *sum, const struct catalog *one)
{
	sum->quality.events += one->quality.events;
	sum->quality.records += one->quality.records;
	sum->quality.lost += one->quality.lost;
	sum->quality.holes += one->quality.holes;
	sum->quality.torn_announcements += one->quality.torn_announcements;
	sum->quality.unresolved_stacks += one->quality.unresolved_stacks;
	sum->quality.unresolved_files += one->quality.unresolved_files;
	sum->quality.lost_threads += one->quality.lost_threads;
	sum->quality.lost_processes += one->quality.lost_processes;
	sum->quality.lost_stacks += one->quality.lost_stacks;
	sum->quality.lost_nested += one->quality.lost_nested;
	sum->quality.lost_unseen += one->quality.lost_unseen;
	sum->quality.first_time = earlier(sum->quality.first_time, one->quality.first_time);
	if (one->quality.last_time > sum->quality.last_time)
		sum->quality.last_time = one->quality.last_time;
}

/* Of all together: when the first began and the last ended; there is no one status. */
static void sum_up(struct merged *merged)
{
	struct catalog *sum = &merged->catalog;
	bool ended = true;

	memset(&sum->quality, 0, sizeof(sum->quality));
	sum->run.begin = sum->run.end = 0;
	sum->run.live = false;
	for (uint32_t i = 0; i < merged->count; i++) {
		const struct catalog *one = reader_catalog(merged->recordings[i].reader);

		add_quality(sum, one);
		sum->run.begin = earlier(sum->run.begin,
					 one->run.begin ? one->run.begin : one->quality.first_time);
		ended &= one->run.end != 0;
		if (one->run.end > sum->run.end)
			sum->run.end = one->run.end;
		sum->run.live |= one->run.live;
	}
	if (!ended)
		sum->run.end = 0;
}

static void join_commands(struct merged *merged)
{
	for (uint32_t i = 0; i < merged->count; i++) {
		const char *one = reader_catalog(merged->recordings[i].reader)->run.command;
		char *longer = *one && *merged->command ? xasprintf("%s; %s", merged->command, one)
							: xstrdup(*one ? one : merged->command);

		free(merged->command);
		merged->command = longer;
	}
	merged->catalog.run.command = merged->command;
}

static void finish_catalog(struct merged *merged)
{
	for (uint32_t i = 0; i < merged->count; i++) {
		const struct recording *recording = &merged->recordings[i];
		const struct catalog *catalog = reader_catalog(recording->reader);

		for (uint32_t j = 0; j < catalog->process_count; j++)
			refresh_process(merged, recording, catalog, j);
		for (uint32_t j = 0; j < catalog->untraced_count; j++)
			vec_push(&merged->intern.untraced, catalog->untraced[j]);
	}
	merged->catalog.untraced = merged->intern.untraced.items;
	merged->catalog.untraced_count = merged->intern.untraced.count;
	join_commands(merged);
	sum_up(merged);
}

/* ---- Events */

static void advance(struct recording *recording)
{
	uint64_t moment;

	recording->has_next = reader_next(recording->reader, &recording->next) &&
			      recording->next.kind != EVENT_END;
	moment = moment_of(&recording->next);
	if (recording->has_next && moment > recording->moment)
		recording->moment = moment;
	if (!recording->has_next)
		recording->end = recording->next.time;
}

static struct recording *earliest(struct merged *merged)
{
	struct recording *first = NULL;

	for (uint32_t i = 0; i < merged->count; i++) {
		struct recording *one = &merged->recordings[i];

		if (one->has_next && (!first || one->moment < first->moment))
			first = one;
	}
	return first;
}

static void note_waiting(struct recording *recording, const struct event *event)
{
	for (uint32_t i = recording->waiters.count; i-- > 0;) {
		const struct waiter *one = &recording->waiters.items[i];

		if (one->process == event->process &&
		    (one->tid == event->tid || event->kind == EVENT_DEATH))
			vec_remove(&recording->waiters, i);
	}
	if (event->kind == EVENT_REQUEST && event->lock.may_block)
		vec_push(&recording->waiters, (struct waiter){ event->process, event->tid });
}

static void translate(const struct recording *recording, struct event *event)
{
	event->process = ours(&recording->processes, event->process);
	event->file = ours(&recording->files, event->file);
	event->stack = ours(&recording->stacks, event->stack);
	if (event->kind == EVENT_PROCESS)
		event->born.parent = ours(&recording->processes, event->born.parent);
	else if (event->kind == EVENT_CALL || event->kind == EVENT_CALL_RESULT)
		event->call.other = ours(&recording->processes, event->call.other);
	else if (event->kind == EVENT_VERDICT)
		event->seen.other = ours(&recording->processes, event->seen.other);
}

static void end_event(struct merged *merged, struct event *event)
{
	*event = merged->recordings[0].next;
	for (uint32_t i = 0; i < merged->count; i++) {
		const struct recording *one = &merged->recordings[i];

		if (one->end > event->time)
			event->time = one->end;
		event->end.unwatched |= one->next.end.unwatched;
	}
	finish_catalog(merged);
	merged->ended = true;
}

bool merged_next(struct merged *merged, struct event *event)
{
	struct recording *recording;

	if (merged->count == 1)
		return reader_next(merged->recordings[0].reader, event);
	if (merged->ended)
		return false;
	recording = earliest(merged);
	if (!recording) {
		end_event(merged, event);
		return true;
	}
	*event = recording->next;
	note_waiting(recording, event);
	refresh(merged, recording, event);
	translate(recording, event);
	advance(recording);
	return true;
}

const char *merged_left(struct merged *merged, uint32_t *recording, uint32_t *waits)
{
	if (merged->count == 1 || !earliest(merged))
		return NULL;
	for (uint32_t i = 0; i < merged->count; i++) {
		struct recording *one = &merged->recordings[i];

		if (one->has_next || one->told)
			continue;
		one->told = true;
		*recording = i;
		*waits = one->waiters.count ? ours(&one->processes, one->waiters.items[0].process)
					    : NONE;
		return one->path;
	}
	return NULL;
}

const struct catalog *merged_catalog(const struct merged *merged)
{
	return merged->count == 1 ? reader_catalog(merged->recordings[0].reader) : &merged->catalog;
}

uint32_t merged_recording(const struct merged *merged, uint32_t process)
{
	return process < merged->of.count ? merged->of.items[process] : 0;
}

/* ---- Opening */

/* NULL: they go together. */
static char *apart(const struct recording *a, const struct recording *b)
{
	struct reader_origin x = reader_origin(a->reader), y = reader_origin(b->reader);
	int64_t offset = x.wall_offset - y.wall_offset;

	if (x.boot_id[0] != y.boot_id[0] || x.boot_id[1] != y.boot_id[1])
		return xasprintf("%s: not of the same boot as %s: their times can't be compared",
				 b->path, a->path);
	if (!offset && x.creator == y.creator && x.pidns == y.pidns)
		return xasprintf("%s: of the same recording as %s", b->path, a->path);
	if (offset > CLOCKS_APART || offset < -CLOCKS_APART)
		return xasprintf("%s: the clock was set, or the machine slept, between this and %s",
				 b->path, a->path);
	return NULL;
}

static void begin(struct merged *merged)
{
	merged->command = xstrdup("");
	merged->catalog = *reader_catalog(merged->recordings[0].reader);
	merged->catalog.run.command = merged->command;
	merged->catalog.run.status = -1;
	merged->catalog.untraced_count = 0;
	for (uint32_t i = 0; i < merged->count; i++)
		advance(&merged->recordings[i]);
	sum_up(merged);
}

struct merged *merged_open(const char *const *paths, uint32_t count, char **error)
{
	struct merged *merged = xcalloc(1, sizeof(*merged));
	const char *reason;

	*error = NULL;
	merged->recordings = xcalloc(count, sizeof(*merged->recordings));
	for (uint32_t i = 0; i < count && !*error; i++) {
		struct recording *one = &merged->recordings[merged->count++];

		one->path = paths[i];
		one->reader = reader_open(paths[i], &reason);
		if (!one->reader)
			*error = xasprintf("%s: %s", paths[i], reason);
		for (uint32_t j = 0; j < i && !*error; j++)
			*error = apart(&merged->recordings[j], one);
	}
	if (*error) {
		merged_free(merged);
		return NULL;
	}
	if (count > 1)
		begin(merged);
	return merged;
}

void merged_free(struct merged *merged)
{
	if (!merged)
		return;
	for (uint32_t i = 0; i < merged->count; i++) {
		struct recording *one = &merged->recordings[i];

		reader_free(one->reader);
		vec_free(&one->processes);
		vec_free(&one->files);
		vec_free(&one->modules);
		vec_free(&one->stacks);
		vec_free(&one->waiters);
	}
	intern_free(&merged->intern);
	vec_free(&merged->of);
	free(merged->recordings);
	free(merged->command);
	free(merged);
}
