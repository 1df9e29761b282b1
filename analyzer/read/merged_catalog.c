/* SPDX-License-Identifier: MIT */
#include "analyzer/read/merged_catalog.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/base/memory.h"

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

void merged_refresh(struct merged *merged, struct recording *recording, const struct event *event)
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

void merged_sum_up(struct merged *merged)
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

void merged_finish_catalog(struct merged *merged)
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
	merged_sum_up(merged);
}
