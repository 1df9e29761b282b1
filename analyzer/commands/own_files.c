/* SPDX-License-Identifier: MIT */
#include "analyzer/commands/own_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyzer/base/memory.h"
#include "trace/session.h"

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

bool own_file_is_session_of_run(const struct own_file *file)
{
	return is_session_of_run(file->name);
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

/* Others may write into the working directory too. */
static void look(int directory, const char *path, const char *name, own_file_fn found,
		 void *context)
{
	struct stat status;
	char *full;

	if (fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) || !S_ISREG(status.st_mode) ||
	    status.st_uid != geteuid() || !has_magic(directory, name))
		return;
	full = strcmp(path, ".") ? xasprintf("%s/%s", path, name) : xstrdup(name);
	found(context, &(struct own_file){
			       .path = full,
			       .name = name,
			       .modified = (uint64_t)status.st_mtim.tv_sec * UINT64_C(1000000000) +
					   (uint64_t)status.st_mtim.tv_nsec,
		       });
	free(full);
}

static void search(const char *path, bool (*wanted)(const char *name), own_file_fn found,
		   void *context)
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
			look(fd, path, entry->d_name, found, context);
	}
	closedir(directory);
}

void own_traces(const char *directory, own_file_fn found, void *context)
{
	search(directory, is_trace, found, context);
}

/* A directory of sessions counts only if nobody else can write there. */
static void search_sessions(char *path, own_file_fn found, void *context)
{
	struct stat status;

	if (!lstat(path, &status) && S_ISDIR(status.st_mode) && status.st_uid == geteuid() &&
	    (status.st_mode & 07777) == 0700)
		search(path, is_session, found, context);
	free(path);
}

void own_sessions(own_file_fn found, void *context)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	unsigned uid = geteuid();

	if (runtime && *runtime == '/')
		search_sessions(xasprintf("%s/" SESSION_DIRECTORY, runtime), found, context);
	search_sessions(xasprintf("/dev/shm/" SESSION_DIRECTORY "-%u", uid), found, context);
	search_sessions(xasprintf("/tmp/" SESSION_DIRECTORY "-%u", uid), found, context);
}
