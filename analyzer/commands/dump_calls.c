/* SPDX-License-Identifier: MIT */
/*
 * A call stands where its REQUEST stands, and is printed when its RESULT is known; so what comes
 * after a wait in progress is held back until then.
 */
#include "analyzer/commands/dump.h"

#include "trace/names.h"

struct line {
	struct record_lock request, result;
	bool has_request, has_result;
	bool complete;
};

/* The lines of one thread that are not complete, oldest first. */
struct thread {
	uint32_t process, tid, count;
	uint64_t open[NEST_MAX];
};

/* Lines have numbers, in the order of the calls. */
struct queue {
	FILE *out;
	VEC(struct line) lines; /* line n at n - base; those before `first` are printed */
	uint64_t base, first;
	VEC(struct thread) threads;
	struct map map;
	VEC(struct record_lock) in_progress; /* the requests that slots hold */
};

static struct line *line_at(const struct queue *queue, uint64_t number)
{
	return &queue->lines.items[number - queue->base];
}

static void print_line(FILE *out, const struct line *line)
{
	const struct record_lock *any = line->has_request ? &line->request : &line->result;

	fprintf(out, "%u ", any->tid);
	lock_text(out, line->has_request ? &line->request : NULL,
		  line->has_result ? &line->result : NULL, true);
	fputc('\n', out);
}

static void print_complete(struct queue *queue)
{
	uint64_t end = queue->base + queue->lines.count;
	uint32_t printed;

	while (queue->first < end && line_at(queue, queue->first)->complete)
		print_line(queue->out, line_at(queue, queue->first++));
	printed = (uint32_t)(queue->first - queue->base);
	/* What was printed makes room. */
	if (printed == queue->lines.count || (printed > 1024 && 2 * printed > queue->lines.count)) {
		queue->lines.count -= printed;
		if (queue->lines.count)
			memmove(queue->lines.items, queue->lines.items + printed,
				queue->lines.count * sizeof(*queue->lines.items));
		queue->base = queue->first;
	}
}

struct thread_key {
	const struct queue *queue;
	uint32_t process, tid;
};

static bool is_thread(const void *context, uint32_t index)
{
	const struct thread_key *key = context;
	const struct thread *thread = &key->queue->threads.items[index];

	return thread->process == key->process && thread->tid == key->tid;
}

static struct thread *thread_of(struct queue *queue, const struct record_lock *record)
{
	struct thread_key key = { queue, record->process, record->tid };
	uint32_t *at =
		map_find(&queue->map, hash_u64(record->process, record->tid), is_thread, &key);

	if (*at == MAP_NEW) {
		*at = queue->threads.count;
		vec_push(&queue->threads,
			 (struct thread){ .process = record->process, .tid = record->tid });
	}
	return &queue->threads.items[*at];
}

/* Takes complete lines off the thread's list. */
static void forget_complete(const struct queue *queue, struct thread *thread)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < thread->count; i++) {
		if (!line_at(queue, thread->open[i])->complete)
			thread->open[kept++] = thread->open[i];
	}
	thread->count = kept;
}

static void succeed(struct line *line)
{
	line->result = line->request;
	line->result.kind = RECORD_RESULT;
	line->result.outcome = OUTCOME(0, 0);
	line->has_result = line->complete = true;
}

/*
 * The thread has gone on: an unlock of its that told nothing has succeeded. Returns the line of the
 * request with this record's time, NULL if there is none.
 */
static struct line *settle(const struct queue *queue, const struct thread *thread, uint64_t time)
{
	struct line *found = NULL;

	for (uint32_t i = 0; i < thread->count; i++) {
		struct line *line = line_at(queue, thread->open[i]);

		if (line->request.time == time)
			found = line;
		else if ((line->request.flags & FLAG_MODE) == FLAG_UNLOCK)
			succeed(line);
	}
	return found;
}

static void push_open(struct queue *queue, struct thread *thread, const struct record_lock *request)
{
	/* Deeper than a thread can be: the outermost result was lost. */
	if (thread->count == NEST_MAX) {
		line_at(queue, thread->open[0])->complete = true;
		forget_complete(queue, thread);
	}
	thread->open[thread->count++] = queue->base + queue->lines.count;
	vec_push(&queue->lines, (struct line){ .request = *request, .has_request = true });
}

static void take(struct queue *queue, const struct record_lock *record)
{
	struct thread *thread = thread_of(queue, record);
	struct line *line = settle(queue, thread, record->time);

	if (record->kind == RECORD_RESULT && line && record->flags & FLAG_HAS_REQUEST) {
		line->result = *record;
		line->has_result = line->complete = true;
	}
	forget_complete(queue, thread);
	if (record->kind == RECORD_REQUEST)
		push_open(queue, thread, record);
	else if (!line || !(record->flags & FLAG_HAS_REQUEST))
		vec_push(&queue->lines,
			 (struct line){ .result = *record, .has_result = true, .complete = true });
	print_complete(queue);
}

static bool is_in_progress(const struct queue *queue, const struct record_lock *request)
{
	for (uint32_t i = 0; i < queue->in_progress.count; i++) {
		const struct record_lock *one = &queue->in_progress.items[i];

		if (one->process == request->process && one->tid == request->tid &&
		    one->time == request->time)
			return true;
	}
	return false;
}

/* What it was inside of, it never came back from; an unlock that it had left has succeeded. */
static void take_death(struct queue *queue, uint32_t process)
{
	for (uint32_t i = 0; i < queue->threads.count; i++) {
		struct thread *thread = &queue->threads.items[i];

		for (uint32_t j = 0; thread->process == process && j < thread->count; j++) {
			struct line *line = line_at(queue, thread->open[j]);

			if ((line->request.flags & FLAG_MODE) == FLAG_UNLOCK &&
			    !is_in_progress(queue, &line->request))
				succeed(line);
			line->complete = true;
		}
		forget_complete(queue, thread);
	}
	print_complete(queue);
}

/* The requests in progress stay without result. */
static void take_pending(struct queue *queue, const struct dump *dump)
{
	struct slot_walk walk = { 0 };
	struct slot_request request;

	while (slots_next_request(&walk, &dump->file, &request)) {
		const struct thread *thread = thread_of(queue, &request.record);
		bool known = request.position; /* then its line is there, or is lost */

		for (uint32_t i = 0; i < thread->count; i++) {
			struct line *line = line_at(queue, thread->open[i]);

			if (line->request.time == request.record.time)
				known = line->complete = true;
		}
		if (!known && request.record.op < LOCK_OPS)
			vec_push(&queue->lines, (struct line){ .request = request.record,
							       .has_request = true,
							       .complete = true });
	}
}

/* Other unlocks have succeeded. */
static void finish(struct queue *queue)
{
	for (uint32_t i = 0; i < queue->threads.count; i++) {
		struct thread *thread = &queue->threads.items[i];

		forget_complete(queue, thread);
		settle(queue, thread, UINT64_MAX);
	}
	for (uint32_t i = 0; i < queue->lines.count; i++)
		queue->lines.items[i].complete = true;
	print_complete(queue);
}

void dump_calls(struct dump *dump)
{
	struct queue queue = { .out = dump->out };
	struct slot_request request;
	struct slot_walk walk = { 0 };
	struct raw_record record;
	struct raw ring;

	while (slots_next_request(&walk, &dump->file, &request))
		vec_push(&queue.in_progress, request.record);
	raw_open_ring(&ring, &dump->file);
	while (raw_next(&ring, &record)) {
		if (record.gap)
			continue;
		if (record.kind == RECORD_DEATH)
			take_death(&queue, record.call.process);
		else if ((record.kind == RECORD_REQUEST || record.kind == RECORD_RESULT) &&
			 record.lock.op < LOCK_OPS)
			take(&queue, &record.lock);
	}
	take_pending(&queue, dump);
	finish(&queue);
	raw_close(&ring);
	vec_free(&queue.lines);
	vec_free(&queue.threads);
	vec_free(&queue.in_progress);
	map_free(&queue.map);
}
