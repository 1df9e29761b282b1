/* SPDX-License-Identifier: MIT */
#include "analyzer/model/closing.h"

#include <errno.h>

#include "analyzer/model/descriptors.h"
#include "analyzer/model/flights.h"
#include "analyzer/model/lock_table.h"

void posix_take(struct model *model, struct process *process, uint32_t file, uint64_t time,
		enum hold_end how, struct held_list *stash)
{
	if (file != NONE)
		table_take(model, table_get(model, file, RECORD_LOCKS),
			   owner_process(process->index), 0, RANGE_TO_EOF, time, how, stash);
}

/* Closing any fd of a file drops all POSIX locks that the process has on it. */
static void drop_posix(struct model *model, struct process *process, struct flight *flight,
		       uint32_t file)
{
	if (file == NONE)
		return;
	flight_weakens(model, flight, file, RECORD_LOCKS, 0, RANGE_TO_EOF, false);
	posix_take(model, process, file, flight->begin, HOLD_CLOSED, &flight->stash);
}

static struct flight *close_flight(struct model *model, struct process *process, int32_t first,
				   int32_t last, const struct event *event)
{
	struct flight *flight = flight_new(model);
	uint32_t at = descriptor_first(&process->descriptors, first);

	flight->closes = true;
	flight->process = event->process;
	flight->tid = event->tid;
	flight->file = event->file;
	flight->begin = event->time;
	flight->losses = model->losses;
	flight->owner = owner_process(process->index);
	flight->stash_end = HOLD_CLOSED;
	flight->duplicate = -1;
	drop_posix(model, process, flight, event->file);
	while (at < process->descriptors.count && process->descriptors.items[at].fd <= last) {
		uint32_t description = process->descriptors.items[at].description;
		uint32_t file = model->descriptions.items[description].file;

		if (file != event->file)
			drop_posix(model, process, flight, file);
		descriptor_close(model, process, at, event->time, HOLD_CLOSED, &flight->stash,
				 &flight->closed);
	}
	return flight;
}

/* dup2 closes `last` first; dup may only have seemed to find it closed. */
void dup_begin(struct model *model, struct process *process, uint32_t thread,
	       const struct event *event)
{
	const struct descriptor *from;
	struct flight *flight;

	if (event->call.fd == event->call.last || event->call.last < 0)
		return;
	flight = close_flight(model, process, event->call.last, event->call.last, event);
	from = descriptor_find(&process->descriptors, event->call.fd);
	if (from) {
		descriptor_open(model, process, event->call.last, from->description,
				event->call.value);
		flight->duplicate = event->call.last;
	}
	flight_push(process, thread, flight);
}

static void duplicated(struct model *model, struct process *process, uint32_t thread,
		       const struct event *event)
{
	const struct descriptor *from = descriptor_find(&process->descriptors, event->call.fd);
	struct descriptor *to = descriptor_find(&process->descriptors, event->call.last);

	if (event->call.fd == event->call.last || event->call.last < 0 || event->call.fd < 0)
		return;
	if (from && to && from->description == to->description) {
		to->close_on_exec = event->call.value;
		return;
	}
	if (!from)
		descriptor_open(model, process, event->call.fd, description_new(model, NONE),
				false);
	dup_begin(model, process, thread, event);
	flights_settle(model, process, thread);
}

static void undo_close(struct model *model, struct process *process, struct flight *flight)
{
	const struct descriptor *made = descriptor_find(&process->descriptors, flight->duplicate);

	if (flight->duplicate >= 0 && made)
		descriptor_close(model, process, (uint32_t)(made - process->descriptors.items),
				 flight->begin, HOLD_CLOSED, &flight->stash, NULL);
	for (uint32_t i = 0; i < flight->closed.count; i++) {
		const struct descriptor *closed = &flight->closed.items[i];

		if (!descriptor_find(&process->descriptors, closed->fd))
			descriptor_open(model, process, closed->fd, closed->description,
					closed->close_on_exec);
	}
	table_restore(model, &flight->stash, flight->begin);
	flight_free(model, flight);
}

/* close(2) gives the fd up before most errors; dup2 fails before it closes, and so did a close
 * whose thread was cancelled. */
static bool closed_nothing(const struct event *event)
{
	return event->call.call == DUP_FD || event->call.error == EBADF ||
	       event->call.error == EINVAL || event->call.error == ENOSYS ||
	       event->call.error == ECANCELED;
}

void close_end(struct model *model, struct process *process, uint32_t thread,
	       const struct event *event)
{
	struct flight *top = process->threads.items[thread].top;

	if (event->call.error && top && top->closes && top->begin == event->time &&
	    closed_nothing(event)) {
		process->threads.items[thread].top = top->below;
		undo_close(model, process, top);
		return;
	}
	flights_settle(model, process, thread);
	if (!event->call.error && event->call.call == DUP_FD)
		duplicated(model, process, thread, event);
}

void close_begin(struct model *model, struct process *process, uint32_t thread,
		 const struct event *event)
{
	flight_push(process, thread,
		    close_flight(model, process, event->call.fd, event->call.last, event));
}
