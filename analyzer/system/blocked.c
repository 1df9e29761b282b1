/* SPDX-License-Identifier: MIT */
#include "analyzer/system/blocked.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
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

/* How a call tells what it waits for. */
enum polling {
	POLLING_NONE, /* it is none of these, or has a time limit */
	POLLING_LIST,
	POLLING_SETS,
	POLLING_EPOLL,
};

static enum polling polling(const struct task *task)
{
	int32_t limit_of_epoll = (int32_t)task->arguments[3];

	switch (task->number) {
#ifdef SYS_poll
	case SYS_poll:
		return (int32_t)task->arguments[2] < 0 ? POLLING_LIST : POLLING_NONE;
#endif
	case SYS_ppoll:
		return task->arguments[2] ? POLLING_NONE : POLLING_LIST;
#ifdef SYS_select
	case SYS_select:
#endif
	case SYS_pselect6:
		return task->arguments[4] ? POLLING_NONE : POLLING_SETS;
#ifdef SYS_epoll_wait
	case SYS_epoll_wait:
#endif
	case SYS_epoll_pwait:
		return limit_of_epoll < 0 ? POLLING_EPOLL : POLLING_NONE;
	}
	return POLLING_NONE;
}

bool blocked_on_children(const struct task *task)
{
	return is_asleep(task) && (task->number == SYS_wait4 || task->number == SYS_waitid);
}

bool blocked_perhaps(const struct task *task)
{
	return blocked_on_children(task) ||
	       (is_asleep(task) && (task->number == SYS_read || polling(task) != POLLING_NONE));
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
		struct open_pipe *end = &open->pipes.items[i];

		if (end->inode != file.inode)
			continue;
		pipe |= end->pid == task->pid;
		if (open_pipe_writes(end))
			vec_push(&others->vec, end->pid);
	}
	return pipe;
}

static bool waits_for_list(const struct task *task, const struct open_files *open,
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

/* The `which`th set of select(); empty where there is none. False: it can't be read. */
static bool read_set(const struct task *task, int which, uint64_t set[FD_SETSIZE / 64])
{
	uint64_t count = task->arguments[0], address = task->arguments[1 + which];

	memset(set, 0, FD_SETSIZE / 8);
	if (count > FD_SETSIZE)
		return false;
	if (address && !task_memory(task, address, set, (count + 63) / 64 * 8))
		return false;
	if (count % 64)
		set[count / 64] &= (UINT64_C(1) << count % 64) - 1;
	return true;
}

static bool waits_for_sets(const struct task *task, const struct open_files *open,
			   struct pids *others)
{
	uint64_t reads[FD_SETSIZE / 64], set[FD_SETSIZE / 64], rest = 0;

	for (int which = 1; which < 3; which++) {
		if (!read_set(task, which, set))
			return false;
		for (int i = 0; i < FD_SETSIZE / 64; i++)
			rest |= set[i];
	}
	if (rest || !read_set(task, 0, reads))
		return false;
	for (int fd = 0; fd < FD_SETSIZE; fd++)
		if (reads[fd / 64] >> fd % 64 & 1 && !add_writers(task, fd, open, others))
			return false;
	return others->vec.count;
}

/* "tfd:        5 events:       19 data: …" for each descriptor. */
static bool waits_for_epoll(const struct task *task, const struct open_files *open,
			    struct pids *others)
{
	char name[32], *text = NULL;
	bool known;

	snprintf(name, sizeof(name), "fdinfo/%d", (int)task->arguments[0]);
	known = process_file(task->pid, name, &text) > 0;
	for (char *line = text; known && (line = strstr(line, "tfd:")); line++) {
		unsigned events;
		int fd;

		known = sscanf(line, "tfd: %d events: %x", &fd, &events) == 2 &&
			!(events & EPOLLOUT) && add_writers(task, fd, open, others);
	}
	free(text);
	return known && others->vec.count;
}

bool blocked_on_others(const struct task *task, const struct open_files *open, struct pids *others,
		       bool *pipe)
{
	if (!blocked_perhaps(task))
		return false;
	*pipe = !blocked_on_children(task);
	if (!*pipe)
		return waits_for_children(task, others);
	switch (polling(task)) {
	case POLLING_LIST:
		return waits_for_list(task, open, others);
	case POLLING_SETS:
		return waits_for_sets(task, open, others);
	case POLLING_EPOLL:
		return waits_for_epoll(task, open, others);
	case POLLING_NONE:
		break;
	}
	return add_writers(task, (int)task->arguments[0], open, others) && others->vec.count;
}
