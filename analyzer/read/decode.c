/* SPDX-License-Identifier: MIT */
#include "analyzer/read/decode.h"

#include <limits.h>

#include "analyzer/base/system_calls.h"
#include "trace/names.h"
#include "trace/range.h"

#define CLOSE_RANGE_SETS_CLOEXEC 4 /* CLOSE_RANGE_CLOEXEC of linux/close_range.h */

static_assert(RANGE_EOF == RANGE_TO_EOF, "the end of file is one number");

static const enum world worlds[] = {
	[WORLD_RECORD] = RECORD_LOCKS,
	[WORLD_FLOCK] = FLOCK_LOCKS,
};

static const enum ownership ownerships[] = {
	[OWNER_PROCESS] = OWNED_BY_PROCESS,
	[OWNER_DESCRIPTION] = OWNED_BY_DESCRIPTION,
};

static const enum mode modes[] = {
	[0] = MODE_NONE,
	[FLAG_SHARED] = MODE_SHARED,
	[FLAG_EXCLUSIVE] = MODE_EXCLUSIVE,
	[FLAG_UNLOCK] = MODE_UNLOCK,
};

static const enum call calls[CALL_OPS] = {
	[CALL_CLOSE] = CLOSE_FDS,     [CALL_FCLOSE] = CLOSE_FDS,     [CALL_FREOPEN] = CLOSE_FDS,
	[CALL_PCLOSE] = CLOSE_FDS,    [CALL_CLOSEDIR] = CLOSE_FDS,   [CALL_CLOSE_RANGE] = CLOSE_FDS,
	[CALL_CLOSEFROM] = CLOSE_FDS, [CALL_DUP] = DUP_FD,	     [CALL_DUP2] = DUP_FD,
	[CALL_SETFD] = SET_CLOEXEC,   [CALL_INHERIT] = INHERITED_FD, [CALL_FORK] = FORK_CHILD,
	[CALL_EXIT] = EXIT_PROCESS,   [CALL_WAIT] = WAIT_CHILD,	     [CALL_TIMER] = ARM_TIMER,
	[CALL_IOCTL] = IOCTL,
};

bool decode_lock_op(struct event *event, uint8_t op, uint16_t flags)
{
	const struct lock_op_info *info;

	if (op >= LOCK_OPS)
		return false;
	info = &lock_ops[op];
	event->lock.op = op;
	event->lock.world = worlds[info->world];
	event->lock.ownership = ownerships[info->owner];
	event->lock.mode = modes[flags & FLAG_MODE];
	event->lock.query = info->action == ACTION_QUERY;
	event->lock.may_block = info->action == ACTION_WAIT && !(flags & FLAG_NONBLOCK) &&
				event->lock.mode != MODE_UNLOCK;
	return true;
}

static void find_names(const struct names *names, reference file, reference stack,
		       struct decode_counts *counts, struct event *event)
{
	event->file = references_find(&names->references, file, event->position, RECORD_FILE);
	event->stack = references_find(&names->references, stack, event->position, RECORD_STACK);
	counts->unresolved_files += file && event->file == NONE;
	counts->unresolved_stacks += stack && event->stack == NONE;
}

/* The range that the raw numbers stand for. */
static void request_range(const struct record_lock *record, struct event *event)
{
	struct range range;

	if (event->lock.bad_range)
		return;
	if (event->lock.world == FLOCK_LOCKS) {
		event->lock.end = RANGE_TO_EOF;
	} else if (range_from_flock((int64_t)record->base, (int64_t)record->start,
				    (int64_t)record->len_or_end, &range)) {
		event->lock.start = range.start;
		event->lock.end = range.end;
	} else {
		event->lock.bad_range = true;
	}
}

static void decode_request(const struct record_lock *record, struct event *event)
{
	event->lock.whence = (record->flags & FLAG_WHENCE) >> FLAG_WHENCE_SHIFT;
	event->lock.raw_start = (int64_t)record->start;
	event->lock.raw_len = (int64_t)record->len_or_end;
	if (!(record->flags & FLAG_RAW_MODE))
		event->lock.base = (int64_t)record->base;
	request_range(record, event);
}

/* Raw numbers that the call could have had: a result alone was made with SEEK_SET. */
static void raw_numbers(uint64_t start, uint64_t end, bool negative, struct event *event)
{
	if (negative) {
		event->lock.raw_start = (int64_t)end;
		event->lock.raw_len = (int64_t)(start - end);
	} else {
		event->lock.raw_start = (int64_t)start;
		event->lock.raw_len = end == RANGE_EOF ? 0 : (int64_t)(end - start);
	}
}

static void decode_outcome(const struct record_lock *record, struct event *event)
{
	uint64_t number = OUTCOME_DURATION(record->outcome);

	if (record->flags & FLAG_KEPT) {
		event->lock.taker = number <= INT32_MAX ? (int32_t)number : 0;
		return;
	}
	event->lock.duration = number;
	event->lock.error = OUTCOME_ERRNO(record->outcome);
}

static void decode_result(const struct record_lock *record, struct event *event)
{
	uint64_t start = record->start, end = record->len_or_end;

	event->lock.has_request = record->flags & FLAG_HAS_REQUEST;
	event->lock.abandoned = record->flags & FLAG_ABANDONED;
	event->lock.blocker = record->flags & FLAG_BLOCKER;
	decode_outcome(record, event);
	if (event->lock.bad_range) {
		event->lock.raw_start = (int64_t)start;
		event->lock.raw_len = (int64_t)end;
		return;
	}
	if (event->lock.world == FLOCK_LOCKS) {
		start = 0;
		end = RANGE_EOF;
	}
	if (start >= end || end > RANGE_EOF) {
		event->lock.bad_range = true;
		return;
	}
	event->lock.start = start;
	event->lock.end = end;
	raw_numbers(start, end, record->flags & FLAG_NEGATIVE, event);
}

static bool decode_lock(struct intern *intern, const struct names *names,
			const struct record_lock *record, struct decode_counts *counts,
			struct event *event)
{
	const uint16_t no_range = FLAG_BAD_RANGE | FLAG_BASE_UNKNOWN | FLAG_RAW_MODE;

	if (!decode_lock_op(event, record->op, record->flags))
		return false;
	event->time = record->time;
	event->process = intern_process(intern, record->process);
	event->tid = record->tid;
	find_names(names, record->file, record->stack, counts, event);
	event->lock.fd = record->fd;
	event->lock.bad_range = record->flags & no_range;
	event->lock.inherited = record->flags & FLAG_INHERITED;
	if (record->kind == RECORD_REQUEST)
		decode_request(record, event);
	else
		decode_result(record, event);
	return true;
}

/* close_range(2) counts its descriptors unsigned, up to UINT_MAX. */
static int32_t clamp_fd(int32_t fd)
{
	return fd < 0 ? INT_MAX : fd;
}

static void decode_fds(struct intern *intern, const struct record_call *record, struct event *event)
{
	event->call.fd = record->fd;
	event->call.last = record->last;
	switch ((enum call_op)record->op) {
	case CALL_CLOSE:
	case CALL_FCLOSE:
	case CALL_FREOPEN:
	case CALL_PCLOSE:
	case CALL_CLOSEDIR:
		event->call.last = record->fd;
		break;
	case CALL_CLOSE_RANGE:
		event->call.fd = clamp_fd(record->fd);
		event->call.last = clamp_fd(record->last);
		if (record->value & CLOSE_RANGE_SETS_CLOEXEC)
			event->call.call = CLOEXEC_FDS;
		break;
	case CALL_CLOSEFROM:
		event->call.fd = record->fd < 0 ? 0 : record->fd;
		event->call.last = INT_MAX;
		break;
	case CALL_INHERIT:
		event->call.other = intern_process(intern, (uint32_t)record->value);
		break;
	case CALL_DUP2: /* twice the same fd: what dup2 closes there first, or could not */
		if (record->fd == record->last)
			event->call.call = CLOSE_FDS;
		break;
	case CALL_DUP:
	case CALL_SETFD:
	case CALL_FORK:
	case CALL_EXIT:
	case CALL_WAIT:
	case CALL_TIMER:
	case CALL_IOCTL:
	case CALL_OPS:
		break;
	}
}

static bool decode_call(struct intern *intern, const struct names *names,
			const struct record_call *record, struct decode_counts *counts,
			struct event *event)
{
	if (record->op >= CALL_OPS)
		return false;
	event->time = record->time;
	event->process = intern_process(intern, record->process);
	event->tid = record->tid;
	find_names(names, record->file, record->stack, counts, event);
	event->call.call = calls[record->op];
	event->call.op = record->op;
	event->call.value = record->value;
	event->call.other = NONE;
	decode_fds(intern, record, event);
	if (record->kind == RECORD_CALL_RESULT) {
		event->call.duration = OUTCOME_DURATION(record->outcome);
		event->call.error = OUTCOME_ERRNO(record->outcome);
	}
	return true;
}

static bool decode_verdict(struct intern *intern, const struct record_verdict *record,
			   struct event *event)
{
	if (record->verdict < SEEN_CERTAIN || record->verdict > SEEN_LIVELOCK ||
	    record->wait < SEEN_WAIT_LOCK || record->wait > SEEN_WAIT_PIPE || !record->number)
		return false;
	event->time = record->time;
	event->process = intern_process(intern, record->process);
	event->tid = record->tid;
	event->seen.verdict = (enum verdict)(record->verdict - SEEN_CERTAIN);
	event->seen.waits_for = (enum verdict_wait)(record->wait - SEEN_WAIT_LOCK);
	event->seen.other = intern_process(intern, record->other);
	event->seen.number = record->number;
	event->seen.index = record->index;
	event->seen.count = record->count;
	event->seen.cycle = record->cycle;
	event->seen.since = record->since;
	return event->process != NONE;
}

static bool decode_doing(struct intern *intern, const struct names *names,
			 const struct record_doing *record, struct decode_counts *counts,
			 struct event *event)
{
	bool known = record->machine == SYSTEM_CALLS_MACHINE && record->call != NO_SYSTEM_CALL;

	if (record->state < SEEN_RUNNING || record->state > SEEN_WAITING ||
	    record->op >= LOCK_OPS || record->since > record->time ||
	    record->start >= record->end || record->end > RANGE_EOF || !record->looks)
		return false;
	event->time = record->time;
	event->process = intern_process(intern, record->process);
	event->tid = record->tid;
	find_names(names, record->file, 0, counts, event);
	event->doing.doing = (enum doing)(record->state - SEEN_RUNNING);
	event->doing.call = known ? record->call : CALL_UNKNOWN;
	event->doing.looks = record->looks;
	event->doing.world = worlds[lock_ops[record->op].world];
	event->doing.start = record->start;
	event->doing.end = record->end;
	event->doing.since = record->since;
	return event->process != NONE;
}

static bool decode_stuck(struct intern *intern, const struct names *names,
			 const struct record_stuck *record, struct decode_counts *counts,
			 struct event *event)
{
	if (record->reason < SEEN_STUCK_STOPPED || record->reason > SEEN_STUCK_CIRCLE ||
	    record->op >= LOCK_OPS || record->since > record->time ||
	    record->start >= record->end || record->end > RANGE_EOF)
		return false;
	if (record->reason == SEEN_STUCK_CIRCLE && (!record->holder || record->holder > INT32_MAX))
		return false;
	event->time = record->time;
	event->process = intern_process(intern, record->process);
	event->tid = record->tid;
	find_names(names, record->file, 0, counts, event);
	event->stuck.why = (enum stuck)(record->reason - SEEN_STUCK_STOPPED);
	if (record->reason == SEEN_STUCK_CIRCLE) {
		event->stuck.holder = NONE;
		event->stuck.outsider = (int32_t)record->holder;
	} else {
		event->stuck.holder = intern_process(intern, record->holder);
	}
	event->stuck.fd = record->fd;
	event->stuck.world = worlds[lock_ops[record->op].world];
	event->stuck.start = record->start;
	event->stuck.end = record->end;
	event->stuck.since = record->since;
	return event->process != NONE;
}

bool decode(struct intern *intern, const struct names *names, const struct raw_record *record,
	    struct decode_counts *counts, struct event *event)
{
	*event = (struct event){ .position = record->position, .file = NONE, .stack = NONE };
	switch ((enum record_kind)record->kind) {
	case RECORD_REQUEST:
		event->kind = EVENT_REQUEST;
		return decode_lock(intern, names, &record->lock, counts, event);
	case RECORD_RESULT:
		event->kind = record->lock.flags & FLAG_KEPT ? EVENT_KEPT : EVENT_RESULT;
		return decode_lock(intern, names, &record->lock, counts, event);
	case RECORD_CALL:
		event->kind = EVENT_CALL;
		return decode_call(intern, names, &record->call, counts, event);
	case RECORD_CALL_RESULT:
		event->kind = EVENT_CALL_RESULT;
		return decode_call(intern, names, &record->call, counts, event);
	case RECORD_DEATH:
		event->kind = EVENT_DEATH;
		event->time = record->call.time;
		event->process = intern_process(intern, record->call.process);
		event->tid = record->call.tid;
		return event->process != NONE;
	case RECORD_VERDICT:
		event->kind = EVENT_VERDICT;
		return decode_verdict(intern, &record->verdict, event);
	case RECORD_DOING:
		event->kind = EVENT_DOING;
		return decode_doing(intern, names, &record->doing, counts, event);
	case RECORD_STUCK:
		event->kind = EVENT_STUCK;
		return decode_stuck(intern, names, &record->stuck, counts, event);
	case RECORD_NONE:
	case RECORD_CONTINUED:
	case RECORD_PROCESS:
	case RECORD_FILE:
	case RECORD_MODULE:
	case RECORD_STACK:
	case RECORD_UNTRACED:
	case RECORD_RUN:
		break;
	}
	return false;
}
