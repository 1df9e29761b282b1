/* SPDX-License-Identifier: MIT */
#include "analyzer/system/descendants.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "analyzer/system/process.h"
#include "analyzer/system/task.h"

bool descendants_has_lists(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	return !access(path, R_OK);
}

static void parse(const char *text, struct pids *pids)
{
	char *end;

	for (;;) {
		long pid = strtol(text, &end, 10);

		if (end == text)
			break;
		vec_push(&pids->vec, (pid_t)pid);
		text = end;
	}
}

/* The name of a directory entry as a number; 0: it is none. */
static pid_t entry_pid(const struct dirent *entry)
{
	char *end;
	long pid = strtol(entry->d_name, &end, 10);

	return *end || pid <= 0 ? 0 : (pid_t)pid;
}

static void children_of_thread(pid_t pid, pid_t tid, struct pids *pids)
{
	char name[64], *text = NULL;

	snprintf(name, sizeof(name), "task/%d/children", (int)tid);
	if (process_file(pid, name, &text) > 0)
		parse(text, pids);
	free(text);
}

void descendants_children(pid_t pid, struct pids *pids)
{
	char path[64];
	struct dirent *entry;
	DIR *tasks;

	/* Most have one, and listing them costs as much again. */
	if (task_is_alone(pid)) {
		children_of_thread(pid, pid, pids);
		return;
	}
	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	tasks = opendir(path);
	if (!tasks)
		return;
	while ((entry = readdir(tasks))) {
		pid_t tid = entry_pid(entry);

		if (tid)
			children_of_thread(pid, tid, pids);
	}
	closedir(tasks);
}

static bool contains(const struct pids *pids, pid_t pid)
{
	for (uint32_t i = 0; i < pids->vec.count; i++) {
		if (pids->vec.items[i] == pid)
			return true;
	}
	return false;
}

typedef bool (*wanted_fn)(const void *context, pid_t pid, const struct process_stat *stat);

/* One pass over /proc. */
static void scan(wanted_fn wanted, const void *context, struct pids *pids)
{
	struct process_stat stat;
	struct dirent *entry;
	DIR *proc = opendir("/proc");

	if (!proc)
		return;
	while ((entry = readdir(proc))) {
		pid_t pid = entry_pid(entry);

		if (pid && process_stat(pid, &stat) && wanted(context, pid, &stat))
			vec_push(&pids->vec, pid);
	}
	closedir(proc);
}

static bool has_parent(const void *context, pid_t pid, const struct process_stat *stat)
{
	(void)pid;
	return contains(context, stat->parent);
}

void descendants_scan(const struct pids *parents, struct pids *pids)
{
	scan(has_parent, parents, pids);
}

struct start {
	const char *name, *text;
	uint64_t since;
};

static bool was_started(const void *context, pid_t pid, const struct process_stat *stat)
{
	const struct start *start = context;

	return stat->start_time >= start->since && stat->state != 'Z' &&
	       process_started_with(pid, start->name, start->text) == ANSWER_YES;
}

void descendants_started_with(const char *name, const char *text, uint64_t since, struct pids *pids)
{
	const struct start start = { name, text, since };

	scan(was_started, &start, pids);
}
