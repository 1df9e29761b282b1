/* SPDX-License-Identifier: MIT */
/* Those who hold and wait: what they are called, do, and belong to. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "analyzer/now/scan.h"
#include "analyzer/system/process.h"

enum { CONTAINER_ID = 64, CONTAINER_SHOWN = 12 };

/* Without the line end; NULL: nothing there. */
static char *proc_word(pid_t pid, const char *name)
{
	char *text = NULL;

	if (process_file(pid, name, &text) <= 0 || !*text || *text == '\n') {
		free(text);
		return NULL;
	}
	text[strcspn(text, "\n")] = '\0';
	return text;
}

/* docker, podman, containerd and CRI-O name a container's group by its 64 hexadecimal digits. */
static const char *container_id(const char *path)
{
	for (const char *at = path; *at; at++) {
		size_t digits = strspn(at, "0123456789abcdef");

		if (digits == CONTAINER_ID)
			return at;
		if (digits)
			at += digits - 1;
	}
	return NULL;
}

static bool ends_with(const char *word, size_t length, const char *tail)
{
	size_t tail_length = strlen(tail);

	return length > tail_length && !memcmp(word + length - tail_length, tail, tail_length);
}

/* "0::/system.slice/ssh.service": the deepest service or scope of it. */
static char *unit_of_path(const char *path)
{
	const char *id = container_id(path), *unit = NULL;
	size_t length, unit_length = 0;

	if (id)
		return xasprintf("container %.*s", CONTAINER_SHOWN, id);
	for (; *path; path += length) {
		path += strspn(path, "/");
		length = strcspn(path, "/");
		if (ends_with(path, length, ".service") || ends_with(path, length, ".scope")) {
			unit = path;
			unit_length = length;
		}
	}
	return unit ? xasprintf("%.*s", (int)unit_length, unit) : NULL;
}

static char *unit_of(pid_t pid)
{
	char *groups = NULL, *unit = NULL, *rest, *line;

	if (process_file(pid, "cgroup", &groups) <= 0) {
		free(groups);
		return NULL;
	}
	for (line = strtok_r(groups, "\n", &rest); line && !unit;
	     line = strtok_r(NULL, "\n", &rest)) {
		const char *path = strchr(line, ':');

		path = path ? strchr(path + 1, ':') : NULL;
		unit = path ? unit_of_path(path + 1) : NULL;
	}
	free(groups);
	return unit;
}

static uint64_t age_of(const struct process_stat *stat)
{
	struct timespec now;
	uint64_t ticks = (uint64_t)sysconf(_SC_CLK_TCK), start, uptime;

	clock_gettime(CLOCK_BOOTTIME, &now);
	uptime = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	start = stat->start_time / ticks * 1000000000 +
		stat->start_time % ticks * (1000000000 / ticks);
	return uptime > start ? uptime - start : 0;
}

static void look_at(struct now_process *process)
{
	struct process_stat stat;

	process->alive = process_stat(process->pid, &stat);
	if (!process->alive)
		return;
	process->state = stat.state;
	process->age = age_of(&stat);
	process->command = proc_word(process->pid, "comm");
	process->doing = proc_word(process->pid, "wchan");
	if (process->doing && !strcmp(process->doing, "0")) {
		free(process->doing);
		process->doing = NULL;
	}
	process->unit = unit_of(process->pid);
}

static int by_pid(const void *left, const void *right)
{
	const struct now_process *a = left, *b = right;

	return (a->pid > b->pid) - (a->pid < b->pid);
}

static void want(struct now *now, pid_t pid)
{
	for (uint32_t i = 0; i < now->processes.count; i++)
		if (now->processes.items[i].pid == pid)
			return;
	if (pid > 0)
		vec_push(&now->processes, (struct now_process){ .pid = pid });
}

void look_at_people(struct now *now)
{
	for (uint32_t i = 0; i < now->holds.count; i++) {
		const struct now_hold *hold = &now->holds.items[i];

		want(now, (pid_t)hold->lock.pid);
		for (uint32_t j = 0; j < hold->sharers.count; j++)
			want(now, hold->sharers.items[j].pid);
	}
	for (uint32_t i = 0; i < now->waits.count; i++)
		want(now, now->waits.items[i].pid);
	for (uint32_t i = 0; i < now->circles.count; i++)
		for (uint32_t j = 0; j < now->circles.items[i].members.count; j++)
			want(now, now->circles.items[i].members.items[j].pid);
	for (uint32_t i = 0; i < now->processes.count; i++)
		look_at(&now->processes.items[i]);
	if (now->processes.count)
		qsort(now->processes.items, now->processes.count, sizeof(*now->processes.items),
		      by_pid);
}

const struct now_process *now_process(const struct now *now, pid_t pid)
{
	struct now_process wanted = { .pid = pid };

	return now->processes.count ? bsearch(&wanted, now->processes.items, now->processes.count,
					      sizeof(wanted), by_pid)
				    : NULL;
}

/* The scheduler's clock, in milliseconds with six digits behind the point, when a thread was last
 * on a processor. */
static uint64_t last_ran(pid_t pid, pid_t tid)
{
	static const char name[] = "se.exec_start";
	char path[64], *text = NULL, *at;
	uint64_t ns = 0;

	snprintf(path, sizeof(path), "task/%d/sched", (int)tid);
	if (process_file(pid, path, &text) > 0 && (at = strstr(text, name))) {
		at += strcspn(at, "0123456789\n");
		ns = strtoull(at, &at, 10) * 1000000;
		if (*at == '.')
			ns += strtoull(at + 1, NULL, 10);
	}
	free(text);
	return ns;
}

uint64_t people_asleep(pid_t pid, pid_t tid)
{
	uint64_t slept = last_ran(pid, tid), now = last_ran(getpid(), gettid());

	return slept && now > slept ? now - slept : 0;
}
