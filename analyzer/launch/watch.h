/* SPDX-License-Identifier: MIT */
/*
 * Watches the recorded processes: each process slot that appears is followed by a pidfd; when the
 * process has ended, its death is recorded and its slots are freed for others.
 */
#ifndef ANALYZER_LAUNCH_WATCH_H
#define ANALYZER_LAUNCH_WATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "analyzer/base/vec.h"
#include "analyzer/launch/session.h"
#include "analyzer/launch/trace_file.h"

struct watched {
	uint32_t process; /* 0: this slot is not followed */
	pid_t pid;	  /* in our namespace; 0: not visible from here */
	uint64_t start_time;
	int pidfd; /* -1: none to be had, so it is looked at now and then */
};

struct watch {
	struct session *session;
	struct trace_file_writer *trace;
	int epoll;		 /* the caller's; gets the pidfds, with the slot's number as data */
	struct watched *watched; /* one for each process slot */
	uint64_t seen_processes; /* next_process when the slots were last scanned */
	uint64_t next_scan;
	uint32_t at;	      /* where the scan goes on */
	bool scanned;	      /* all slots were looked at once */
	VEC(uint32_t) buried; /* processes whose thread slots are not freed yet */
	uint64_t next_sweep;
	uint32_t alive;
	pid_t child; /* ours, 0: none */
	int child_status;
	bool child_reaped;
	uint64_t pidns; /* ours */
	/* Finds the pid here of a process of another pid namespace; NULL: those are not followed.
	 */
	pid_t (*find)(const void *context, pid_t inner, uint64_t start_time);
	const void *context;
	bool bury; /* false: somebody else drains this session and frees its slots */
};

void watch_begin(struct watch *watch, struct session *session, struct trace_file_writer *trace,
		 int epoll);

/* Looks for new slots when there may be some, and now and then anyway; never for long. */
void watch_step(struct watch *watch, uint64_t now);

/* Frees the thread slots of the dead; what they were inside of goes into the trace. */
void watch_sweep(struct watch *watch);

/* Looks at all slots and at all who are followed, and sweeps. */
void watch_all(struct watch *watch);

/* A pidfd of this slot has become readable. */
void watch_ended(struct watch *watch, uint32_t slot);

/* True if this process, by pid and start time, has spoken and is alive. */
bool watch_is_recorded(const struct watch *watch, pid_t pid, uint64_t start_time);

void watch_end(struct watch *watch);

#endif
