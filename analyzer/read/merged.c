/* SPDX-License-Identifier: MIT */
#include "analyzer/read/merged.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/base/memory.h"
#include "analyzer/read/merged_catalog.h"

#define CLOCKS_APART INT64_C(1000000000) /* ns: more than what keeps a clock right */

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
	case EVENT_DOING:
	case EVENT_STUCK:
	case EVENT_KEPT:
	case EVENT_LOST:
	case EVENT_END:
		break;
	}
	return event->time;
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
	if (event_is_from_outside(event))
		return;
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
	else if (event->kind == EVENT_STUCK)
		event->stuck.holder = ours(&recording->processes, event->stuck.holder);
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
	merged_finish_catalog(merged);
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
	merged_refresh(merged, recording, event);
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
	merged_sum_up(merged);
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
