/* SPDX-License-Identifier: MIT */
#include "tests/unit/model_events.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct model *model;
unsigned requests_told;

static FILE *tell;
static char *text, *shown;
static size_t length;

/* ---- What the model says */

static const char *end_of(uint64_t end)
{
	static char buffer[24];

	if (end == END)
		return "END";
	snprintf(buffer, sizeof(buffer), "%" PRIu64, end);
	return buffer;
}

static char letter(enum mode mode)
{
	return mode == MODE_SHARED ? 'S' : mode == MODE_EXCLUSIVE ? 'X' : '?';
}

static void write_range(FILE *to, enum world world, enum mode mode, uint64_t start, uint64_t end)
{
	if (world == FLOCK_LOCKS)
		fprintf(to, "f%c", letter(mode));
	else
		fprintf(to, "%c%" PRIu64 "-%s", letter(mode), start, end_of(end));
}

static void write_holder(FILE *to, const struct hold *hold)
{
	fprintf(to, "%c", 'A' + (int)hold->process);
	if (hold->keeper != hold->process)
		fprintf(to, "(%c)", 'A' + (int)hold->keeper);
}

static void write_hold(FILE *to, const struct hold *hold)
{
	write_holder(to, hold);
	fputc(':', to);
	if (hold->world == RECORD_LOCKS && hold->ownership == OWNED_BY_DESCRIPTION)
		fputc('o', to);
	write_range(to, hold->world, hold->mode, hold->start, hold->end);
}

static void on_request(void *context, const struct request *request)
{
	(void)context;
	(void)request;
	requests_told++;
}

static void on_hold(void *context, const struct hold *hold)
{
	static const char *const names[] = {
		[HOLD_OPEN] = "open", [HOLD_RELEASED] = "released", [HOLD_CLOSED] = "closed",
		[HOLD_EXEC] = "exec", [HOLD_DIED] = "died",	    [HOLD_IMPLIED] = "implied",
	};

	(void)context;
	write_hold(tell, hold);
	fprintf(tell, " %" PRIu64 "..%" PRIu64 " %s\n", hold->granted, hold->released,
		names[hold->how]);
}

static void on_wait(void *context, const struct wait *wait)
{
	static const char *const names[] = {
		[OUTCOME_GRANTED] = "granted",	   [OUTCOME_FAILED] = "failed",
		[OUTCOME_ABANDONED] = "abandoned", [OUTCOME_DIED] = "died",
		[OUTCOME_WAITING] = "waiting",
	};

	(void)context;
	fprintf(tell, "%c waits ", 'A' + (int)wait->process);
	write_range(tell, wait->world, wait->mode, wait->start, wait->end);
	fprintf(tell, " %" PRIu64 "..%s%" PRIu64 " %s:", wait->begin, wait->at_most ? "<=" : "",
		wait->finish, names[wait->outcome]);
	for (uint32_t i = 0; i < wait->overlap_count; i++) {
		fputs(i ? ", " : " ", tell);
		write_holder(tell, &wait->overlaps[i].hold);
		fprintf(tell, " %" PRIu64 "..%" PRIu64, wait->overlaps[i].begin,
			wait->overlaps[i].end);
	}
	fputs(wait->holder_unknown ? " ?\n" : "\n", tell);
}

const char *told(void)
{
	fclose(tell);
	free(shown);
	shown = text;
	tell = open_memstream(&text, &length);
	return shown;
}

const char *held_on(uint32_t file)
{
	static char *last;
	struct hold holds[64];
	uint32_t count = model_holds(model, file, holds, 64);
	FILE *to;

	free(last);
	to = open_memstream(&last, &length);
	for (uint32_t i = 0; i < count && i < 64; i++) {
		if (i)
			fputc(' ', to);
		write_hold(to, &holds[i]);
	}
	fclose(to);
	return last;
}

void begin_model(void)
{
	static const struct model_callbacks callbacks = {
		.request = on_request,
		.hold = on_hold,
		.wait = on_wait,
	};

	model = model_new(&callbacks);
	tell = open_memstream(&text, &length);
	requests_told = 0;
}

void end_model(void)
{
	model_free(model);
	fclose(tell);
	free(text);
	free(shown);
	shown = NULL;
}

/* ---- Requests */

struct lock posix(uint32_t process, enum mode mode, uint64_t start, uint64_t end)
{
	return (struct lock){
		.process = process,
		.tid = PID(process),
		.fd = FD,
		.world = RECORD_LOCKS,
		.ownership = OWNED_BY_PROCESS,
		.mode = mode,
		.start = start,
		.end = end,
	};
}

struct lock ofd(uint32_t process, int32_t fd, enum mode mode, uint64_t start, uint64_t end)
{
	struct lock lock = posix(process, mode, start, end);

	lock.fd = fd;
	lock.ownership = OWNED_BY_DESCRIPTION;
	return lock;
}

struct lock whole(uint32_t process, int32_t fd, enum mode mode)
{
	struct lock lock = ofd(process, fd, mode, 0, END);

	lock.world = FLOCK_LOCKS;
	return lock;
}

struct lock waiting(struct lock lock)
{
	lock.wait = true;
	return lock;
}

struct lock by_thread(struct lock lock, uint32_t tid)
{
	lock.tid = tid;
	return lock;
}

struct lock at_fd(struct lock lock, int32_t fd)
{
	lock.fd = fd;
	return lock;
}

struct lock on_file(struct lock lock, uint32_t file)
{
	lock.file = file;
	return lock;
}

struct lock inherited(struct lock lock)
{
	lock.inherited = true;
	return lock;
}

static struct event lock_event(enum event_kind kind, uint64_t time, struct lock lock)
{
	return (struct event){
		.kind = kind,
		.time = time,
		.process = lock.process,
		.tid = lock.tid,
		.file = lock.file,
		.stack = NONE,
		.lock = {
			.op = (uint8_t)(lock.world * 4 + lock.ownership * 2 + lock.wait),
			.world = lock.world,
			.ownership = lock.ownership,
			.mode = lock.mode,
			.may_block = lock.wait && lock.mode != MODE_UNLOCK,
			.bad_range = lock.bad_range,
			.inherited = lock.inherited,
			.fd = lock.fd,
			.start = lock.start,
			.end = lock.end,
		},
	};
}

void ask(uint64_t time, struct lock lock)
{
	struct event event = lock_event(EVENT_REQUEST, time, lock);

	model_event(model, &event);
}

static void result(uint64_t begin, uint64_t end, struct lock lock, int error, bool has_request,
		   bool abandoned)
{
	struct event event = lock_event(EVENT_RESULT, begin, lock);

	event.lock.duration = end - begin;
	event.lock.error = error;
	event.lock.has_request = has_request;
	event.lock.abandoned = abandoned;
	model_event(model, &event);
}

void answer(uint64_t begin, uint64_t end, struct lock lock, int error)
{
	result(begin, end, lock, error, true, false);
}

void answer_alone(uint64_t begin, uint64_t end, struct lock lock, int error)
{
	result(begin, end, lock, error, false, false);
}

void abandon(uint64_t begin, uint64_t end, struct lock lock)
{
	result(begin, end, lock, 0, true, true);
}

void take(uint64_t time, struct lock lock)
{
	if (lock.mode == MODE_UNLOCK)
		ask(time, lock);
	else
		fail(time, lock, 0);
}

void fail(uint64_t time, struct lock lock, int error)
{
	if (lock.world == RECORD_LOCKS && lock.mode == MODE_EXCLUSIVE && !lock.wait) {
		answer_alone(time, time + 1, lock, error);
		return;
	}
	ask(time, lock);
	answer(time, time + 1, lock, error);
}

/* ---- Other calls */

static void call(enum event_kind kind, uint64_t time, uint32_t process, struct event event)
{
	event.kind = kind;
	event.time = time;
	event.process = process;
	event.tid = event.tid ? event.tid : (uint32_t)PID(process);
	event.stack = NONE;
	model_event(model, &event);
}

#define CALL(name, ...)                                                           \
	(struct event)                                                            \
	{                                                                         \
		.file = NONE, .call = {.call = name, .other = NONE, __VA_ARGS__ } \
	}

void closes(uint64_t time, uint32_t process, int32_t first, int32_t last, uint32_t file)
{
	struct event event = CALL(CLOSE_FDS, .fd = first, .last = last);

	event.file = file;
	call(EVENT_CALL, time, process, event);
}

void close_fails(uint64_t time, uint32_t process, int32_t first, int32_t last, int error)
{
	call(EVENT_CALL_RESULT, time, process,
	     CALL(CLOSE_FDS, .fd = first, .last = last, .error = error));
}

void dup_to(uint64_t time, uint32_t process, int32_t from, int32_t to)
{
	call(EVENT_CALL_RESULT, time, process, CALL(DUP_FD, .fd = from, .last = to));
}

void dup_over(uint64_t time, uint32_t process, int32_t from, int32_t to, uint32_t file)
{
	struct event event = CALL(DUP_FD, .fd = from, .last = to);

	event.file = file;
	call(EVENT_CALL, time, process, event);
}

void dup_fails(uint64_t time, uint32_t process, int32_t from, int32_t to, int error)
{
	call(EVENT_CALL_RESULT, time, process,
	     CALL(DUP_FD, .fd = from, .last = to, .error = error));
}

void cloexec(uint64_t time, uint32_t process, int32_t fd, bool on)
{
	call(EVENT_CALL_RESULT, time, process, CALL(SET_CLOEXEC, .fd = fd, .value = on));
}

void inherits(uint64_t time, uint32_t process, int32_t fd, uint32_t other)
{
	inherits_as(time, process, fd, other, fd);
}

void inherits_as(uint64_t time, uint32_t process, int32_t fd, uint32_t other, int32_t other_fd)
{
	struct event event = CALL(INHERITED_FD, .fd = fd, .last = other_fd);

	event.call.other = other;
	call(EVENT_CALL_RESULT, time, process, event);
}

static void kept(uint64_t time, struct lock lock, int32_t taker)
{
	struct event event = lock_event(EVENT_KEPT, time, lock);

	event.lock.taker = taker;
	model_event(model, &event);
}

void keeps(uint64_t time, struct lock lock)
{
	kept(time, lock, 0);
}

void keeps_of(uint64_t time, struct lock lock, uint32_t taker)
{
	kept(time, lock, PID(taker));
}

void forks(uint64_t time, uint32_t process)
{
	call(EVENT_CALL, time, process, CALL(FORK_CHILD, .fd = -1));
}

void forked(uint64_t time, uint32_t process, int64_t pid)
{
	call(EVENT_CALL_RESULT, time, process,
	     CALL(FORK_CHILD, .fd = -1, .value = pid, .error = pid < 0 ? 11 : 0));
}

void born(uint64_t time, enum birth birth, uint32_t process, uint32_t parent, uint64_t open_fds)
{
	struct event event = {
		.kind = EVENT_PROCESS,
		.time = time,
		.process = process,
		.tid = (uint32_t)PID(process),
		.file = NONE,
		.stack = NONE,
		.born = { .birth = birth, .parent = parent, .open_fds = open_fds },
	};

	model_event(model, &event);
}

void exits(uint64_t time, uint32_t process)
{
	call(EVENT_CALL, time, process, CALL(EXIT_PROCESS, .fd = -1));
}

void dies(uint64_t time, uint32_t process)
{
	call(EVENT_DEATH, time, process, (struct event){ .file = NONE });
}

void found_dead(uint64_t time, uint32_t process)
{
	call(EVENT_DEATH, time, process, (struct event){ .file = NONE, .death = { .late = true } });
}

void reaps(uint64_t time, uint32_t process, int64_t pid, int status)
{
	call(EVENT_CALL_RESULT, time, process,
	     CALL(WAIT_CHILD, .fd = -1, .last = status, .value = pid));
}

void other_call(uint64_t time, uint32_t process)
{
	call(EVENT_CALL, time, process, CALL(IOCTL, .fd = 0));
}

void loses(uint64_t time)
{
	call(EVENT_LOST, time, NONE, (struct event){ .file = NONE, .lost = { .records = 7 } });
}

void ends(uint64_t time)
{
	call(EVENT_END, time, NONE, (struct event){ .file = NONE });
}

void ends_unwatched(uint64_t time)
{
	call(EVENT_END, time, NONE, (struct event){ .file = NONE, .end = { .unwatched = true } });
}
