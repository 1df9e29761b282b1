/* SPDX-License-Identifier: MIT */
/*
 * Starting the program: it gets everything as the launcher found it, and two more variables; and a
 * third, ASAN_OPTIONS, if it would refuse to start otherwise.
 */
#ifndef ANALYZER_LAUNCH_PROGRAM_H
#define ANALYZER_LAUNCH_PROGRAM_H

#include <stdbool.h>
#include <sys/types.h>

#include "analyzer/launch/signals.h"

struct program {
	pid_t pid;
	int go;	   /* a byte here lets it go on, closing it calls it off */
	int error; /* an exec that failed sends its errno here */
};

/* What the environment of the program gets. */
struct program_setting {
	const char *session, *preload; /* paths */
	bool shared_asan; /* its ASan runtime checks that nothing was preloaded before it */
};

/* Forks a child that waits, so that its pid is known before it runs. False: errno. */
bool program_prepare(struct program *program, char **argv, const struct program_setting *setting,
		     const struct signals *signals);

/* Lets it run. 0, or the errno with which exec failed; then the child is reaped. */
int program_go(struct program *program);

/* Calls it off: nothing was started. */
void program_cancel(struct program *program);

#endif
