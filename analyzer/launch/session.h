/* SPDX-License-Identifier: MIT */
/*
 * Makes the session file of `run` and `record`, where trace/session.h says, or maps one that
 * exists. Functions that can fail return false and set *error to a line for people, without a
 * newline (the caller frees it).
 */
#ifndef ANALYZER_LAUNCH_SESSION_H
#define ANALYZER_LAUNCH_SESSION_H

#include <stdbool.h>
#include <stddef.h>

#include "trace/format.h"

struct session {
	char *path;
	char *directory; /* NULL: we did not make the file */
	struct header *header;
	size_t bytes;
	/* As checked when it was mapped: the header itself may be overwritten by anybody. */
	struct header checked;
};

bool session_create(struct session *session, char **error);
/* A session that others record into: that of a path, or the one that a process has mapped. */
bool session_attach(struct session *session, const char *path, char **error);
char *session_of_process(int pid, char **error);
/* A text in /proc/PID/maps of every process that records into it. */
const char *session_mark(const struct session *session);
/* Unmaps; a file that session_create() made is removed, and its directory if it is empty then. */
void session_close(struct session *session);

static inline struct thread_slot *session_threads(const struct session *session)
{
	return (struct thread_slot *)((char *)session->header + session->checked.thread_offset);
}

static inline struct process_slot *session_processes(const struct session *session)
{
	return (struct process_slot *)((char *)session->header + session->checked.process_offset);
}

static inline struct cell *session_ring(const struct session *session)
{
	return (struct cell *)((char *)session->header + session->checked.ring_offset);
}

static inline struct cell *session_slow(const struct session *session)
{
	return (struct cell *)((char *)session->header + session->checked.slow_offset);
}

#endif
