/* SPDX-License-Identifier: MIT */
/* The launcher's own records, written into the ring as any other writer would. */
#ifndef ANALYZER_LAUNCH_WRITER_H
#define ANALYZER_LAUNCH_WRITER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "analyzer/launch/session.h"
#include "analyzer/live/holders.h"
#include "analyzer/live/live.h"
#include "analyzer/live/slots.h"

/* status: as waitpid() gave it, -1: not our child. */
void writer_death(struct session *session, uint32_t process, pid_t pid, int status);
/* Someone who took part and is not recorded; exe may be "". */
void writer_untraced(struct session *session, pid_t pid, const char *exe, const char *reason);
/* The command that `run` or `record` started; status -1: it has begun. */
void writer_run(struct session *session, pid_t pid, char **argv, int status);

/* A deadlock, seen while it lasts: those who wait for each other. */
void writer_verdict(struct session *session, const struct live_verdict *verdict);
/* What a holder was seen doing while others waited. */
void writer_doing(struct session *session, const struct holder_seen *seen);
/* A wait that nobody is about to end. holder: its number in the session; 0: not recorded. */
void writer_stuck(struct session *session, const struct slot_wait *wait, enum stuck why,
		  uint32_t holder, int fd);

#endif
