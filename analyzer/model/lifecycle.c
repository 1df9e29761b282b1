/* SPDX-License-Identifier: MIT */
#include "analyzer/model/lifecycle.h"

#include "analyzer/model/closing.h"
#include "analyzer/model/descriptors.h"
#include "analyzer/model/flights.h"
#include "analyzer/model/last_words.h"
#include "analyzer/model/lock_table.h"

/* ---- What descriptors are told */

static void set_close_on_exec(struct process *process, int32_t first, int32_t last, bool on)
{
	uint32_t at = descriptor_first(&process->descriptors, first);

	for (; at < process->descriptors.count && process->descriptors.items[at].fd <= last; at++)
		process->descriptors.items[at].close_on_exec = on;
}

static void inherited(struct model *model, struct process *process, const struct event *event)
{
	struct process *other;
	struct descriptor *mine, *theirs;
	int32_t fd = event->call.fd, other_fd = event->call.last;

	if (event->call.other == NONE || fd < 0 || other_fd < 0 ||
	    (event->call.other == event->process && fd == other_fd))
		return;
	other = process_get(model, event->call.other);
	mine = descriptor_find(&process->descriptors, fd);
	theirs = descriptor_find(&other->descriptors, other_fd);
	if (!mine && !theirs) {
		uint32_t description = description_new(model, event->file);

		descriptor_open(model, other, other_fd, description, false);
		unknown_past(model, description);
	}
	theirs = descriptor_find(&other->descriptors, other_fd);
	if (!mine)
		descriptor_open(model, process, fd, theirs->description, false);
	else if (!theirs)
		descriptor_open(model, other, other_fd, mine->description, false);
	else if (mine->description != theirs->description)
		description_merge(model, mine->description, theirs->description, event->time);
}

/* ---- Birth */

static uint32_t find_snapshot(const struct process *parent, int32_t pid)
{
	uint32_t unresolved = NONE;

	for (uint32_t i = parent->forks.count; i-- > 0;) {
		if (pid && parent->forks.items[i].pid == pid)
			return i;
		if (!pid || !parent->forks.items[i].pid)
			unresolved = i;
	}
	return unresolved;
}

static void free_if_done(struct model *model, struct process *process);

/* A fork that the parent did not announce copied what the parent has now, as far as we know. */
static void born_by_fork(struct model *model, struct process *child, struct process *parent,
			 uint64_t time)
{
	uint32_t at = find_snapshot(parent, child->pid);

	if (at == NONE) {
		snapshot_take(model, parent, 0);
		at = parent->forks.count - 1;
	}
	snapshot_claim(model, parent, at, child, time);
	free_if_done(model, parent);
}

/* A new image keeps what it has not been told to close. */
static void close_on_exec(struct model *model, struct process *process, uint64_t open_fds,
			  uint64_t time)
{
	struct held_list stash = { 0 };

	for (uint32_t i = 0; i < process->descriptors.count;) {
		struct descriptor *descriptor = &process->descriptors.items[i];
		bool open = descriptor->fd < 64 ? open_fds >> descriptor->fd & 1
						: !descriptor->close_on_exec;

		descriptor->close_on_exec = false;
		if (open) {
			i++;
			continue;
		}
		posix_take(model, process, model->descriptions.items[descriptor->description].file,
			   time, HOLD_EXEC, &stash);
		descriptor_close(model, process, i, time, HOLD_EXEC, &stash, NULL);
	}
	table_end(model, &stash, time, HOLD_EXEC);
	vec_free(&stash);
}

/*
 * A child of fork that became another program before it said a word is known by its pid. Whoever
 * was born without fork tells by INHERITED_FD what it shares.
 */
static void born_by_exec(struct model *model, struct process *child, struct process *parent,
			 const struct event *event)
{
	for (uint32_t i = 0; child->pid && i < parent->forks.count; i++) {
		if (parent->forks.items[i].pid != child->pid)
			continue;
		snapshot_claim(model, parent, i, child, event->time);
		close_on_exec(model, child, event->born.open_fds, event->time);
		free_if_done(model, parent);
		return;
	}
}

/* Its locks went before those that contradicted them came, only nobody had told us. */
static void explain_overlaps(struct model *model, struct process *process)
{
	model->quality.overlaps -= process->contradicted;
	model->quality.unknown_ends += process->unknown_ends;
	process->contradicted = process->unknown_ends = 0;
}

void lifecycle_born(struct model *model, const struct event *event)
{
	struct process *process = process_get(model, event->process);
	struct process *parent = NULL;

	if (event->born.parent != NONE && event->born.parent != event->process)
		parent = process_get(model, event->born.parent);
	process->dead = false;
	process->last_word = later_of(process->last_word, event->time);
	process->pid = (int32_t)event->tid;
	if (event->born.birth == BIRTH_EXEC) {
		explain_overlaps(model, process);
		flights_stop(model, process, event->time, OUTCOME_ABANDONED, false);
		close_on_exec(model, process, event->born.open_fds, event->time);
		return;
	}
	process->contradicted = process->unknown_ends = 0;
	process->parent = event->born.parent;
	if (!parent)
		return;
	if (!parent->dead)
		vec_push(&parent->children, event->process);
	if (event->born.birth == BIRTH_FORK)
		born_by_fork(model, process, parent, event->time);
	else
		born_by_exec(model, process, parent, event);
}

static void forked(struct model *model, struct process *process, const struct event *event)
{
	for (uint32_t i = process->forks.count; i-- > 0;) {
		struct snapshot *snapshot = &process->forks.items[i];

		if (snapshot->tid != event->tid || snapshot->pid)
			continue;
		if (event->call.error || event->call.value <= 0)
			snapshot_drop(model, process, i, event->time + event->call.duration);
		else
			snapshot->pid = (int32_t)event->call.value;
		return;
	}
}

/* ---- Death */

void process_free(struct model *model, struct process *process)
{
	for (uint32_t i = 0; i < process->forks.count; i++)
		vec_free(&process->forks.items[i].descriptors);
	vec_free(&process->forks);
	vec_free(&process->threads);
	vec_free(&process->descriptors);
	vec_free(&process->files);
	vec_free(&process->children);
	model->processes.items[process->index] = NULL;
	free(process);
}

/* Children that have not spoken yet may keep its descriptions alive. */
static void free_if_done(struct model *model, struct process *process)
{
	if (process->dead && !process->forks.count)
		process_free(model, process);
}

static void leave_parent(struct model *model, const struct process *process)
{
	struct process *parent =
		process->parent == NONE ? NULL : process_known(model, process->parent);

	if (!parent)
		return;
	for (uint32_t i = parent->children.count; i-- > 0;) {
		if (parent->children.items[i] == process->index) {
			vec_remove(&parent->children, i);
			return;
		}
	}
}

/* What a process held that was found dead is known to have lasted until its last word only. */
static void end_late(struct model *model, const struct process *process, struct held_list *stash,
		     uint64_t last_word)
{
	if (!process->exiting)
		model->quality.unknown_ends += stash->count;
	table_end(model, stash, last_word, HOLD_DIED);
}

/* `late`: at any time since its last word. Until `time` it may have been in somebody's way. */
static void give_up_all(struct model *model, struct process *process, uint64_t time, bool late)
{
	uint64_t gone = late && process->exiting ? process->last_word : time;
	struct held_list stash = { 0 };

	while (process->files.count)
		posix_take(model, process, process->files.items[process->files.count - 1], gone,
			   HOLD_DIED, &stash);
	if (late)
		end_late(model, process, &stash, process->last_word);
	while (process->descriptors.count) {
		uint32_t at = process->descriptors.count - 1;
		uint32_t description = process->descriptors.items[at].description;
		uint64_t last_word = owner_last_word(model, owner_description(description));

		descriptor_close(model, process, at, gone, HOLD_DIED, &stash, NULL);
		if (late)
			end_late(model, process, &stash, last_word);
	}
	table_end(model, &stash, time, HOLD_DIED);
	vec_free(&stash);
}

static void die(struct model *model, struct process *process, uint64_t time, bool late)
{
	explain_overlaps(model, process);
	flights_stop(model, process, time, OUTCOME_DIED, late);
	give_up_all(model, process, time, late);
	leave_parent(model, process);
	process->dead = true;
	free_if_done(model, process);
}

void lifecycle_death(struct model *model, const struct event *event)
{
	struct process *process = process_known(model, event->process);

	if (process && !process->dead)
		die(model, process, event->time, event->death.late);
}

/* waitpid also returns for a child that was stopped (0x7f) or continued (0xffff). */
static bool ended(int status)
{
	return (status & 0xff) != 0x7f && status != 0xffff;
}

static void reaped(struct model *model, struct process *process, int64_t pid, uint64_t time)
{
	for (uint32_t i = process->forks.count; i-- > 0;)
		if (process->forks.items[i].pid == pid)
			snapshot_drop(model, process, i, time);
	for (uint32_t i = process->children.count; i-- > 0;) {
		struct process *child = process_known(model, process->children.items[i]);

		if (child && !child->dead && child->pid == pid) {
			die(model, child, time, false);
			return;
		}
	}
}

/* ---- Calls */

void lifecycle_call(struct model *model, const struct event *event)
{
	struct process *process = process_get(model, event->process);
	uint32_t thread = thread_speaks(model, process, event);

	flights_settle(model, process, thread);
	switch (event->call.call) {
	case CLOSE_FDS:
		close_begin(model, process, thread, event);
		break;
	case DUP_FD:
		dup_begin(model, process, thread, event);
		break;
	case CLOEXEC_FDS:
		set_close_on_exec(process, event->call.fd, event->call.last, true);
		break;
	case FORK_CHILD:
		snapshot_take(model, process, event->tid);
		break;
	case EXIT_PROCESS:
		descriptors_quiet(model, process);
		break;
	case SET_CLOEXEC:
	case INHERITED_FD:
	case WAIT_CHILD:
	case ARM_TIMER:
	case IOCTL:
		break;
	}
}

void lifecycle_call_result(struct model *model, const struct event *event)
{
	struct process *process = process_get(model, event->process);
	uint32_t thread = thread_speaks(model, process, event);

	if (event->call.call == CLOSE_FDS || event->call.call == DUP_FD) {
		close_end(model, process, thread, event);
		return;
	}
	flights_settle(model, process, thread);
	switch (event->call.call) {
	case SET_CLOEXEC:
		if (!event->call.error)
			set_close_on_exec(process, event->call.fd, event->call.fd,
					  event->call.value);
		break;
	case INHERITED_FD:
		inherited(model, process, event);
		break;
	case FORK_CHILD:
		forked(model, process, event);
		break;
	case WAIT_CHILD:
		if (!event->call.error && event->call.value > 0 && ended(event->call.last))
			reaped(model, process, event->call.value,
			       event->time + event->call.duration);
		break;
	case CLOSE_FDS:
	case DUP_FD:
	case CLOEXEC_FDS:
	case EXIT_PROCESS:
	case ARM_TIMER:
	case IOCTL:
		break;
	}
}
