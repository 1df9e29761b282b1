/* SPDX-License-Identifier: MIT */
#include "analyzer/system/open_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyzer/base/map.h"
#include "analyzer/system/fdinfo.h"
#include "analyzer/system/process.h"

bool open_file_id(pid_t pid, int fd, struct file_id *file)
{
	struct stat status;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, fd);
	if (stat(path, &status))
		return false;
	*file = (struct file_id){ status.st_dev, status.st_ino };
	return true;
}

/* The link's own permissions are how it was opened. Most are never asked, so they aren't looked at
 * beforehand. */
bool open_pipe_writes(struct open_pipe *pipe)
{
	struct stat link;
	char path[64];

	if (!pipe->asked) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pipe->pid, pipe->fd);
		pipe->writes = lstat(path, &link) || link.st_mode & S_IWUSR;
		pipe->asked = true;
	}
	return pipe->writes;
}

static void read_locks(struct open_files *open, struct open_lock lock)
{
	struct fdinfo info;

	if (!fdinfo_read(&info, lock.pid, lock.fd))
		return;
	for (uint32_t i = 0; i < info.locks.vec.count; i++) {
		lock.lock = info.locks.vec.items[i];
		if (lock.lock.kind != LOCK_KIND_LEASE)
			vec_push(&open->locks, lock);
	}
	kernel_locks_free(&info.locks);
}

/* ---- Which files */

struct wanted {
	const struct file_id *files;
	struct map map;
};

struct wanted_key {
	const struct wanted *wanted;
	struct file_id file;
};

static bool same_file(const void *context, uint32_t index)
{
	const struct wanted_key *key = context;
	const struct file_id *file = &key->wanted->files[index];

	return file->inode == key->file.inode && file->device == key->file.device;
}

static void want(struct wanted *wanted, const struct file_id *files, uint32_t count)
{
	*wanted = (struct wanted){ .files = files };
	for (uint32_t i = 0; i < count; i++) {
		struct wanted_key key = { wanted, files[i] };
		uint32_t *at = map_find(&wanted->map, hash_u64(files[i].device, files[i].inode),
					same_file, &key);

		if (*at == MAP_NEW)
			*at = i;
	}
}

static bool is_wanted(const struct wanted *wanted, const struct stat *status)
{
	struct wanted_key key = { wanted, { status->st_dev, status->st_ino } };

	return map_peek(&wanted->map, hash_u64(status->st_dev, status->st_ino), same_file, &key) !=
	       MAP_NEW;
}

/* ---- Who has them */

static void look_at(struct open_files *open, pid_t pid, int directory, const char *name,
		    const struct wanted *wanted)
{
	struct stat status;

	if (fstatat(directory, name, &status, 0))
		return;
	if (S_ISFIFO(status.st_mode)) {
		vec_push(
			&open->pipes,
			(struct open_pipe){ .pid = pid, .fd = atoi(name), .inode = status.st_ino });
	} else if (is_wanted(wanted, &status)) {
		read_locks(open, (struct open_lock){ .pid = pid,
						     .fd = atoi(name),
						     .file = { status.st_dev, status.st_ino } });
	}
}

static void look_at_process(struct open_files *open, pid_t pid, const struct wanted *wanted,
			    uint64_t since)
{
	struct process_stat stat;
	struct dirent *entry;
	char path[64];
	DIR *directory;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	directory = opendir(path);
	if (!directory) {
		open->hidden |= errno != ENOENT && errno != ESRCH && process_stat(pid, &stat) &&
				stat.state != 'Z' && stat.start_time >= since;
		return;
	}
	while ((entry = readdir(directory)))
		if (*entry->d_name != '.')
			look_at(open, pid, dirfd(directory), entry->d_name, wanted);
	closedir(directory);
}

static int by_number(const void *left, const void *right)
{
	const pid_t *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

static bool was_there(const struct open_files *before, pid_t pid)
{
	return before && before->looked_at.count &&
	       bsearch(&pid, before->looked_at.items, before->looked_at.count, sizeof(pid),
		       by_number);
}

static void read_processes(struct open_files *open, const struct open_files *before,
			   const struct wanted *wanted, uint64_t since)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;

	*open = (struct open_files){ .hidden = !proc };
	/* In the order of their numbers. */
	while (proc && (entry = readdir(proc))) {
		pid_t pid = (pid_t)atoi(entry->d_name);

		if (pid <= 0 || was_there(before, pid))
			continue;
		vec_push(&open->looked_at, pid);
		look_at_process(open, pid, wanted, since);
	}
	if (proc)
		closedir(proc);
}

void open_files_read(struct open_files *open, const struct file_id *files, uint32_t count,
		     uint64_t since)
{
	struct wanted wanted;

	want(&wanted, files, count);
	read_processes(open, NULL, &wanted, since);
	map_free(&wanted.map);
}

void open_files_read_new(struct open_files *open, const struct open_files *before,
			 const struct file_id *files, uint32_t count)
{
	struct wanted wanted;

	want(&wanted, files, count);
	read_processes(open, before, &wanted, 0);
	map_free(&wanted.map);
}

void open_files_free(struct open_files *open)
{
	vec_free(&open->locks);
	vec_free(&open->pipes);
	vec_free(&open->looked_at);
}
