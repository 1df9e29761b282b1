/* SPDX-License-Identifier: MIT */
#include <elf.h>
#include <errno.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyzer/base/memory.h"
#include "analyzer/system/checkup.h"
#include "analyzer/system/elf.h"
#include "analyzer/system/process.h"

#define RECORDER "/libflocktrace.so"

enum { ANCESTORS_MAX = 64 };

/* The loader was told by the kernel to trust no environment. */
static bool is_secure(pid_t pid)
{
	char *bytes = NULL;
	ssize_t length = process_file(pid, "auxv", &bytes);
	bool secure = false;
	ElfW(auxv_t) entry;

	for (ssize_t at = 0; at + (ssize_t)sizeof(entry) <= length; at += (ssize_t)sizeof(entry)) {
		memcpy(&entry, bytes + at, sizeof(entry));
		if (entry.a_type == AT_SECURE)
			secure = entry.a_un.a_val;
	}
	free(bytes);
	return secure;
}

/* The path of the recorder in a text of /proc/PID/maps; NULL: it isn't there. */
static char *recorder_in(const char *maps)
{
	const char *found = strstr(maps, RECORDER "\n");
	const char *begin = found;

	if (!found)
		return NULL;
	while (begin > maps && begin[-1] != '\n')
		begin--;
	begin = memchr(begin, '/', (size_t)(found - begin) + 1);
	return xasprintf("%.*s" RECORDER, (int)(found - begin), begin);
}

/* The recorder that a list as LD_PRELOAD has it names; NULL: none. */
static char *recorder_wanted(char *list)
{
	char *rest;

	for (char *word = strtok_r(list, " :", &rest); word; word = strtok_r(NULL, " :", &rest)) {
		if (strstr(word, RECORDER))
			return word;
	}
	return NULL;
}

static bool is_launcher(pid_t pid)
{
	char exe[PATH_MAX];
	const char *slash;

	process_executable(pid, exe, sizeof(exe));
	slash = strrchr(exe, '/');
	return slash && !strcmp(slash, "/flocktrace");
}

/* Whether one of those that it descends from records, or launches what is recorded. */
static bool was_under_us(pid_t pid)
{
	struct process_stat stat;

	for (int i = 0; i < ANCESTORS_MAX && process_stat(pid, &stat) && stat.parent; i++) {
		pid = stat.parent;
		if (process_maps(pid, RECORDER) == ANSWER_YES || is_launcher(pid))
			return true;
	}
	return false;
}

/* LD_PRELOAD named it, and no rule forbids it: perhaps it isn't there in the process's own root. */
static enum obstacle ignored(pid_t pid, const char *wanted)
{
	char *path = xasprintf("/proc/%d/root/%s", (int)pid, wanted);
	bool there = !access(path, R_OK);

	free(path);
	return there ? OBSTACLE_UNKNOWN : OBSTACLE_NOT_VISIBLE;
}

static void explain_absence(struct checkup *checkup, pid_t pid)
{
	char *list = process_environment(pid, "LD_PRELOAD");
	char *wanted = list ? recorder_wanted(list) : NULL;

	if (is_secure(pid))
		checkup_remark(checkup, OBSTACLE_SECURE, NULL);
	if (!wanted)
		checkup_remark(checkup,
			       was_under_us(pid) ? OBSTACLE_LOST_ENVIRONMENT : OBSTACLE_NOT_STARTED,
			       NULL);
	else if (!checkup_first(checkup, RECORDED_NOTHING))
		checkup_remark(checkup, ignored(pid, wanted), NULL);
	free(list);
}

/* Where the recorder is loaded, what kept it out elsewhere did not. */
static void look_at_image(struct checkup *checkup, pid_t pid, bool loaded)
{
	struct elf_summary elf;
	enum obstacle obstacle;
	char link[64];

	snprintf(link, sizeof(link), "/proc/%d/exe", (int)pid);
	elf_look(link, &elf);
	obstacle = elf_obstacle(&elf);
	if (executable_is_valgrind(checkup->image))
		obstacle = OBSTACLE_VALGRIND;
	if (obstacle != OBSTACLE_NONE && (!loaded || obstacle != OBSTACLE_STATIC))
		checkup_remark(checkup, obstacle, NULL);
}

/* What there is to know without looking into it. */
static enum obstacle no_program(pid_t pid, char state)
{
	char path[64], exe[8];

	if (state == 'Z' || state == 'X')
		return OBSTACLE_ENDED;
	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	if (readlink(path, exe, sizeof(exe)) > 0)
		return OBSTACLE_NONE;
	return errno == ENOENT ? OBSTACLE_KERNEL_THREAD : OBSTACLE_NOT_ALLOWED;
}

int checkup_process(struct checkup *checkup, pid_t pid, char **loaded)
{
	struct process_stat stat;
	enum obstacle obstacle;
	char *maps = NULL;
	char exe[PATH_MAX];

	memset(checkup, 0, sizeof(*checkup));
	*loaded = NULL;
	if (!process_stat(pid, &stat))
		return ESRCH;
	process_executable(pid, exe, sizeof(exe));
	checkup->program = xstrdup(exe);
	checkup->image = xstrdup(exe);
	obstacle = no_program(pid, stat.state);
	if (obstacle == OBSTACLE_NONE && process_file(pid, "maps", &maps) < 0)
		obstacle = OBSTACLE_NOT_ALLOWED;
	if (obstacle == OBSTACLE_NONE) {
		*loaded = recorder_in(maps);
		look_at_image(checkup, pid, *loaded);
		if (!*loaded)
			explain_absence(checkup, pid);
	} else {
		checkup_remark(checkup, obstacle, NULL);
	}
	free(maps);
	return 0;
}
