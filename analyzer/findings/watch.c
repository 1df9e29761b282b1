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

#define THREADS_AT_EASE 64
#define IDLE_NS		UINT64_C(1000000000)

/* Threads end unannounced: before their list grows long, those that have been quiet are dropped. */
static void forget_idle_threads(struct seen_process *process, uint64_t now)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < process->threads.count; i++) {
		struct seen_thread *thread = &process->threads.items[i];

		if (thread->inside || thread->act.by.time + IDLE_NS > now)
			process->threads.items[kept++] = *thread;
	}
	process->threads.count = kept;
}

static struct seen_thread *thread_of(struct seen_process *process, uint32_t tid, uint64_t now)
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
	if (process->threads.count == process->threads.room &&
	    process->threads.room >= THREADS_AT_EASE)
		forget_idle_threads(process, now);
	process->last_thread = process->threads.count;
	vec_push(&process->threads, (struct seen_thread){ .tid = tid, .act = { .by = nobody } });
	return &process->threads.items[process->last_thread];
}

struct seen_thread *watch_thread(struct findings_builder *builder, uint32_t process, uint32_t tid)
{
	return thread_of(watch_process(builder, process), tid, builder->event.time);
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
	case EVENT_VERDICT:
	case EVENT_DOING:
	case EVENT_STUCK:
	case EVENT_KEPT:
	case EVENT_LOST:
	case EVENT_END:
		break;
	}
	return false;
}

/* It is inside of its request no more. */
static void leave(struct findings_builder *builder, struct seen_thread *thread)
{
	if (!thread->inside)
		return;
	thread->inside = false;
	watch_file(builder, thread->waiting.file)->waiting--;
}

/* The model ends what a call ended when the next event of its thread comes: until then it is the
 * last but one. */
static void finish_act(struct findings_builder *builder)
{
	const struct finding_side *by = &builder->now.by;
	struct seen_thread *thread;

	if (by->process == NONE)
		return;
	thread = watch_thread(builder, by->process, by->tid);
	thread->act = builder->now;
	/* The model has told about it by now. */
	if (builder->event.kind == EVENT_RESULT)
		leave(builder, thread);
	builder->now.by = nobody;
}

static void see_request(struct findings_builder *builder, const struct event *event)
{
	struct seen_thread *thread = watch_thread(builder, event->process, event->tid);

	if (event->kind != EVENT_RESULT || !event->lock.has_request)
		leave(builder, thread);
	if (event->kind != EVENT_REQUEST || !event->lock.may_block || event->lock.query ||
	    event->file == NONE)
		return;
	thread->inside = true;
	thread->queue = ++watch_file(builder, event->file)->waiting;
	thread->waiting = (struct asked){
		.by = { event->process, event->tid, event->stack, event->time },
		.file = event->file,
		.world = event->lock.world,
		.mode = event->lock.mode,
		.start = event->lock.start,
		.end = event->lock.end,
	};
}

static void forget_threads(struct findings_builder *builder, struct seen_process *process)
{
	for (uint32_t i = 0; i < process->threads.count; i++)
		leave(builder, &process->threads.items[i]);
	vec_free(&process->threads);
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
	if (event->kind == EVENT_PROCESS) {
		process->executes |= event->born.birth != BIRTH_FORK;
		forget_threads(builder, process);
	}
	if (event->kind == EVENT_CALL && event->call.call == EXIT_PROCESS)
		process->gone = process->exited = true;
	if (event->kind != EVENT_DEATH)
		return;
	process->gone = true;
	tries_gone(builder, event->process);
	forget_threads(builder, process);
}

void watch_event(struct findings_builder *builder, const struct event *event)
{
	finish_act(builder);
	if (builder->begun && builder->event.kind == EVENT_DEATH && builder->event.process != NONE)
		vec_free(&watch_process(builder, builder->event.process)->habits);
	builder->event = *event;
	builder->begun = true;
	see_process(builder, event);
	if (!is_act(event))
		return;
	builder->now = act_of(event);
	if (event->kind == EVENT_REQUEST || event->kind == EVENT_RESULT)
		see_request(builder, event);
	else
		leave(builder, watch_thread(builder, event->process, event->tid));
}

const struct act *watch_ender(struct findings_builder *builder, const struct hold *hold)
{
	const struct act *now = &builder->now, *last;

	if (now->by.process == NONE)
		return NULL;
	if (now->by.time == hold->released && (now->closes || now->file == hold->file))
		return now;
	last = &watch_thread(builder, now->by.process, now->by.tid)->act;
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

/* ---- Who holds what */

bool watch_in_the_way(struct findings_builder *builder, const struct asked *asked,
		      struct hold *hold)
{
	uint32_t count;

	if (!builder->model || asked->file == NONE)
		return false;
	count = model_holds(builder->model, asked->file, builder->scratch.items,
			    builder->scratch.room);
	if (count > builder->scratch.room) {
		vec_reserve(&builder->scratch, count);
		model_holds(builder->model, asked->file, builder->scratch.items, count);
	}
	for (uint32_t i = 0; i < count; i++) {
		*hold = builder->scratch.items[i];
		if (hold->world == asked->world && hold->process != asked->by.process &&
		    hold->start < asked->end && asked->start < hold->end &&
		    (asked->mode == MODE_EXCLUSIVE || hold->mode == MODE_EXCLUSIVE))
			return true;
	}
	return false;
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
