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

/* Lines have numbers, in the order of the calls. */
struct queue {
	FILE *out;
	VEC(struct line) lines; /* line n at n - base; those before `first` are printed */
	uint64_t base, first;
	VEC(uint64_t) open; /* lines that are not complete */
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
		memmove(queue->lines.items, queue->lines.items + printed,
			queue->lines.count * sizeof(*queue->lines.items));
		queue->base = queue->first;
	}
}

static void push(struct queue *queue, struct line line)
{
	if (!line.complete)
		vec_push(&queue->open, queue->base + queue->lines.count);
	vec_push(&queue->lines, line);
}

static bool is_unlock(const struct record_lock *request)
{
	return (request->flags & FLAG_MODE) == FLAG_UNLOCK;
}

static void succeed(struct line *line)
{
	line->result = line->request;
	line->result.kind = RECORD_RESULT;
	line->result.outcome = OUTCOME(0, 0);
	line->has_result = line->complete = true;
}

static bool same_thread(const struct record_lock *a, const struct record_lock *b)
{
	return a->process == b->process && a->tid == b->tid;
}

/* Takes complete lines off the list of open ones. */
static void forget_complete(struct queue *queue)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < queue->open.count; i++) {
		if (!line_at(queue, queue->open.items[i])->complete)
			queue->open.items[kept++] = queue->open.items[i];
	}
	queue->open.count = kept;
}

/*
 * The thread has gone on: an unlock of its that told nothing has succeeded. Returns the line of the
 * request that this record is the result of, NULL if there is none.
 */
static struct line *settle(struct queue *queue, const struct record_lock *next)
{
	struct line *found = NULL;

	for (uint32_t i = 0; i < queue->open.count; i++) {
		struct line *line = line_at(queue, queue->open.items[i]);

		if (!same_thread(&line->request, next))
			continue;
		if (line->request.time == next->time)
			found = line;
		else if (is_unlock(&line->request))
			succeed(line);
	}
	return found;
}

static void take(struct queue *queue, const struct record_lock *record)
{
	struct line *line = settle(queue, record);

	if (record->kind == RECORD_REQUEST) {
		push(queue, (struct line){ .request = *record, .has_request = true });
	} else if (line && record->flags & FLAG_HAS_REQUEST) {
		line->result = *record;
		line->has_result = line->complete = true;
	} else {
		push(queue,
		     (struct line){ .result = *record, .has_result = true, .complete = true });
	}
	forget_complete(queue);
	print_complete(queue);
}

/* What it was inside of, it never came back from. */
static void take_death(struct queue *queue, uint32_t process)
{
	for (uint32_t i = 0; i < queue->open.count; i++) {
		struct line *line = line_at(queue, queue->open.items[i]);

		if (line->request.process == process)
			line->complete = true;
	}
	forget_complete(queue);
	print_complete(queue);
}

/* At the end: requests in progress stay without result; other unlocks have succeeded. */
static void take_pending(struct queue *queue, const struct dump *dump)
{
	struct slot_walk walk = { 0 };
	struct slot_request request;

	while (slots_next_request(&walk, &dump->file, &request)) {
		const struct record_lock *record = &request.record;
		bool known = request.position;

		for (uint32_t i = 0; i < queue->open.count; i++) {
			struct line *line = line_at(queue, queue->open.items[i]);

			if (!same_thread(&line->request, record) ||
			    line->request.time != record->time)
				continue;
			known = line->complete = true;
		}
		if (!known && record->op < LOCK_OPS)
			push(queue, (struct line){ .request = *record,
						   .has_request = true,
						   .complete = true });
	}
	for (uint32_t i = 0; i < queue->open.count; i++) {
		struct line *line = line_at(queue, queue->open.items[i]);

		if (!line->complete && is_unlock(&line->request))
			succeed(line);
		line->complete = true;
	}
	print_complete(queue);
}

void dump_calls(struct dump *dump)
{
	struct queue queue = { .out = dump->out };
	struct raw_record record;
	struct raw ring;

	raw_open_ring(&ring, &dump->file);
	while (raw_next(&ring, &record)) {
		if (!record.gap &&
		    (record.kind == RECORD_REQUEST || record.kind == RECORD_RESULT) &&
		    record.lock.op < LOCK_OPS)
			take(&queue, &record.lock);
		else if (!record.gap && record.kind == RECORD_DEATH)
			take_death(&queue, record.call.process);
	}
	take_pending(&queue, dump);
	raw_close(&ring);
	vec_free(&queue.lines);
	vec_free(&queue.open);
}
