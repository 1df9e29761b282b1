/* SPDX-License-Identifier: MIT */
#include "preload/request.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "preload/arch.h"
#include "preload/clock.h"
#include "preload/emit.h"
#include "preload/process.h"
#include "preload/signals.h"

#define whence_of(flags) (((flags)&FLAG_WHENCE) >> FLAG_WHENCE_SHIFT)

static const enum lock_action actions[] = {
#define X(id, call, command, world, owner, action) ACTION_##action,
#include "trace/lock_ops.def"
#undef X
};

/* ---- The range */

/* What whence counts from. Another thread may move it before the kernel looks: the same race that
 * the host has. */
static bool find_base(int fd, unsigned whence, uint64_t *base)
{
	struct stat status;
	long position;

	*base = 0;
	if (whence == SEEK_SET)
		return true;
	if (whence == SEEK_CUR) {
		position = raw3(SYS_lseek, fd, 0, SEEK_CUR);
		*base = position >= 0 ? (uint64_t)position : 0;
		return position >= 0;
	}
	if (raw2(SYS_fstat, fd, &status))
		return false;
	*base = (uint64_t)status.st_size;
	return true;
}

static void resolve_range(struct request *request, const struct asked *asked)
{
	struct record_lock *record = &request->record;

	if (record->op == OP_FLOCK) {
		request->lock.range = (struct range){ 0, RANGE_EOF };
		return;
	}
	if (record->flags & (FLAG_BAD_RANGE | FLAG_RAW_MODE))
		return;
	if (!find_base(asked->fd, whence_of(record->flags), &record->base)) {
		record->flags |= FLAG_BASE_UNKNOWN;
		if (!may_ask())
			recorder_count(&recorder.session->lost_unseen);
	} else if (!range_from_flock((int64_t)record->base, asked->start, asked->len,
				     &request->lock.range))
		record->flags |= FLAG_BAD_RANGE;
}

/* ---- The slot */

/* Anybody may have written over it. */
static uint32_t depth_of(const struct thread_slot *slot)
{
	uint32_t depth = atomic_load_explicit(&slot->depth, memory_order_relaxed);

	return depth < NEST_MAX ? depth : NEST_MAX;
}

static void emit_abandoned(const struct thread *thread, uint32_t index)
{
	uint64_t payload[PAYLOAD_WORDS];
	struct record_lock record;
	struct range range;

	if (!cell_read(&thread->slot->request[index],
		       atomic_load_explicit(&thread->slot->position[index], memory_order_relaxed),
		       payload))
		return;
	memcpy(&record, payload, sizeof(record));
	if (record.op == OP_FLOCK || !range_from_flock((int64_t)record.base, (int64_t)record.start,
						       (int64_t)record.len_or_end, &range))
		range = (struct range){ 0, RANGE_EOF };
	record.kind = RECORD_RESULT;
	record.start = range.start;
	record.len_or_end = range.end;
	record.flags =
		(uint16_t)((record.flags & ~FLAG_WHENCE) | FLAG_ABANDONED | FLAG_HAS_REQUEST);
	record.outcome = OUTCOME(clock_monotonic() - record.time, 0);
	emit(&record);
}

static void abandon(struct thread *thread, uint32_t from)
{
	uint32_t depth = depth_of(thread->slot);

	while (depth > from) {
		emit_abandoned(thread, --depth);
		atomic_store_explicit(&thread->slot->depth, depth, memory_order_release);
	}
}

void request_abandon_all(struct thread *thread)
{
	abandon(thread, 0);
}

/*
 * The thread seems to be inside a request already. Either a signal handler interrupted that, or the
 * call was left by siglongjmp: then its frame is gone, and ours is above it, or it was on the
 * signal stack and ours isn't. On a signal stack addresses say nothing, so there it counts as
 * interrupted.
 */
static void drop_left_requests(struct thread *thread, uintptr_t frame)
{
	uint32_t depth = depth_of(thread->slot);
	stack_t signals;
	bool inside = on_signal_stack(&signals) || is_on_stack(&thread->disarming, frame);

	while (depth && !inside &&
	       (thread->frame[depth - 1] <= frame ||
		is_on_stack(&signals, thread->frame[depth - 1])))
		depth--;
	abandon(thread, depth);
}

#define NOT_IN_SLOT NEST_MAX

/*
 * In an order that lets a handler come at any moment: first no checksum fits, then the place is
 * taken, then the request is there.
 */
static void slot_enter(struct request *request, uint64_t position, uint64_t sum, uintptr_t frame)
{
	struct thread_slot *slot = request->thread->slot;
	uint32_t index = atomic_load_explicit(&slot->depth, memory_order_relaxed);

	request->index = NOT_IN_SLOT;
	if (unlikely(index >= NEST_MAX)) {
		recorder_count(&recorder.session->lost_nested);
		return;
	}
	atomic_store_explicit(&slot->position[index], UINT64_MAX, memory_order_relaxed);
	request->thread->frame[index] = frame;
	atomic_store_explicit(&slot->depth, index + 1, memory_order_release);
	cell_write_summed(&slot->request[index], request->word, sum);
	atomic_store_explicit(&slot->position[index], position, memory_order_release);
	request->index = index;
}

static void slot_leave(const struct request *request)
{
	if (likely(request->index != NOT_IN_SLOT))
		atomic_store_explicit(&request->thread->slot->depth, request->index,
				      memory_order_release);
}

/* ---- Around the call
 * ------------------------------------------------------------------------------------------ */

/* What may block or weaken a lock, and what one cell can't tell, is in the ring before the kernel
 * is entered. */
static bool goes_first(const struct request *request)
{
	const struct record_lock *record = &request->record;

	return record->op == OP_FLOCK || actions[record->op] != ACTION_SET ||
	       (record->flags & FLAG_MODE) != FLAG_EXCLUSIVE ||
	       whence_of(record->flags) != SEEK_SET ||
	       record->flags & (FLAG_BAD_RANGE | FLAG_RAW_MODE) ||
	       /* a range alone cannot tell a len that reaches EOF from 0 */
	       (request->lock.range.end == RANGE_EOF && record->len_or_end);
}

/* The struct may be a good one, but that can't be asked. */
static bool hides_its_range(const struct asked *asked)
{
	return asked->flags & FLAG_RAW_MODE && asked->raw_mode == UINT64_MAX && !may_ask();
}

/* Who asks whether an unlock would be granted (F_GETLK with F_UNLCK, EINVAL) unlocks nothing. */
static bool weakens(const struct record_lock *record)
{
	return actions[record->op] != ACTION_QUERY &&
	       ((record->flags & FLAG_MODE) == FLAG_UNLOCK || record->op == OP_FLOCK);
}

void request_begin(struct request *request, const struct asked *asked, struct site site)
{
	struct thread *thread = thread_current();
	const struct record_lock *record = &request->record;
	uint64_t position = 0, sum, time;
	struct lock *lock = &request->lock;
	reference stack;
	uint16_t flags;

	request->thread = NULL;
	if (unlikely(!thread) || unlikely(hides_its_range(asked))) {
		recorder_count(&recorder.session->lost_unseen);
		return;
	}
	if (unlikely(atomic_load_explicit(&thread->slot->depth, memory_order_relaxed)))
		drop_left_requests(thread, site.frame);
	process_refresh();
	stack = stack_capture(thread, site);
	time = ticker_now(&thread->ticker);
	file_of(&lock->file, asked->fd, time);
	if (unlikely(lock->file.asked)) /* our own questions are no part of the call */
		time = ticker_now(&thread->ticker);
	if (unlikely(lock->file.step_aside)) {
		recorder_count(&recorder.session->lost_unseen);
		return;
	}
	lock->op = asked->op;
	lock->mode = asked->flags & FLAG_MODE;
	lock->fd = asked->fd;
	lock->range = (struct range){ 0, 0 };
	flags = asked->flags | (lock->file.inherited ? FLAG_INHERITED : 0) |
		(!stack && recorder.stack_depth ? FLAG_NO_STACK : 0);
	/* Whole words, as they are written and read again: the fields of struct record_lock. */
	request->word[0] = RECORD_REQUEST | (uint64_t)asked->op << 8 | (uint64_t)flags << 16 |
			   (uint64_t)recorder.process << 32;
	request->word[1] = thread->tid | (uint64_t)(uint32_t)asked->fd << 32;
	request->word[2] = time;
	request->word[3] = lock->file.name | (uint64_t)stack << 32;
	request->word[4] = (uint64_t)asked->start;
	request->word[5] = (uint64_t)asked->len;
	request->word[6] = asked->raw_mode;
	resolve_range(request, asked);
	request->thread = thread;
	request->in_ring = goes_first(request);
	if (weakens(record) &&
	    !(record->flags & (FLAG_BAD_RANGE | FLAG_BASE_UNKNOWN | FLAG_RAW_MODE)))
		grants_release(lock);
	if (request->in_ring)
		position = emit_take();
	sum = cell_checksum(position, request->word);
	if (request->in_ring)
		emit_at(position, request->word, sum);
	slot_enter(request, position, sum, site.frame);
}

/* A failed unlock told something; so did whatever may grant, or be refused. */
static bool has_news(const struct request *request, int error)
{
	return error || (request->record.flags & FLAG_MODE) != FLAG_UNLOCK ||
	       actions[request->record.op] == ACTION_QUERY;
}

static void note_grant(const struct request *request, uint64_t now)
{
	const struct record_lock *record = &request->record;

	if ((record->flags & FLAG_MODE) == FLAG_UNLOCK || actions[record->op] == ACTION_QUERY ||
	    !record->file || record->flags & (FLAG_BAD_RANGE | FLAG_BASE_UNKNOWN | FLAG_RAW_MODE))
		return;
	grants_add(&request->lock, record->tid, now, record->stack);
}

/*
 * A slow wait goes to the slow ring too, with all that it refers to, so that fast traffic can't
 * flush it. `site` has gone by now, so the stack is walked from here: the same frames, since the
 * hook has not returned.
 */
static void keep_slow(struct thread *thread, const struct record_lock *request,
		      const struct record_lock *result)
{
	struct record_lock first = *request, last = *result;

	if (!recorder.slow_mask)
		return;
	process_announce_slow();
	first.file = last.file = file_announce_slow(first.fd);
	first.stack = last.stack = stack_announce_slow(thread, (struct site){ 0 });
	emit_slow(&first);
	emit_slow(&last);
}

/* What the RESULT says instead of what the REQUEST said; kind, op and process stay word 0. */
static void make_result(struct request *request, uint64_t duration, int error,
			const struct answer *answer)
{
	uint16_t flags = request->record.flags & (uint16_t)~FLAG_WHENCE;
	struct range range = request->lock.range;
	int32_t fd = request->lock.fd;

	if (request->in_ring)
		flags |= FLAG_HAS_REQUEST;
	else if ((int64_t)request->word[5] < 0)
		flags |= FLAG_NEGATIVE;
	if (answer && answer->mode) {
		flags = (uint16_t)((flags & ~FLAG_MODE) | answer->mode | FLAG_BLOCKER);
		fd = answer->pid;
		range = answer->range;
	}
	request->word[0] = (request->word[0] & UINT64_C(0xffffffff0000ff00)) | RECORD_RESULT |
			   (uint64_t)flags << 16;
	request->word[1] = (uint32_t)request->word[1] | (uint64_t)(uint32_t)fd << 32;
	request->word[4] = range.start;
	request->word[5] = range.end;
	request->word[6] = OUTCOME(duration, error);
}

void request_end(struct request *request, int error, const struct answer *answer)
{
	uint64_t now, duration;
	struct record_lock first;

	if (unlikely(!request->thread))
		return;
	if (!has_news(request, error)) {
		slot_leave(request);
		return;
	}
	now = ticker_now(&request->thread->ticker);
	duration = now > request->word[2] ? now - request->word[2] : 0;
	if (!error)
		note_grant(request, now);
	if (likely(duration < recorder.slow_ns)) {
		make_result(request, duration, error, answer);
		emit_words(request->word);
		slot_leave(request);
		return;
	}
	first = request->record;
	make_result(request, duration, error, answer);
	emit_words(request->word);
	slot_leave(request);
	if (actions[first.op] == ACTION_WAIT)
		keep_slow(request->thread, &first, &request->record);
}
