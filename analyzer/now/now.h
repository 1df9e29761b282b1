/* SPDX-License-Identifier: MIT */
/*
 * The file locks of this machine at one moment, without any recording: /proc/locks, put right with
 * what /proc tells of each process. What may not be looked at is counted, and what can't be known
 * is not filled in.
 *
 * It is no photograph: the parts are read one after the other, within some milliseconds. Circles
 * are looked at twice, and are told only if all in them have not moved meanwhile.
 */
#ifndef ANALYZER_NOW_NOW_H
#define ANALYZER_NOW_NOW_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "analyzer/base/vec.h"
#include "analyzer/system/proc_locks.h"

#define NOT_KNOWN UINT32_MAX

/* Device and inode as the kernel's list has them; path as the first process has it that has it
 * open. */
struct now_file {
	uint64_t device, inode;
	char *path; /* NULL: nobody who may be looked at has it open */
	bool deleted;
};

/* Who has the lock through a descriptor: the owner of a POSIX lock; each process that has the open
 * file description of another. */
struct now_sharer {
	pid_t pid;
	int fd; /* -1: not known */
};

struct now_hold {
	struct kernel_lock lock;
	uint32_t file;
	bool listed; /* in /proc/locks */
	VEC(struct now_sharer) sharers;
};

struct now_wait {
	struct kernel_lock lock;
	uint32_t file;
	bool listed, range_known;
	pid_t pid; /* 0: not known */
	pid_t tid; /* 0: not known; then nor are these: */
	int fd;
	uint64_t switches;
	uint64_t asleep;	/* ns that it hasn't run, about; 0: not known */
	VEC(uint32_t) blockers; /* holds in its way: all of them */
};

/* A process that holds or waits. */
struct now_process {
	pid_t pid;
	bool alive;
	char state;    /* as in proc(5) */
	char *command; /* NULL: not known */
	char *doing;   /* what the kernel function is called that it sleeps in; NULL: it runs, or
			  not known */
	char *unit;    /* systemd unit or container; NULL: none known */
	uint64_t age;  /* ns since it started */
};

struct now_member {
	pid_t pid, tid;
	uint32_t wait; /* index; NOT_KNOWN: it waits for a child, or: */
	bool pipe;     /* for what comes through one */
	uint64_t switches;
};

/* They wait for each other. */
struct now_circle {
	bool until_timeout; /* one has a timer running */
	bool others;	    /* another thread or process could let go, if it wanted */
	uint32_t cycle;	    /* the first so many wait each for the next, the last for the first */
	VEC(struct now_member) members;
};

struct now {
	VEC(struct now_file) files;
	VEC(struct now_hold) holds;
	VEC(struct now_wait) waits;
	VEC(struct now_process) processes; /* by pid */
	VEC(struct now_circle) circles;
	uint32_t looked_at, hidden; /* processes; hidden: whose descriptors may not be seen */
	int64_t wall;		    /* ns since 1970 */
};

/* What is asked for: all, one file, or one process with those in its way and those it is in the
 * way of. */
struct now_wanted {
	pid_t pid; /* 0: any */
	bool one_file;
	uint64_t device, inode;
};

/* The identity of a file by its path. 0 or errno; the file is not opened. */
int now_want_file(struct now_wanted *wanted, const char *path);

/* 0, or errno of /proc/locks. now_free() in both cases. */
int now_look(struct now *now, const struct now_wanted *wanted);
void now_free(struct now *now);

const struct now_process *now_process(const struct now *now, pid_t pid);
/* Whether it took the lock and is gone, and others have it still, or may have. */
bool now_taker_is_dead(const struct now *now, const struct now_hold *hold);

#endif
