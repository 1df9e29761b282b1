/* SPDX-License-Identifier: MIT */
/* One walk through /proc. Private to now/. */
#ifndef ANALYZER_NOW_SCAN_H
#define ANALYZER_NOW_SCAN_H

#include "analyzer/base/map.h"
#include "analyzer/now/now.h"
#include "analyzer/system/fdinfo.h"
#include "analyzer/system/open_files.h"
#include "analyzer/system/task.h"

/* A descriptor with a lock. */
struct share {
	struct now_sharer who;
	uint32_t file;
	struct kernel_lock lock;
};

/* A thread that is in a lock call which may block. */
struct caller {
	pid_t pid, tid;
	int fd;
	uint32_t file;
	bool range_known, used;
	uint64_t switches, asleep;
	struct kernel_lock lock;
};

struct namespace_mounts {
	uint64_t namespace; /* inode; 0: of one process whose namespace may not be seen */
	struct mounts mounts;
};

struct scan {
	struct now *now;
	struct map files; /* of now->files */
	struct tasks tasks;
	VEC(struct share) shares;
	VEC(struct caller) callers;
	VEC(struct namespace_mounts) mounts;
	VEC(pid_t) hidden;
	struct open_files open; /* the pipes alone */
};

void scan_proc(struct scan *scan);
void scan_free(struct scan *scan);
uint32_t scan_file(struct scan *scan, uint64_t device, uint64_t inode);

/* The holds and waits of now, from the kernel's list and the scan; then what is in whose way. */
void merge_holds(struct scan *scan, const struct kernel_locks *locks);
void merge_waits(struct scan *scan, const struct kernel_locks *locks);
void find_blockers(struct now *now);

void find_circles(struct scan *scan);
void look_at_people(struct now *now);
/* ns that a thread hasn't run, about; 0: not known. */
uint64_t people_asleep(pid_t pid, pid_t tid);

#endif
