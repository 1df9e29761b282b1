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
#include "trace/session.h"

struct candidate {
	char *path; /* NULL: none so far */
	struct timespec modified;
};

static bool is_trace(const char *name)
{
	size_t length = strlen(name);

	return length > strlen("flocktrace..trace") - 1 && !strncmp(name, "flocktrace.", 11) &&
	       !strcmp(name + length - 6, ".trace");
}

static bool is_session(const char *name)
{
	return !strcmp(name, SESSION_DEFAULT_NAME) || !strncmp(name, "session.", 8);
}

static bool is_newer(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec : a->tv_nsec > b->tv_nsec;
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

/* Regular files of ours only: others may write into the working directory too. */
static void consider(struct candidate *best, int directory, const char *path, const char *name)
{
	struct stat status;

	if (fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) || !S_ISREG(status.st_mode) ||
	    status.st_uid != geteuid() ||
	    (best->path && !is_newer(&status.st_mtim, &best->modified)) ||
	    !has_magic(directory, name))
		return;
	free(best->path);
	best->path = strcmp(path, ".") ? xasprintf("%s/%s", path, name) : xstrdup(name);
	best->modified = status.st_mtim;
}

static void search(struct candidate *best, const char *path, bool (*wanted)(const char *name))
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
			consider(best, fd, path, entry->d_name);
	}
	closedir(directory);
}

/* A directory of sessions counts only if nobody else can write there. */
static void search_sessions(struct candidate *best, char *path)
{
	struct stat status;

	if (!lstat(path, &status) && S_ISDIR(status.st_mode) && status.st_uid == geteuid() &&
	    (status.st_mode & 07777) == 0700)
		search(best, path, is_session);
	free(path);
}

char *newest_trace(void)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	struct candidate best = { NULL };
	unsigned uid = geteuid();

	search(&best, ".", is_trace);
	if (runtime && *runtime == '/')
		search_sessions(&best, xasprintf("%s/" SESSION_DIRECTORY, runtime));
	search_sessions(&best, xasprintf("/dev/shm/" SESSION_DIRECTORY "-%u", uid));
	search_sessions(&best, xasprintf("/tmp/" SESSION_DIRECTORY "-%u", uid));
	if (best.path)
		fprintf(stderr, "flocktrace: reading %s\n", best.path);
	else
		fputs("flocktrace: no trace named, no flocktrace.*.trace here and no session "
		      "found\n",
		      stderr);
	return best.path;
}
