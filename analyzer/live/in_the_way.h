/* SPDX-License-Identifier: MIT */
/*
 * Which holds are in the way of those who have waited for a while: by what the processes of the
 * session say in their slots; and where nobody says so, by what the kernel tells of descriptors,
 * which is dear and looked at ever more rarely while the same wait on.
 */
#ifndef ANALYZER_LIVE_IN_THE_WAY_H
#define ANALYZER_LIVE_IN_THE_WAY_H

#include "analyzer/live/files.h"
#include "analyzer/live/slots.h"
#include "analyzer/system/open_files.h"

/* A hold, by a process of the session. */
struct way {
	uint32_t process;
	pid_t pid, inner; /* of that process: here, and in its own namespace */
	uint32_t tid;	  /* who took it, in that namespace; 0: not known, or somebody else */
	uint64_t time;	  /* when it was asked for; 0: not known */
	uint64_t inode, start, end;
	reference file; /* as one who waits names it */
	uint8_t op;	/* as one who waits has it: the world is the same */
	bool shared;
};

/* Sorted, each once; those of one process and file together. */
struct ways {
	VEC(struct way) vec;
};

struct in_the_way {
	struct slots slots;
	live_find find;
	const void *context;
	uint64_t pidns;
	struct file_names files;
	struct open_files open; /* of files whose holder no slot tells */
	uint64_t next_open, pause;
	VEC(struct peer) peers;
	VEC(struct wanted) wanted;
};

/* `since`: who has waited since then (ns). */
void in_the_way_find(struct in_the_way *all, const struct slot_waits *waits, uint64_t since,
		     uint64_t now, struct ways *ways);
void in_the_way_free(struct in_the_way *all);
/* By all that tells a way from another; 0: they are the same. */
int way_order(const struct way *a, const struct way *b);

#endif
