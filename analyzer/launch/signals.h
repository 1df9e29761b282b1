/* SPDX-License-Identifier: MIT */
/*
 * The launcher's signals: those that it passes on arrive through a descriptor, and the program
 * starts with mask and dispositions as the launcher found them.
 */
#ifndef ANALYZER_LAUNCH_SIGNALS_H
#define ANALYZER_LAUNCH_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

#define SIGNALS_CHANGED 3

struct signals {
	int fd; /* CLOEXEC; polls readable when a signal has arrived */
	sigset_t mask;
	struct sigaction found[SIGNALS_CHANGED];
};

bool signals_take(struct signals *signals);
/* Async-signal-safe: for the child between fork and exec. */
void signals_restore(const struct signals *signals);

struct signals_event {
	int signal;
	bool to_group; /* the terminal sent it, and to the program too */
	bool ends;     /* somebody wants an end: TERM, INT, HUP, QUIT */
};

/* False: none waiting. */
bool signals_next(struct signals *signals, struct signals_event *event);

/* Ends as the program did: with its status, or by its signal without another core file. */
_Noreturn void signals_exit_like(int wait_status);

#endif
