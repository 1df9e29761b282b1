/* SPDX-License-Identifier: MIT */
#include "preload/cgroup.h"

#include <string.h>

#include "preload/process.h"

#define ROOM 4096

/* Not on the stack, which may be that of a small thread. */
static char groups[ROOM], path[ROOM];

static bool append(const char *text, size_t length)
{
	size_t used = strlen(path);

	if (used + length >= ROOM)
		return false;
	memcpy(path + used, text, length);
	path[used + length] = '\0';
	return true;
}

/* What the file `path` says; "max", or no such file: no limit. */
static uint64_t limit(void)
{
	char text[24];
	uint64_t bytes = 0;
	const char *at = text;

	text[process_read_file(path, text, sizeof(text) - 1)] = '\0';
	for (; *at >= '0' && *at <= '9'; at++)
		bytes = bytes * 10 + (uint64_t)(*at - '0');
	return at == text ? UINT64_MAX : bytes;
}

/*
 * Of the group and all above it. In a container that sees the machine's name for its group, but has
 * only that group mounted, the root's is its own.
 */
static bool allow(const char *root, const char *group, const char *file, uint64_t bytes)
{
	size_t length = strlen(group);

	do {
		while (length && group[length - 1] == '/')
			length--;
		path[0] = '\0';
		if (append(root, strlen(root)) && append(group, length) &&
		    append(file, strlen(file)) && limit() < bytes)
			return false;
		while (length && group[length - 1] != '/')
			length--;
	} while (length);
	return true;
}

/* "4:memory:/group" of version 1, "0::/group" of version 2. */
static bool line_allows(char *line, uint64_t bytes)
{
	char *controllers = strchr(line, ':'), *group;

	if (!controllers || !(group = strchr(++controllers, ':')))
		return true;
	*group++ = '\0';
	if (!*controllers)
		return allow("/sys/fs/cgroup", group, "/memory.max", bytes);
	return !strstr(controllers, "memory") ||
	       allow("/sys/fs/cgroup/memory", group, "/memory.limit_in_bytes", bytes);
}

bool cgroup_allows(uint64_t bytes)
{
	char *line = groups, *end;

	groups[process_read_file("/proc/self/cgroup", groups, ROOM - 1)] = '\0';
	for (; (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		if (!line_allows(line, bytes))
			return false;
	}
	return true;
}
