/* SPDX-License-Identifier: MIT */
/* Can a program be recorded, is a process: looked at from outside, before anything is started. */
#ifndef ANALYZER_SYSTEM_CHECKUP_H
#define ANALYZER_SYSTEM_CHECKUP_H

#include <stdbool.h>
#include <sys/types.h>

#include "analyzer/base/vec.h"
#include "analyzer/system/obstacles.h"

struct remark {
	enum obstacle obstacle;
	const char *advice; /* that of the table, or a better one */
};

struct checkup {
	char *program; /* what was asked about, as it was found: a path, or a pid's executable */
	char *image;   /* what runs in the end: the interpreter of a script; may be equal */
	VEC(struct remark) remarks;
};

/*
 * Finds the program as execvp() does and follows scripts, env(1) and wrappers (wrappers.def) to
 * what runs in the end. 0, or
 * the errno with which starting it would fail. checkup_free() in both cases.
 */
int checkup_program(struct checkup *checkup, char *const *argv);

/*
 * Is the recorder in this process, and if not, why? 0, or errno: there is no such process. *loaded:
 * the path of the recorder in it, NULL: none (the caller frees it). Whether it has a session is not
 * asked here.
 */
int checkup_process(struct checkup *checkup, pid_t pid, char **loaded);

/* A remark that the caller knows better. */
void checkup_remark(struct checkup *checkup, enum obstacle obstacle, const char *advice);

bool checkup_has(const struct checkup *checkup, enum obstacle obstacle);

/* The first remark with that effect; NULL: none. */
const struct remark *checkup_first(const struct checkup *checkup, enum effect effect);

void checkup_free(struct checkup *checkup);

#endif
