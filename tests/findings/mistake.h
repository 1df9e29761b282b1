/* SPDX-License-Identifier: MIT */
/*
 * Programs with a lock mistake, each with a twin that comes close and hasn't made it. Whoever takes
 * part does so in a function named by its role, which a finding must name. Files are made in the
 * working directory; nobody waits for time to pass where it can wait for somebody.
 */
#ifndef TESTS_FINDINGS_MISTAKE_H
#define TESTS_FINDINGS_MISTAKE_H

#include <fcntl.h>
#include <stdbool.h>
#include <sys/file.h>
#include <unistd.h>

#include "victim.h"

/* A role: a frame of its own in every stack, built without sibling calls. */
#define ROLE static __attribute__((noinline))

/* Long enough to be work that goes on, by the measure of WENT_ON_NS. */
#define WORK_US 30000

struct scenario {
	const char *name;
	void (*play)(bool mistake);
};

/* main of each program: PROGRAM NAME mistake|twin. */
int play(int argc, char **argv, const struct scenario *scenarios);

int open_lock(const char *name); /* made if need be */
/* fcntl with F_SETLK or another command; ends the program if the result is another. */
void record_lock(int fd, int command, int type, off_t start, off_t len, int error);
void file_lock(int fd, int operation, int error);

/* Runs the role in a child that must end well. */
void in_child(void (*role)(const char *name), const char *name);

#endif
