/* SPDX-License-Identifier: MIT */
#include "preload/calls.h"

#include <limits.h>

#include "preload/arch.h"
#include "preload/clock.h"
#include "preload/emit.h"
#include "preload/file.h"
#include "preload/grants.h"
#include "preload/lifecycle.h"

/* A record of this process and thread, now. tid 0 where the thread has never locked: it is not
 * worth a slot. */
static struct record_call new_record(uint8_t kind, uint8_t op, int fd)
{
	struct thread *thread = thread_if_made();

	process_refresh();
	return (struct record_call){
		.kind = kind,
		.op = op,
		.process = recorder.process,
		.tid = thread ? thread->tid : (uint32_t)raw0(SYS_gettid),
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

/* ---- Closing
 * ---------------------------------------------------------------------------------------------------
 */

bool call_close_matters(void)
{
	return atomic_load_explicit(&recorder.state, memory_order_acquire) == RECORDER_ON &&
	       (atomic_load_explicit(&recorder.slot->watch, memory_order_relaxed) ||
		grants_any_posix());
}

static bool one_matters(int fd, uint64_t *device, uint64_t *inode)
{
	if (fd < 0 || (!process_watches(fd) && !grants_any_posix()) ||
	    !file_identity(fd, device, inode))
		return false;
	return process_watches(fd) || grants_posix_on(*device, *inode);
}

static void closing_one(struct call *call, uint8_t op, int fd, struct site site)
{
	struct thread *thread;
	uint64_t device = 0, inode = 0;
	struct record_call record;

	if (!one_matters(fd, &device, &inode) || process_is_vm_child())
		return;
	thread = thread_current();
	record = new_record(RECORD_CALL, op, fd);
	record.last = fd;
	record.file = file_of(fd, record.time).name;
	record.stack = thread ? stack_capture(thread, site) : 0;
	grants_close(fd, device, inode);
	begin(call, record);
}

static void closing_many(struct call *call, uint8_t op, unsigned first, unsigned last,
			 int64_t flags)
{
	struct record_call record;

	if (process_is_vm_child())
		return;
	record = new_record(RECORD_CALL, op, first < INT_MAX ? (int)first : INT_MAX);
	record.last = last < INT_MAX ? (int)last : INT_MAX;
	record.value = flags;
	begin(call, record);
}

void call_closing(struct call *call, uint8_t op, unsigned first, unsigned last, int64_t flags,
		  struct site site)
{
	call->recorded = false;
	if (likely(!call_close_matters()) || !recording_calls())
		return;
	if (first == last)
		closing_one(call, op, (int)first, site);
	else
		closing_many(call, op, first, last, flags);
}

static void forget(const struct record_call *record)
{
	bool close_on_exec_only =
		record->op == CALL_CLOSE_RANGE && record->value & 4 /* CLOSE_RANGE_CLOEXEC */;
	int last = record->op == CALL_DUP2 ? record->fd : record->last;

	if (close_on_exec_only)
		return;
	file_forget((unsigned)record->fd, (unsigned)last);
	if (record->fd == last)
		process_unwatch(record->fd);
}

void call_closed(struct call *call, int error)
{
	if (likely(!call->recorded))
		return;
	if (error)
		end(call, error);
	else
		forget(&call->record);
}

/* ---- Passing on
 * -------------------------------------------------------------------------------------------------
 */

void call_duplicated(uint8_t op, int from, int to, bool close_on_exec)
{
	struct record_call record;

	if (from < 0 || from == to ||
	    atomic_load_explicit(&recorder.state, memory_order_acquire) != RECORDER_ON ||
	    !process_watches(from) || !recording_calls() || process_is_vm_child())
		return;
	file_duplicated(from, to);
	process_watch(to);
	record = new_record(RECORD_CALL_RESULT, op, from);
	record.last = to;
	record.value = close_on_exec;
	emit(&record);
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
		/* Kernels before 4.14 wipe no page. */
		if (process_page && process_is_vm_child())
			atomic_store_explicit(&process_page->process, 0, memory_order_relaxed);
		recording_calls();
		return;
	}
	if (!call->recorded)
		return;
	call->record.value = pid;
	end(call, error);
}

/* ---- Explaining
 * --------------------------------------------------------------------------------------------------
 */

void call_exit(int status)
{
	struct record_call record;

	if (!recording_calls() || process_is_vm_child())
		return;
	atomic_store_explicit(&recorder.slot->exiting, 1, memory_order_relaxed);
	record = new_record(RECORD_CALL, CALL_EXIT, -1);
	record.value = status;
	emit(&record);
}

void call_waiting(struct call *call, int64_t pid, bool may_block, struct site site)
{
	struct record_call record;

	(void)site;
	call->recorded = false;
	if (!recording_calls())
		return;
	record = new_record(RECORD_CALL, CALL_WAIT, -1);
	record.value = pid;
	call->record = record;
	call->recorded = true;
	if (may_block)
		emit(&record);
}

void call_waited(struct call *call, int64_t pid, int status, int error)
{
	if (!call->recorded || (!pid && !error))
		return;
	call->record.value = pid;
	call->record.last = status;
	end(call, error);
}

void call_timer(int which, uint64_t ns)
{
	struct record_call record;

	if (!recording_calls())
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
	record.file = file_of(fd, record.time).name;
	record.stack = stack_capture(thread, site);
	begin(call, record);
}

void call_ioctl_done(struct call *call, int error)
{
	if (call->recorded)
		end(call, error);
}
