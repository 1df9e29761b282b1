/* SPDX-License-Identifier: MIT */
#include "analyzer/now/scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "analyzer/system/process.h"

#define DELETED " (deleted)"

struct wanted_file {
	const struct now *now;
	uint64_t device, inode;
};

static bool is_file(const void *context, uint32_t index)
{
	const struct wanted_file *wanted = context;
	const struct now_file *file = &wanted->now->files.items[index];

	return file->device == wanted->device && file->inode == wanted->inode;
}

uint32_t scan_file(struct scan *scan, uint64_t device, uint64_t inode)
{
	struct wanted_file wanted = { scan->now, device, inode };
	uint32_t *at = map_find(&scan->files, hash_u64(device, inode), is_file, &wanted);

	if (*at == MAP_NEW) {
		*at = scan->now->files.count;
		vec_push(&scan->now->files, (struct now_file){ .device = device, .inode = inode });
	}
	return *at;
}

static uint32_t known_file(const struct scan *scan, uint64_t device, uint64_t inode)
{
	struct wanted_file wanted = { scan->now, device, inode };

	return map_peek(&scan->files, hash_u64(device, inode), is_file, &wanted);
}

/* ---- Mounts: one table for each mount namespace */

static const struct mounts *mounts_of(struct scan *scan, pid_t pid)
{
	struct namespace_mounts one = { 0 };
	struct stat status;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", (int)pid);
	if (!stat(path, &status))
		one.namespace = status.st_ino;
	for (uint32_t i = 0; i < scan->mounts.count && one.namespace; i++)
		if (scan->mounts.items[i].namespace == one.namespace)
			return &scan->mounts.items[i].mounts;
	mounts_read(&one.mounts, pid);
	vec_push(&scan->mounts, one);
	return &scan->mounts.items[scan->mounts.count - 1].mounts;
}

/* ---- Descriptors */

static void learn_path(struct now_file *file, const char *link)
{
	size_t length = strlen(link), tail = strlen(DELETED);

	if (file->path)
		return;
	file->deleted = length > tail && !strcmp(link + length - tail, DELETED);
	file->path = xasprintf("%.*s", (int)(length - (file->deleted ? tail : 0)), link);
}

/* The inode that stat() tells is the kernel's, but its device may be a part of the file system. */
static bool identify(const struct fdinfo *info, const struct mounts *mounts, int directory,
		     const char *name, uint64_t *device, uint64_t *inode)
{
	struct stat status;

	if (fdinfo_file(info, mounts, device, inode))
		return true;
	if (fstatat(directory, name, &status, 0))
		return false;
	*device = status.st_dev;
	*inode = info->has_inode ? info->inode : status.st_ino;
	return true;
}

static struct caller *caller_at(struct scan *scan, uint32_t from, int fd)
{
	for (uint32_t i = from; i < scan->callers.count; i++)
		if (scan->callers.items[i].fd == fd)
			return &scan->callers.items[i];
	return NULL;
}

/* lockf() and SEEK_CUR count from the position, which the call itself doesn't change. */
static void count_from(struct caller *caller, const struct fdinfo *info)
{
	uint64_t length = caller->lock.end - caller->lock.start;

	if (caller->lock.kind == LOCK_KIND_FLOCK || caller->range_known)
		return;
	if (caller->lock.end == LOCK_TO_EOF) {
		caller->lock.start += info->position;
	} else {
		caller->lock.start += info->position;
		caller->lock.end = caller->lock.start + length;
	}
	caller->range_known = caller->lock.start < caller->lock.end;
}

static void look_at_fd(struct scan *scan, pid_t pid, int directory, const char *name,
		       const struct mounts *mounts, uint32_t first_caller)
{
	char link[4096 + sizeof(DELETED)];
	ssize_t length = readlinkat(directory, name, link, sizeof(link) - 1);
	int fd = atoi(name);
	struct caller *caller;
	struct fdinfo info;
	uint64_t device, inode;
	uint32_t file;

	if (length <= 0)
		return;
	link[length] = '\0';
	if (sscanf(link, "pipe:[%" SCNu64, &inode) == 1)
		vec_push(&scan->open.pipes,
			 (struct open_pipe){ .pid = pid, .fd = fd, .inode = inode });
	/* Sockets, pipes and the kernel's own have no path, and nobody locks those. */
	if (*link != '/' || !fdinfo_read(&info, pid, fd))
		return;
	caller = caller_at(scan, first_caller, fd);
	if (!identify(&info, mounts, directory, name, &device, &inode))
		goto out;
	file = known_file(scan, device, inode);
	if (file == MAP_NEW && (caller || info.locks.vec.count))
		file = scan_file(scan, device, inode);
	if (file == MAP_NEW)
		goto out;
	learn_path(&scan->now->files.items[file], link);
	for (; caller; caller = caller_at(scan, (uint32_t)(caller - scan->callers.items) + 1, fd)) {
		caller->file = file;
		count_from(caller, &info);
	}
	for (uint32_t i = 0; i < info.locks.vec.count; i++)
		vec_push(&scan->shares,
			 (struct share){ { pid, fd }, file, info.locks.vec.items[i] });
out:
	kernel_locks_free(&info.locks);
}

static void look_at_descriptors(struct scan *scan, pid_t pid, uint32_t first_caller)
{
	const struct mounts *mounts;
	struct dirent *entry;
	char path[64];
	DIR *directory;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	directory = opendir(path);
	if (!directory) {
		if (errno == EACCES || errno == EPERM)
			vec_push(&scan->hidden, pid);
		return;
	}
	mounts = mounts_of(scan, pid);
	while ((entry = readdir(directory)))
		if (*entry->d_name != '.')
			look_at_fd(scan, pid, dirfd(directory), entry->d_name, mounts,
				   first_caller);
	closedir(directory);
}

/* ---- Threads in lock calls */

static bool flock_call(const struct task *task, struct caller *caller)
{
	int op = (int)task->arguments[1];

	if (op & (LOCK_NB | LOCK_UN) || !(op & (LOCK_SH | LOCK_EX)))
		return false;
	caller->lock.kind = LOCK_KIND_FLOCK;
	caller->lock.shared = op & LOCK_SH;
	caller->range_known = true;
	return true;
}

/* Its own structure says where; what can't be read, or counts from the end of file, is unknown. */
static void fcntl_range(const struct task *task, struct caller *caller)
{
	struct flock lock;
	uint64_t length;

	if (!task_memory(task, task->arguments[2], &lock, sizeof(lock)))
		return;
	caller->lock.shared = lock.l_type == F_RDLCK;
	if (lock.l_whence == SEEK_END || lock.l_start < 0 || lock.l_len < 0)
		return;
	length = (uint64_t)lock.l_len;
	caller->lock.start = (uint64_t)lock.l_start;
	caller->lock.end = length ? caller->lock.start + length : LOCK_TO_EOF;
	caller->range_known = lock.l_whence == SEEK_SET;
}

static bool fcntl_call(const struct task *task, struct caller *caller)
{
	int command = (int)task->arguments[1];

	if (command != F_SETLKW && command != F_OFD_SETLKW)
		return false;
	caller->lock.kind = command == F_SETLKW ? LOCK_KIND_POSIX : LOCK_KIND_OFD;
	fcntl_range(task, caller);
	return true;
}

static void look_at_task(struct scan *scan, const struct task *task)
{
	struct caller caller = {
		.pid = task->pid,
		.tid = task->tid,
		.fd = (int)task->arguments[0],
		.file = NOT_KNOWN,
		.switches = task->switches,
		.lock = { .end = LOCK_TO_EOF, .has_file = true, .pid = task->pid },
	};

	if ((task->number == SYS_flock && flock_call(task, &caller)) ||
	    (task->number == SYS_fcntl && fcntl_call(task, &caller))) {
		caller.asleep = people_asleep(task->pid, task->tid);
		vec_push(&scan->callers, caller);
	}
}

static void look_at_process(struct scan *scan, pid_t pid)
{
	uint32_t first_caller = scan->callers.count, first = scan->tasks.vec.count;

	if (!tasks_read(pid, &scan->tasks))
		return;
	scan->now->looked_at++;
	for (uint32_t i = first; i < scan->tasks.vec.count; i++)
		look_at_task(scan, &scan->tasks.vec.items[i]);
	look_at_descriptors(scan, pid, first_caller);
}

void scan_proc(struct scan *scan)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;

	while (proc && (entry = readdir(proc))) {
		pid_t pid = (pid_t)atoi(entry->d_name);

		if (pid > 0 && pid != getpid())
			look_at_process(scan, pid);
	}
	if (proc)
		closedir(proc);
	scan->now->hidden = scan->hidden.count;
	scan->open.hidden = scan->hidden.count;
	scan->now->looked_at -= scan->hidden.count;
}

void scan_free(struct scan *scan)
{
	for (uint32_t i = 0; i < scan->mounts.count; i++)
		vec_free(&scan->mounts.items[i].mounts.vec);
	vec_free(&scan->mounts);
	vec_free(&scan->tasks.vec);
	vec_free(&scan->shares);
	vec_free(&scan->callers);
	vec_free(&scan->hidden);
	open_files_free(&scan->open);
	map_free(&scan->files);
}
