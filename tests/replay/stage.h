/* SPDX-License-Identifier: MIT */
/* The actors, as the controller sees them: what they are told, and whether they move. */
#ifndef TESTS_REPLAY_STAGE_H
#define TESTS_REPLAY_STAGE_H

#include <stdio.h>

#include "tests/replay/replay.h"

#define PATIENCE 30 /* seconds */

struct actor {
	pid_t pid; /* 0: the slot is free */
	pid_t tids[THREADS];
	bool busy[THREADS];	     /* has not answered yet */
	unsigned long runs[THREADS]; /* of a busy one, when it was last looked at */
	struct eyes eyes;
	pid_t parent;
	unsigned open; /* bit per fd, as the kernel showed it last */
};

extern struct actor actors[ACTORS];
extern unsigned long step;
extern FILE *trail; /* for people: what was told to whom; NULL: nobody asks */

/* Kills all, and ends with errno's word. */
_Noreturn void give_up(const char *what);

void make_pipes(void);
void introduce(int slot, pid_t pid, pid_t parent, const struct reply *reply);
/* Whose threads are new. */
void know_threads(struct actor *actor, const struct reply *reply);

void tell(int slot, int thread, struct command command);
bool try_answer(int slot, int thread, struct reply *reply);
bool answers_within(int slot, int thread, int seconds);
struct reply await(int slot, int thread);

/* Whether all who have not answered are blocked, and have not moved since this was asked last. */
bool all_still(void);
/* Until they are. */
void settle(void);

#endif
