/* SPDX-License-Identifier: MIT */
#include "analyzer/commands/newest.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyzer/base/memory.h"
#include "analyzer/read/activity.h"
#include "trace/session.h"

struct candidate {
	char *path; /* NULL: none so far */
	struct activity activity;
};

struct candidates {
	struct candidate best;	 /* but for sessions in use by `run` or `record` */
	struct candidate in_use; /* the newest of those */
};

static bool is_trace(const char *name)
{
	size_t length = strlen(name);

	return length > strlen("flocktrace..trace") - 1 && !strncmp(name, "flocktrace.", 11) &&
	       !strcmp(name + length - 6, ".trace");
}

static bool is_session_of_run(const char *name)
{
	return !strncmp(name, "session.", 8);
}

static bool is_session(const char *name)
{
	return !strcmp(name, SESSION_DEFAULT_NAME) || is_session_of_run(name);
}

static bool has_magic(int directory, const char *name)
{
	int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	uint64_t magic = 0;
	bool has = fd >= 0 && read(fd, &magic, sizeof(magic)) == sizeof(magic) &&
		   magic == FORMAT_MAGIC;

	if (fd >= 0)
		close(fd);
	return has;
}

/* Takes the path, or frees it. */
static void keep_newer(struct candidate *best, char *path, const struct activity *activity)
{
	if (best->path && activity->last_record <= best->activity.last_record) {
		free(path);
		return;
	}
	free(best->path);
	*best = (struct candidate){ path, *activity };
}

/* Regular files of ours only: others may write into the working directory too. */
static void consider(struct candidates *found, int directory, const char *path, const char *name)
{
	struct activity activity;
	struct stat status;
	uint64_t modified;
	char *full;

	if (fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) || !S_ISREG(status.st_mode) ||
	    status.st_uid != geteuid() || !has_magic(directory, name))
		return;
	full = strcmp(path, ".") ? xasprintf("%s/%s", path, name) : xstrdup(name);
	modified = (uint64_t)status.st_mtim.tv_sec * UINT64_C(1000000000) +
		   (uint64_t)status.st_mtim.tv_nsec;
	if (!activity_of(full, modified, &activity)) /* of another version: its reader says so */
		activity = (struct activity){ .last_record = modified };
	keep_newer(is_session_of_run(name) && activity.recording ? &found->in_use : &found->best,
		   full, &activity);
}

static void search(struct candidates *found, const char *path, bool (*wanted)(const char *name))
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;

	if (!directory) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((entry = readdir(directory))) {
		if (wanted(entry->d_name))
			consider(found, fd, path, entry->d_name);
	}
	closedir(directory);
}

/* A directory of sessions counts only if nobody else can write there. */
static void search_sessions(struct candidates *found, char *path)
{
	struct stat status;

	if (!lstat(path, &status) && S_ISDIR(status.st_mode) && status.st_uid == geteuid() &&
	    (status.st_mode & 07777) == 0700)
		search(found, path, is_session);
	free(path);
}

static void say_what_is_read(const struct candidate *taken)
{
	const struct activity *activity = &taken->activity;

	fprintf(stderr, "flocktrace: reading %s (", taken->path);
	if (activity->processes == 1)
		fputs("1 process is recording into it", stderr);
	else if (activity->processes)
		fprintf(stderr, "%u processes are recording into it", activity->processes);
	else if (activity->recording)
		fputs("still being recorded", stderr);
	else
		fputs(activity->session ? "nobody is recording into it now" : "finished", stderr);
	fputs(")\n", stderr);
}

char *newest_trace(void)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	struct candidates found = { 0 };
	unsigned uid = geteuid();

	search(&found, ".", is_trace);
	if (runtime && *runtime == '/')
		search_sessions(&found, xasprintf("%s/" SESSION_DIRECTORY, runtime));
	search_sessions(&found, xasprintf("/dev/shm/" SESSION_DIRECTORY "-%u", uid));
	search_sessions(&found, xasprintf("/tmp/" SESSION_DIRECTORY "-%u", uid));
	if (!found.best.path) {
		found.best = found.in_use;
		found.in_use.path = NULL;
	}
	if (found.best.path)
		say_what_is_read(&found.best);
	else
		fputs("flocktrace: no trace named, no flocktrace.*.trace here and no session "
		      "found\n",
		      stderr);
	if (found.in_use.path)
		fprintf(stderr, "flocktrace: not taken: %s (in use by run or record)\n",
			found.in_use.path);
	free(found.in_use.path);
	return found.best.path;
}
