/* SPDX-License-Identifier: MIT */
#include "analyzer/system/task.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define LISTINGS 20

static bool read_text(const struct task *task, const char *name, char *text, size_t room)
{
	char path[96];
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/%s", (int)task->pid, (int)task->tid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	got = read(fd, text, room - 1);
	close(fd);
	text[got > 0 ? got : 0] = '\0';
	return got > 0;
}

static const char *value_of(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	return at ? at + strlen(name) : "";
}

static bool read_status(struct task *task)
{
	char text[4096];
	const char *at;

	if (!read_text(task, "status", text, sizeof(text)))
		return false;
	at = value_of(text, "\nState:\t");
	task->state = *at ? *at : '?';
	/* One number for each namespace that it is in, its own last. */
	task->inner = task->tid;
	at = value_of(text, "\nNSpid:");
	for (; *at == '\t'; at += strcspn(at + 1, "\t\n") + 1)
		task->inner = (pid_t)strtol(at, NULL, 10);
	task->switches = strtoull(value_of(text, "\nvoluntary_ctxt_switches:"), NULL, 10) +
			 strtoull(value_of(text, "\nnonvoluntary_ctxt_switches:"), NULL, 10);
	return true;
}

static void read_syscall(struct task *task)
{
	char text[256], *at = text;

	task->number = SYSCALL_NONE;
	if (!read_text(task, "syscall", text, sizeof(text)))
		return;
	if (!strncmp(text, "running", strlen("running")) && task->state != 'T')
		task->state = 'R'; /* it has woken up since */
	if (*text < '0' || *text > '9')
		return;
	task->number = strtol(at, &at, 10);
	for (int i = 0; i < 6; i++)
		task->arguments[i] = strtoull(at, &at, 16);
}

bool task_read(pid_t pid, pid_t tid, struct task *task)
{
	*task = (struct task){ .pid = pid, .tid = tid };
	if (!read_status(task))
		return false;
	read_syscall(task);
	return true;
}

struct tids {
	VEC(pid_t) vec;
};

static bool list(pid_t pid, struct tids *tids)
{
	struct dirent *entry;
	char path[64];
	DIR *directory;

	tids->vec.count = 0;
	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	directory = opendir(path);
	if (!directory)
		return false;
	while ((entry = readdir(directory)))
		if (atoi(entry->d_name) > 0)
			vec_push(&tids->vec, (pid_t)atoi(entry->d_name));
	closedir(directory);
	return true;
}

static bool is_same(const struct tids *a, const struct tids *b)
{
	return a->vec.count == b->vec.count &&
	       !memcmp(a->vec.items, b->vec.items, a->vec.count * sizeof(*a->vec.items));
}

/*
 * Where a thread ends that was just listed, the kernel goes on by number, and leaves out one that
 * lives (fs/proc/base.c, first_tid()). Two lists that are the same have left out nobody: who ended
 * in the first is not in the second.
 */
static bool list_twice(pid_t pid, const struct tids *expected)
{
	struct tids now = { 0 };
	bool same = true;

	for (int i = 0; i < 2 && same; i++)
		same = list(pid, &now) && is_same(&now, expected);
	vec_free(&now.vec);
	return same;
}

static void read_each(pid_t pid, const struct tids *tids, struct tasks *tasks)
{
	for (uint32_t i = 0; i < tids->vec.count; i++) {
		struct task task;

		if (task_read(pid, tids->vec.items[i], &task))
			vec_push(&tasks->vec, task);
	}
}

/* Each thread is a directory, and the links of the one above them are counted. */
bool task_is_alone(pid_t pid)
{
	struct stat status;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	return !stat(path, &status) && status.st_nlink == 3;
}

/* Most have no other thread, and to list them costs as much again. */
static bool read_only_thread(pid_t pid, struct tasks *tasks)
{
	struct task task;

	if (!task_is_alone(pid) || !task_read(pid, pid, &task) || !task_is_alone(pid))
		return false;
	vec_push(&tasks->vec, task);
	return true;
}

/* Before a thread goes to sleep it may have started another: who there is is asked after what they
 * do. */
bool tasks_read(pid_t pid, struct tasks *tasks)
{
	uint32_t before = tasks->vec.count;
	struct tids tids = { 0 };
	bool all = false;

	if (read_only_thread(pid, tasks))
		return true;
	for (int i = 0; i < LISTINGS && !all; i++) {
		tasks->vec.count = before;
		if (!list(pid, &tids))
			break;
		read_each(pid, &tids, tasks);
		all = list_twice(pid, &tids);
	}
	vec_free(&tids.vec);
	if (tasks->vec.count == before)
		return false;
	if (!all)
		vec_push(&tasks->vec,
			 (struct task){ .pid = pid, .state = '?', .number = SYSCALL_NONE });
	return true;
}

uint64_t task_switches(const struct task *task)
{
	struct task now = { .pid = task->pid, .tid = task->tid };

	return read_status(&now) && now.state != 'R' ? now.switches : UINT64_MAX;
}

bool task_memory(const struct task *task, uint64_t address, void *bytes, size_t count)
{
	struct iovec here = { bytes, count }, there = { (void *)(uintptr_t)address, count };

	return process_vm_readv(task->pid, &here, 1, &there, 1, 0) == (ssize_t)count;
}
