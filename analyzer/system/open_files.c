/* SPDX-License-Identifier: MIT */
#include "analyzer/system/open_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

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

static bool is_wanted(const struct stat *status, const struct file_id *files, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (files[i].inode == status->st_ino && files[i].device == status->st_dev)
			return true;
	return false;
}

static void look_at(struct open_files *open, pid_t pid, int directory, const char *name,
		    const struct file_id *files, uint32_t count)
{
	struct stat status, link;

	if (fstatat(directory, name, &status, 0))
		return;
	if (S_ISFIFO(status.st_mode)) {
		/* The link's own mode tells how it was opened. */
		bool writes = fstatat(directory, name, &link, AT_SYMLINK_NOFOLLOW) ||
			      link.st_mode & S_IWUSR;

		vec_push(&open->pipes, (struct open_pipe){ pid, status.st_ino, writes });
	} else if (is_wanted(&status, files, count)) {
		read_locks(open, (struct open_lock){ .pid = pid,
						     .fd = atoi(name),
						     .file = { status.st_dev, status.st_ino } });
	}
}

static void look_at_process(struct open_files *open, pid_t pid, const struct file_id *files,
			    uint32_t count, uint64_t since)
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
			look_at(open, pid, dirfd(directory), entry->d_name, files, count);
	closedir(directory);
}

void open_files_read(struct open_files *open, const struct file_id *files, uint32_t count,
		     uint64_t since)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;

	*open = (struct open_files){ .hidden = !proc };
	while (proc && (entry = readdir(proc))) {
		pid_t pid = (pid_t)atoi(entry->d_name);

		if (pid > 0)
			look_at_process(open, pid, files, count, since);
	}
	if (proc)
		closedir(proc);
}

void open_files_free(struct open_files *open)
{
	vec_free(&open->locks);
	vec_free(&open->pipes);
}
