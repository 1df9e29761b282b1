/* SPDX-License-Identifier: MIT */
#include "analyzer/system/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "analyzer/base/map.h"
#include "analyzer/base/memory.h"

enum { FIRST_READ = 4096, READ_LIMIT = 16 << 20 };

static int proc_open(pid_t pid, const char *name)
{
	char path[64];

	if (pid)
		snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	else
		snprintf(path, sizeof(path), "/proc/%s", name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static ssize_t read_retry(int fd, char *at, size_t size)
{
	ssize_t got;

	do {
		got = read(fd, at, size);
	} while (got < 0 && errno == EINTR);
	return got;
}

ssize_t process_file(pid_t pid, const char *name, char **buffer)
{
	int fd = proc_open(pid, name);
	size_t room = FIRST_READ, length = 0;
	ssize_t got = -1;

	if (fd < 0)
		return -1;
	*buffer = xrealloc(*buffer, room);
	while (length < READ_LIMIT &&
	       (got = read_retry(fd, *buffer + length, room - length - 1)) > 0) {
		length += (size_t)got;
		if (room - length - 1 < FIRST_READ / 2) {
			room *= 2;
			*buffer = xrealloc(*buffer, room);
		}
	}
	close(fd);
	if (got < 0)
		return -1;
	(*buffer)[length] = '\0';
	return (ssize_t)length;
}

/* Fields of /proc/PID/stat, counted from 1 as in proc(5). */
enum {
	FIELD_STATE = 3,
	FIELD_PPID = 4,
	FIELD_START = 22,
	FIELD_CODE = 26,
	FIELD_STACK = 28,
	FIELD_ENV = 50,
	FIELDS
};

bool process_stat(pid_t pid, struct process_stat *stat)
{
	int fd = proc_open(pid, "stat");
	char text[1024];
	char *at;
	ssize_t got;
	uint64_t field[FIELDS + 1] = { 0 };

	if (fd < 0)
		return false;
	got = read_retry(fd, text, sizeof(text) - 1);
	close(fd);
	if (got <= 0)
		return false;
	text[got] = '\0';
	at = strrchr(text, ')'); /* the name before it may contain anything */
	if (!at || at[1] != ' ' || !at[2])
		return false;
	stat->state = at[2];
	at += 3;
	for (int i = FIELD_PPID; i <= FIELDS && *at; i++)
		field[i] = strtoull(at, &at, 10);
	stat->parent = (pid_t)field[FIELD_PPID];
	stat->start_time = field[FIELD_START];
	stat->image = hash_u64(hash_u64(field[FIELD_CODE], field[FIELD_STACK]), field[FIELD_ENV]);
	return stat->start_time != 0;
}

enum answer process_maps(pid_t pid, const char *text)
{
	char *maps = NULL;
	ssize_t length = process_file(pid, "maps", &maps);
	enum answer answer = ANSWER_UNKNOWN;

	/* Kernel threads, the dying, and images between two states have no mappings at all. */
	if (length > 0)
		answer = strstr(maps, text) ? ANSWER_YES : ANSWER_NO;
	free(maps);
	return answer;
}

enum answer process_started_with(pid_t pid, const char *name, const char *text)
{
	char *environment = NULL;
	ssize_t length = process_file(pid, "environ", &environment);
	size_t name_length = strlen(name);
	enum answer answer = ANSWER_NO;

	/* Empty: started with none, a zombie, or an exec that is under way. */
	if (length <= 0) {
		free(environment);
		return ANSWER_UNKNOWN;
	}
	for (char *at = environment; at < environment + length; at += strlen(at) + 1) {
		if (!strncmp(at, name, name_length) && at[name_length] == '=' &&
		    strstr(at + name_length + 1, text))
			answer = ANSWER_YES;
	}
	free(environment);
	return answer;
}

char *process_environment(pid_t pid, const char *name)
{
	char *environment = NULL, *value = NULL;
	ssize_t length = process_file(pid, "environ", &environment);
	size_t name_length = strlen(name);

	for (char *at = environment; length > 0 && at < environment + length && !value;
	     at += strlen(at) + 1) {
		if (!strncmp(at, name, name_length) && at[name_length] == '=')
			value = xstrdup(at + name_length + 1);
	}
	free(environment);
	return value;
}

void process_executable(pid_t pid, char *buffer, size_t size)
{
	char path[64];
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	got = readlink(path, buffer, size - 1);
	if (got <= 0) {
		got = 0;
		fd = proc_open(pid, "comm");
		if (fd >= 0) {
			got = read_retry(fd, buffer, size - 1);
			close(fd);
		}
		if (got > 0 && buffer[got - 1] == '\n')
			got--;
	}
	buffer[got > 0 ? got : 0] = '\0';
}

bool executable_is_valgrind(const char *exe)
{
	return strstr(exe, "/valgrind/");
}

bool process_changed_user(pid_t pid)
{
	char *status = NULL;
	const char *line;
	unsigned real, effective;
	bool changed = false;

	if (process_file(pid, "status", &status) > 0 && (line = strstr(status, "\nUid:")) &&
	    sscanf(line, "\nUid: %u %u", &real, &effective) == 2)
		changed = real != effective;
	free(status);
	return changed;
}

pid_t process_inner_pid(pid_t pid)
{
	char *status = NULL;
	char *line, *end;
	pid_t inner = 0;

	if (process_file(pid, "status", &status) > 0 && (line = strstr(status, "\nNSpid:"))) {
		line += strlen("\nNSpid:");
		end = strchr(line, '\n');
		while (line && (!end || line < end)) {
			inner = (pid_t)strtol(line, &line, 10);
			line += strspn(line, " \t");
			if (*line == '\n' || !*line)
				break;
		}
	}
	free(status);
	return inner;
}

/* It is for life. */
uint64_t process_own_pidns(void)
{
	static uint64_t own;
	struct stat stat_;

	if (!own && !stat("/proc/self/ns/pid", &stat_))
		own = stat_.st_ino;
	return own;
}

int process_pidfd(pid_t pid)
{
#ifdef SYS_pidfd_open
	return (int)syscall(SYS_pidfd_open, pid, 0); /* always close-on-exec */
#else
	(void)pid;
	errno = ENOSYS;
	return -1;
#endif
}
