/* SPDX-License-Identifier: MIT */
#include "analyzer/system/blocked.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "analyzer/system/process.h"

#define POLLED_MAX 64 /* descriptors of one poll() */

static bool is_asleep(const struct task *task)
{
	return (task->state == 'S' || task->state == 'D') && task->number != SYSCALL_NONE;
}

bool blocked_on_lock(const struct task *task)
{
	return is_asleep(task) && (task->number == SYS_fcntl || task->number == SYS_flock);
}

static bool polls(const struct task *task)
{
#ifdef SYS_poll
	if (task->number == SYS_poll)
		return (int32_t)task->arguments[2] < 0;
#endif
	return task->number == SYS_ppoll && !task->arguments[2];
}

bool blocked_on_children(const struct task *task)
{
	return is_asleep(task) && (task->number == SYS_wait4 || task->number == SYS_waitid);
}

bool blocked_perhaps(const struct task *task)
{
	return blocked_on_children(task) ||
	       (is_asleep(task) && (task->number == SYS_read || polls(task)));
}

/* ---- Children */

/* The child that it waits for; 0: any of several. */
static pid_t wanted_child(const struct task *task)
{
	int32_t first = (int32_t)task->arguments[0], second = (int32_t)task->arguments[1];

	if (task->number == SYS_waitid)
		return first == P_PID ? second : 0;
	return first > 0 ? first : 0;
}

static bool waits_for_children(const struct task *task, struct pids *others)
{
	struct pids children = { 0 };
	struct process_stat stat;
	pid_t wanted = wanted_child(task);
	bool all_live = true;

	descendants_children(task->pid, &children);
	for (uint32_t i = 0; i < children.vec.count; i++) {
		pid_t child = children.vec.items[i];

		/* In another namespace the number that it asked for is another one. */
		if (wanted && child != wanted && process_inner_pid(child) != wanted)
			continue;
		all_live &= process_stat(child, &stat) && stat.state != 'Z' && stat.state != 'X';
		vec_push(&others->vec, child);
	}
	vec_free(&children.vec);
	return all_live && others->vec.count;
}

/* ---- Pipes */

/* Whose descriptors are hidden may write, too. */
static bool add_writers(const struct task *task, int fd, const struct open_files *open,
			struct pids *others)
{
	struct file_id file;
	bool pipe = false;

	if (open->hidden || !open_file_id(task->pid, fd, &file))
		return false;
	for (uint32_t i = 0; i < open->pipes.count; i++) {
		const struct open_pipe *end = &open->pipes.items[i];

		if (end->inode != file.inode)
			continue;
		pipe |= end->pid == task->pid;
		if (open_pipe_writes(end))
			vec_push(&others->vec, end->pid);
	}
	return pipe;
}

static bool waits_for_polled(const struct task *task, const struct open_files *open,
			     struct pids *others)
{
	struct pollfd polled[POLLED_MAX];
	uint64_t count = task->arguments[1];

	if (!count || count > POLLED_MAX ||
	    !task_memory(task, task->arguments[0], polled, count * sizeof(*polled)))
		return false;
	for (uint64_t i = 0; i < count; i++)
		if (polled[i].fd >= 0 &&
		    (polled[i].events & POLLOUT || !add_writers(task, polled[i].fd, open, others)))
			return false;
	return others->vec.count;
}

bool blocked_on_others(const struct task *task, const struct open_files *open, struct pids *others,
		       bool *pipe)
{
	if (!blocked_perhaps(task))
		return false;
	*pipe = !blocked_on_children(task);
	if (!*pipe)
		return waits_for_children(task, others);
	if (polls(task))
		return waits_for_polled(task, open, others);
	return add_writers(task, (int)task->arguments[0], open, others) && others->vec.count;
}
