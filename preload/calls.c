/* SPDX-License-Identifier: MIT */
#include "preload/calls.h"

#include <errno.h>
#include <limits.h>

#include "preload/arch.h"
#include "preload/clock.h"
#include "preload/emit.h"
#include "preload/file.h"
#include "preload/grants.h"
#include "preload/inherit.h"
#include "preload/lifecycle.h"
#include "preload/twins.h"

/* A record of this process and thread, now. A thread that has never locked gets no slot for it. */
static struct record_call new_record(uint8_t kind, uint8_t op, int fd)
{
	struct thread *thread = thread_if_made();

	process_refresh();
	return (struct record_call){
		.kind = kind,
		.op = op,
		.process = recorder.process,
		.tid = thread ? thread->tid : thread_ask_tid(),
		.fd = fd,
		.time = clock_monotonic(),
	};
}

static void begin(struct call *call, struct record_call record)
{
	call->record = record;
	call->recorded = true;
	emit(&record);
}

static void end(struct call *call, int error)
{
	call->record.kind = RECORD_CALL_RESULT;
	call->record.outcome = OUTCOME(clock_monotonic() - call->record.time, error);
	emit(&call->record);
}

/* ---- Closing */

bool call_close_matters(void)
{
	return atomic_load_explicit(&recorder.state, memory_order_acquire) == RECORDER_ON &&
	       (atomic_load_explicit(&recorder.slot->watch, memory_order_relaxed) ||
		grants_any_posix());
}

static reference name_of(int fd, uint64_t now)
{
	struct file file;

	file_of(&file, fd, now);
	return file.name;
}

/* A vfork child closes its own copies, which releases nothing; unless it shares the parent's fds.
 */
static bool closes_copies(void)
{
	return process_is_vm_child() && !process_shares_fds();
}

/* ---- Twins: what dup made of one another */

/*
 * Noted by a vfork child, or closed unseen and opened anew: then they are no twins, or not any
 * more. One that was locked before is not duplicated again by this: a duplicate replaces what its
 * number was before, and its locks.
 */
static void tell_twin(int fd, int twin)
{
	uint64_t device[2], inode[2];

	if (file_identity(fd, &device[0], &inode[0]) &&
	    file_identity(twin, &device[1], &inode[1]) && device[0] == device[1] &&
	    inode[0] == inode[1] && inherit_from_twin(fd, twin)) {
		file_duplicated(fd, twin);
		process_watch(twin);
		if (twins_inherited(twin)) /* it is known now, and will not ask for itself */
			inherit_from_others(twin);
		else
			inherit_to_children(twin);
	}
}

/* What a child has locked since is known by this number alone: its twins are to be known before it
 * goes. */
static void tell_twins(unsigned first, unsigned last)
{
	for (unsigned fd = first; fd <= last && fd < TWINS_MAX; fd++)
		if (process_watches((int)fd))
			twins_each((int)fd, tell_twin);
}

/* ---- Closing */

static void closing_one(struct call *call, uint8_t op, int fd, struct site site)
{
	bool watched = process_watches(fd);
	uint64_t device = 0, inode = 0;
	struct record_call record;
	struct thread *thread;

	if (!watched && !grants_any_posix())
		return;
	if (!file_identity(fd, &device, &inode)) {
		if (!may_ask()) /* whether POSIX locks go with it */
			recorder_count(&recorder.session->lost_unseen);
		return;
	}
	if ((!watched && !grants_posix_on(device, inode)) || closes_copies())
		return;
	tell_twins((unsigned)fd, (unsigned)fd);
	/* In a vfork child the thread is its parent's. */
	thread = process_is_vm_child() ? NULL : thread_current();
	record = new_record(RECORD_CALL, op, fd);
	if (!thread)
		record.tid = thread_ask_tid();
	record.last = fd;
	record.file = name_of(fd, record.time);
	record.stack = thread ? stack_capture(thread, site) : 0;
	grants_close(fd, device, inode);
	begin(call, record);
	if (thread) {
		thread->closing_device = device;
		thread->closing_inode = inode;
		thread->closing = record;
	}
	file_forget((unsigned)fd, (unsigned)fd);
	process_unwatch(fd);
}

/* Which of many fds belong to files with POSIX locks is asked one by one, up to here. */
#define SCAN_MAX 1024u

/* A record of its own for each fd in the range whose file loses this process' POSIX locks. */
static void closing_posix(unsigned first, unsigned last)
{
	for (unsigned fd = first; fd <= last && fd < SCAN_MAX && grants_any_posix(); fd++) {
		uint64_t device, inode;
		struct record_call record;

		if (!file_identity((int)fd, &device, &inode) || !grants_posix_on(device, inode))
			continue;
		record = new_record(RECORD_CALL, CALL_CLOSE_RANGE, (int)fd);
		record.last = (int)fd;
		record.file = name_of((int)fd, record.time);
		grants_close((int)fd, device, inode);
		emit(&record);
	}
}

/* CLOSE_RANGE_CLOEXEC: nothing is closed yet. */
static bool only_at_exec(uint8_t op, int64_t flags)
{
	return op == CALL_CLOSE_RANGE && flags & 4;
}

static void closing_many(struct call *call, uint8_t op, unsigned first, unsigned last,
			 int64_t flags)
{
	bool until_exec = only_at_exec(op, flags);
	struct record_call record;

	if (first > last || closes_copies())
		return;
	if (!until_exec) {
		tell_twins(first, last);
		closing_posix(first, last);
	}
	record = new_record(RECORD_CALL, op, first < INT_MAX ? (int)first : INT_MAX);
	record.last = last < INT_MAX ? (int)last : INT_MAX;
	record.value = flags;
	begin(call, record);
	if (until_exec)
		return;
	grants_close_range(record.fd, record.last);
	file_forget(first, last);
	if (!may_ask() && grants_any_posix()) /* whether one of them took those along */
		recorder_count(&recorder.session->lost_unseen);
}

void call_closing(struct call *call, uint8_t op, unsigned first, unsigned last, int64_t flags,
		  struct site site)
{
	bool one = first == last && !only_at_exec(op, flags);

	call->recorded = false;
	if (unlikely(call_close_matters()) && recording_calls()) {
		if (one)
			closing_one(call, op, (int)first, site);
		else
			closing_many(call, op, first, last, flags);
	}
	if (one)
		twins_forget((int)first);
}

/* What was forgotten before the call (another thread may get the number right after it) is open
 * still. */
void call_closed(struct call *call, int error)
{
	struct thread *thread;

	if (likely(!call->recorded))
		return;
	thread = thread_if_settled();
	if (thread && thread->tid == call->record.tid)
		thread->closing.fd = -1;
	if (!error)
		return;
	end(call, error);
	if (call->record.fd == call->record.last)
		process_watch(call->record.fd);
}

/* A cancellation takes effect before the kernel is entered, or after the fd is gone. */
void call_close_left(struct thread *thread)
{
	struct call call = { .record = thread->closing };
	uint64_t device, inode;

	if (call.record.fd < 0 || !file_identity(call.record.fd, &device, &inode) ||
	    device != thread->closing_device || inode != thread->closing_inode)
		return;
	end(&call, ECANCELED);
	process_watch(call.record.fd);
}

/* ---- Passing on */

/* One that another process has locked, and this one not yet, is to be known as that one's. */
static void record_duplicate(uint8_t op, int from, int to, bool close_on_exec)
{
	struct record_call record = new_record(RECORD_CALL_RESULT, op, from);
	struct file file;

	if (file_is_inherited(from))
		file_of(&file, from, record.time);
	file_duplicated(from, to);
	process_watch(to);
	record.last = to;
	record.value = close_on_exec;
	emit(&record);
}

void call_duplicated(uint8_t op, int from, int to, bool close_on_exec)
{
	if (from < 0 || from == to)
		return;
	twins_note(from, to, file_is_inherited(from) || twins_inherited(from));
	if (atomic_load_explicit(&recorder.state, memory_order_acquire) == RECORDER_ON &&
	    process_watches(from) && recording_calls() && !process_is_vm_child())
		record_duplicate(op, from, to, close_on_exec);
}

void call_first_lock(int fd)
{
	twins_each(fd, tell_twin);
}

void call_set_close_on_exec(int fd, bool on)
{
	struct record_call record;

	if (fd < 0 || atomic_load_explicit(&recorder.state, memory_order_acquire) != RECORDER_ON ||
	    !process_watches(fd) || !recording_calls() || process_is_vm_child())
		return;
	record = new_record(RECORD_CALL_RESULT, CALL_SETFD, fd);
	record.value = on;
	emit(&record);
}

void call_forking(struct call *call)
{
	call->recorded = false;
	if (recording_calls())
		begin(call, new_record(RECORD_CALL, CALL_FORK, -1));
}

void call_forked(struct call *call, int64_t pid, int error)
{
	if (!pid) {
		recorder_forked();
		return;
	}
	if (!call->recorded)
		return;
	call->record.value = pid;
	end(call, error);
}

/* ---- Explaining */

/* What a child in our memory waits for, or is waited for with, is not ours. */
static bool recording_own_calls(void)
{
	return recording_calls() && !thread_is_childs();
}

void call_exit(int status)
{
	struct record_call record;

	/* A vfork child ends by _exit, and not through destructors. */
	if (!recording_calls() || recorder.shares_table || (status >= 0 && process_is_vm_child()))
		return;
	atomic_store_explicit(&recorder.slot->exiting, 1, memory_order_relaxed);
	record = new_record(RECORD_CALL, CALL_EXIT, -1);
	record.value = status;
	emit(&record);
}

void call_waiting(struct call *call, int64_t pid, bool may_block)
{
	call->recorded = false;
	call->announced = may_block;
	if (!recording_own_calls())
		return;
	call->record = new_record(RECORD_CALL, CALL_WAIT, -1);
	call->record.value = pid;
	call->recorded = true;
	if (may_block)
		emit(&call->record);
}

/* A look that found nobody is no news; a wait that was announced has an end. */
void call_waited(struct call *call, int64_t pid, int status, int error)
{
	if (!call->recorded || (!pid && !error && !call->announced))
		return;
	call->record.value = pid;
	call->record.last = status;
	end(call, error);
}

void call_timer(int which, uint64_t ns)
{
	struct record_call record;

	if (!recording_own_calls())
		return;
	record = new_record(RECORD_CALL_RESULT, CALL_TIMER, which);
	record.value = (int64_t)ns;
	emit(&record);
}

void call_ioctl(struct call *call, int fd, unsigned long request, struct site site)
{
	struct thread *thread;
	struct record_call record;

	call->recorded = false;
	if (!recording_locks() || !(thread = thread_current()))
		return;
	record = new_record(RECORD_CALL, CALL_IOCTL, fd);
	record.value = (int64_t)request;
	record.file = name_of(fd, record.time);
	record.stack = stack_capture(thread, site);
	begin(call, record);
}

void call_ioctl_done(struct call *call, int error)
{
	if (call->recorded)
		end(call, error);
}
