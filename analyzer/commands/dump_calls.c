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

/* A request that a thread slot says somebody is inside of. */
struct inside {
	struct record_lock request;
	bool in_ring; /* so it has a line of its own */
};

/* Lines have numbers, in the order of the calls. */
struct queue {
	FILE *out;
	VEC(struct inside) inside;
	VEC(struct line) lines; /* line n at n - base; those before `first` are printed */
	uint64_t base, first;
	VEC(struct thread) threads;
	struct map map;
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

static bool is_same_call(const struct record_lock *a, const struct record_lock *b)
{
	return a->process == b->process && a->tid == b->tid && a->time == b->time;
}

/*
 * No more can be heard of this call. An unlock that told nothing has succeeded, unless its thread
 * is inside of it, or died there.
 */
static void give_up(const struct queue *queue, struct line *line)
{
	bool inside = false;

	line->complete = true;
	if ((line->request.flags & FLAG_MODE) != FLAG_UNLOCK)
		return;
	for (uint32_t i = 0; i < queue->inside.count && !inside; i++)
		inside = is_same_call(&queue->inside.items[i].request, &line->request);
	if (inside)
		return;
	line->result = line->request;
	line->result.kind = RECORD_RESULT;
	line->result.outcome = OUTCOME(0, 0);
	line->has_result = true;
}

/*
 * The thread has gone on, so its unlocks are over. Returns the line of the request with this time,
 * NULL if there is none.
 */
static struct line *settle(const struct queue *queue, const struct thread *thread, uint64_t time)
{
	struct line *found = NULL;

	for (uint32_t i = 0; i < thread->count; i++) {
		struct line *line = line_at(queue, thread->open[i]);

		if (line->request.time == time)
			found = line;
		else if ((line->request.flags & FLAG_MODE) == FLAG_UNLOCK)
			give_up(queue, line);
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

static void take_death(struct queue *queue, uint32_t process)
{
	for (uint32_t i = 0; i < queue->threads.count; i++) {
		struct thread *thread = &queue->threads.items[i];

		for (uint32_t j = 0; thread->process == process && j < thread->count; j++)
			give_up(queue, line_at(queue, thread->open[j]));
		forget_complete(queue, thread);
	}
	print_complete(queue);
}

static void load_inside(struct queue *queue, const struct dump *dump, struct raw *ring)
{
	struct slot_walk walk = { 0 };
	struct slot_request request;

	while (slots_next_request(&walk, &dump->file, &request)) {
		if (request.record.op < LOCK_OPS)
			vec_push(&queue->inside,
				 (struct inside){ .request = request.record,
						  .in_ring = raw_holds(ring, request.position,
								       RECORD_REQUEST) });
	}
}

static void finish(struct queue *queue)
{
	for (uint32_t i = 0; i < queue->inside.count; i++) {
		const struct inside *inside = &queue->inside.items[i];

		if (!inside->in_ring)
			vec_push(&queue->lines,
				 (struct line){ .request = inside->request, .has_request = true });
	}
	for (uint32_t i = 0; i < queue->lines.count; i++) {
		if (!queue->lines.items[i].complete)
			give_up(queue, &queue->lines.items[i]);
	}
	print_complete(queue);
}

static bool is_call(const struct raw_record *record)
{
	return (record->kind == RECORD_REQUEST || record->kind == RECORD_RESULT) &&
	       record->lock.op < LOCK_OPS && !(record->lock.flags & FLAG_KEPT);
}

void dump_calls(struct dump *dump)
{
	struct queue queue = { .out = dump->out };
	struct raw_record record;
	struct raw ring;

	/* The ring's end is fixed first: what a slot has then is in progress at that end. */
	raw_open_ring(&ring, &dump->file);
	load_inside(&queue, dump, &ring);
	while (raw_next(&ring, &record)) {
		if (record.gap)
			continue;
		if (record.kind == RECORD_DEATH)
			take_death(&queue, record.call.process);
		else if (is_call(&record))
			take(&queue, &record.lock);
	}
	finish(&queue);
	raw_close(&ring);
	vec_free(&queue.inside);
	vec_free(&queue.lines);
	vec_free(&queue.threads);
	map_free(&queue.map);
}
