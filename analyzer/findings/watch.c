/* SPDX-License-Identifier: MIT */
/* Who did what last. */
#include "analyzer/findings/watch.h"

struct seen_process *watch_process(struct findings_builder *builder, uint32_t process)
{
	while (builder->processes.count <= process)
		vec_push(&builder->processes, (struct seen_process){ .parent = NONE });
	return &builder->processes.items[process];
}

struct seen_file *watch_file(struct findings_builder *builder, uint32_t file)
{
	while (builder->files.count <= file)
		vec_push(&builder->files, (struct seen_file){ 0 });
	return &builder->files.items[file];
}

static struct seen_thread *thread_of(struct seen_process *process, uint32_t tid)
{
	if (process->last_thread < process->threads.count &&
	    process->threads.items[process->last_thread].tid == tid)
		return &process->threads.items[process->last_thread];
	for (uint32_t i = 0; i < process->threads.count; i++) {
		if (process->threads.items[i].tid != tid)
			continue;
		process->last_thread = i;
		return &process->threads.items[i];
	}
	process->last_thread = process->threads.count;
	vec_push(&process->threads, (struct seen_thread){ .tid = tid, .act = { .by = nobody } });
	return &process->threads.items[process->last_thread];
}

static struct act act_of(const struct event *event)
{
	struct act act = {
		.by = { event->process, event->tid, event->stack, event->time },
		.file = event->file,
	};

	if (event->kind == EVENT_CALL || event->kind == EVENT_CALL_RESULT) {
		act.fd = event->call.call == DUP_FD ? event->call.last : event->call.fd;
		act.last = event->call.last;
		act.closes = event->call.call == CLOSE_FDS || event->call.call == DUP_FD;
	} else {
		act.fd = act.last = event->lock.fd;
		act.world = event->lock.world;
		act.mode = event->lock.query ? MODE_NONE : event->lock.mode;
	}
	return act;
}

static bool is_act(const struct event *event)
{
	switch (event->kind) {
	case EVENT_REQUEST:
	case EVENT_RESULT:
	case EVENT_CALL:
	case EVENT_CALL_RESULT:
		return event->process != NONE;
	case EVENT_PROCESS:
	case EVENT_DEATH:
	case EVENT_LOST:
	case EVENT_END:
		break;
	}
	return false;
}

/* The model ends what a call ended when the next event of its thread comes: until then it is the
 * last but one. */
static void finish_act(struct findings_builder *builder)
{
	if (builder->now.by.process != NONE)
		thread_of(watch_process(builder, builder->now.by.process), builder->now.by.tid)
			->act = builder->now;
	builder->now.by = nobody;
}

static void see_process(struct findings_builder *builder, const struct event *event)
{
	struct seen_process *process;

	if (event->process == NONE)
		return;
	process = watch_process(builder, event->process);
	if (event->kind == EVENT_PROCESS && event->born.parent != NONE &&
	    event->born.parent != event->process)
		process->parent = event->born.parent;
	if (event->kind == EVENT_DEATH ||
	    (event->kind == EVENT_CALL && event->call.call == EXIT_PROCESS))
		process->gone = true;
	if (event->kind == EVENT_DEATH)
		vec_free(&process->threads);
}

void watch_event(struct findings_builder *builder, const struct event *event)
{
	finish_act(builder);
	builder->event = *event;
	builder->begun = true;
	see_process(builder, event);
	if (is_act(event))
		builder->now = act_of(event);
}

const struct act *watch_ender(struct findings_builder *builder, const struct hold *hold)
{
	const struct act *now = &builder->now, *last;

	if (now->by.process == NONE)
		return NULL;
	if (now->by.time == hold->released && (now->closes || now->file == hold->file))
		return now;
	last = &thread_of(watch_process(builder, now->by.process), now->by.tid)->act;
	return last->by.time == hold->released && (last->closes || last->file == hold->file) ? last
											     : NULL;
}

/* ---- Who got which lock last */

void watch_grant(struct findings_builder *builder, const struct request *request)
{
	struct grant *latest = watch_file(builder, request->file)
				       ->grants[request->world][request->mode == MODE_EXCLUSIVE];
	struct grant grant = { side_of_request(request), request->start, request->end };

	grant.by.time += request->duration;
	if (latest[0].by.process != grant.by.process)
		latest[1] = latest[0];
	latest[0] = grant;
}

static bool took(const struct grant *grant, const struct hold *hold, uint64_t since, uint64_t until)
{
	return grant->by.time && grant->by.process != hold->process && grant->by.time > since &&
	       grant->by.time <= until && grant->start < hold->end && hold->start < grant->end;
}

struct finding_side watch_taken(struct findings_builder *builder, const struct hold *hold,
				uint64_t since, uint64_t until)
{
	const struct seen_file *file = watch_file(builder, hold->file);

	for (int exclusive = 1; exclusive >= (hold->mode == MODE_SHARED); exclusive--)
		for (int i = 0; i < 2; i++)
			if (took(&file->grants[hold->world][exclusive][i], hold, since, until))
				return file->grants[hold->world][exclusive][i].by;
	return nobody;
}

bool watch_descends(struct findings_builder *builder, uint32_t process, uint32_t from)
{
	for (unsigned depth = 0; process < builder->processes.count && depth < 1000; depth++) {
		if (process == from)
			return true;
		process = builder->processes.items[process].parent;
	}
	return process == from;
}
