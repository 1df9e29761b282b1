/* SPDX-License-Identifier: MIT */
#include "analyzer/live/tries.h"

#include <errno.h>
#include <string.h>

#include "trace/names.h"

#define TRIES_NEEDED  3
#define PATIENCE      UINT64_C(1000000000) /* who tries later than this, and 10 gaps, begins anew */
#define GAPS_PATIENCE 10
#define FRESH	      UINT64_C(500000000) /* who hasn't tried for this, and 4 gaps, may have given up */
#define GAPS_FRESH    4

struct thread_key {
	const struct tries *tries;
	uint32_t process, tid;
};

static bool same_thread(const void *context, uint32_t index)
{
	const struct thread_key *key = context;
	const struct slot_wait *wait = &key->tries->vec.items[index].wait;

	return wait->process == key->process && wait->tid == key->tid;
}

static struct try_series *series_of(const struct tries *tries, uint32_t process, uint32_t tid)
{
	struct thread_key key = { tries, process, tid };
	uint32_t at = map_peek(&tries->by_thread, hash_u64(process, tid), same_thread, &key);

	return at == MAP_NEW ? NULL : &tries->vec.items[at];
}

static uint64_t at_least(uint64_t least, uint64_t gaps, const struct try_series *series)
{
	uint64_t all = series->last - series->wait.time;

	if (series->tries > 1 && gaps * all / (series->tries - 1) > least)
		return gaps * all / (series->tries - 1);
	return least;
}

static bool is_over(const struct try_series *series, uint64_t now)
{
	return !series->tries || now > series->last + at_least(PATIENCE, GAPS_PATIENCE, series);
}

static void insert(struct tries *tries, const struct try_series *series)
{
	struct thread_key key = { tries, series->wait.process, series->wait.tid };
	uint32_t *at =
		map_find(&tries->by_thread, hash_u64(key.process, key.tid), same_thread, &key);

	if (*at == MAP_NEW) {
		*at = tries->vec.count;
		vec_push(&tries->vec, *series);
		return;
	}
	tries->vec.items[*at] = *series;
}

/* Threads come and go. */
static void take_out_those_over(struct tries *tries, uint64_t now)
{
	struct tries left = { 0 };

	if (tries->vec.count < 2 * tries->kept + 64)
		return;
	for (uint32_t i = 0; i < tries->vec.count; i++)
		if (!is_over(&tries->vec.items[i], now))
			insert(&left, &tries->vec.items[i]);
	left.kept = left.vec.count;
	tries_free(tries);
	*tries = left;
}

static bool is_try(const struct record_lock *record)
{
	return lock_ops[record->op].action == ACTION_SET || record->flags & FLAG_NONBLOCK;
}

static struct try_series begin(const struct record_lock *record, uint64_t position,
			       const struct file_name *file)
{
	bool flock = op_is_flock(record->op);

	return (struct try_series){
		.wait = { .position = position,
			  .time = record->time,
			  .process = record->process,
			  .tid = record->tid,
			  .slot = NO_SLOT,
			  .file = record->file,
			  .start = flock ? 0 : record->start,
			  .end = flock ? RANGE_EOF : record->len_or_end,
			  .fd = record->fd,
			  .op = record->op,
			  .mode = record->flags & FLAG_MODE },
		.file = *file,
	};
}

static bool same_file(const struct try_series *a, const struct try_series *b)
{
	return a->file.device == b->file.device && a->file.inode == b->file.inode &&
	       op_is_flock(a->wait.op) == op_is_flock(b->wait.op) &&
	       op_is_posix(a->wait.op) == op_is_posix(b->wait.op);
}

static bool same_lock(const struct try_series *a, const struct try_series *b)
{
	return same_file(a, b) && a->wait.start == b->wait.start && a->wait.end == b->wait.end &&
	       a->wait.mode == b->wait.mode;
}

static bool gets(const struct try_series *got, const struct try_series *wanted)
{
	return same_file(got, wanted) && got->wait.start <= wanted->wait.start &&
	       got->wait.end >= wanted->wait.end &&
	       (got->wait.mode == FLAG_EXCLUSIVE || wanted->wait.mode == FLAG_SHARED);
}

static void fail(struct tries *tries, struct try_series *now, uint64_t end)
{
	struct try_series *series = series_of(tries, now->wait.process, now->wait.tid);

	if (series && same_lock(series, now) && !is_over(series, now->wait.time)) {
		/* Files may be announced again, and opened anew for each try. */
		series->wait.file = now->wait.file;
		series->wait.fd = now->wait.fd;
		series->tries++;
		series->last = end;
		return;
	}
	now->tries = 1;
	now->last = end;
	take_out_those_over(tries, now->wait.time);
	insert(tries, now);
}

void tries_record(struct tries *tries, const struct file_names *names, uint64_t position,
		  const uint64_t *payload)
{
	const struct file_name *file;
	struct try_series now, *series;
	struct record_lock record;
	bool failed;
	int error;

	memcpy(&record, payload, sizeof(record));
	error = OUTCOME_ERRNO(record.outcome);
	failed = error == EAGAIN || error == EACCES;
	if ((error && !failed) || (!failed && !tries->vec.count) || record.op >= LOCK_OPS ||
	    lock_ops[record.op].action == ACTION_QUERY ||
	    record.flags & (FLAG_BAD_RANGE | FLAG_RAW_MODE | FLAG_KEPT) ||
	    (record.flags & FLAG_MODE) == FLAG_UNLOCK)
		return;
	file = file_names_find(names, record.file);
	if (!file)
		return;
	now = begin(&record, position, file);
	if (failed && is_try(&record)) {
		fail(tries, &now, record.time + OUTCOME_DURATION(record.outcome));
		return;
	}
	series = series_of(tries, record.process, record.tid);
	if (!failed && series && gets(&now, series))
		series->tries = 0;
}

static bool goes_on(const struct try_series *series, uint64_t now)
{
	return series->tries >= TRIES_NEEDED &&
	       now <= series->last + at_least(FRESH, GAPS_FRESH, series);
}

void tries_waits(const struct tries *tries, uint64_t now, struct slot_waits *waits)
{
	for (uint32_t i = 0; i < tries->vec.count; i++) {
		const struct try_series *series = &tries->vec.items[i];

		if (goes_on(series, now) && series->last - series->wait.time >= TRIED_NS)
			vec_push(&waits->vec, series->wait);
	}
}

bool tries_go_on(const struct tries *tries, const struct slot_wait *wait, uint64_t now)
{
	const struct try_series *series = series_of(tries, wait->process, wait->tid);

	return series && series->wait.position == wait->position && goes_on(series, now);
}

void tries_free(struct tries *tries)
{
	vec_free(&tries->vec);
	map_free(&tries->by_thread);
}
