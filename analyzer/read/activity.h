/* SPDX-License-Identifier: MIT */
/* Is somebody still recording into this file, and when was it last written? At a glance: nothing is
 * replayed. */
#ifndef ANALYZER_READ_ACTIVITY_H
#define ANALYZER_READ_ACTIVITY_H

#include <stdbool.h>
#include <stdint.h>

struct activity {
	bool session; /* else a trace */
	bool recording;
	bool abandoned;	      /* a session whose maker and processes are all certainly gone */
	uint32_t processes;   /* that record into it now; a trace: 0 */
	uint64_t last_record; /* ns since 1970 */
};

/*
 * False: no session or trace that can be read. `modified`: ns since 1970, the file's own time: that
 * of a session says little, since what is written to a mapping on tmpfs does not change it.
 */
bool activity_of(const char *path, uint64_t modified, struct activity *activity);

#endif
