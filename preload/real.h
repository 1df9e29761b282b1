/* SPDX-License-Identifier: MIT */
/* The real functions of libc, one pointer per row of calls.def, found once in the constructor and
 * never on a call path. */
#ifndef PRELOAD_REAL_H
#define PRELOAD_REAL_H

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>

struct real {
#define X(type, name, parameters) type(*name) parameters;
#include "preload/calls.def"
#undef X
};

extern struct real real;

/* The real syscall(2) and vfork(2); the targets of the jumps in arch.h. */
extern long (*real_syscall)(long number, ...);
extern pid_t (*real_vfork)(void);

/* Looks every pointer up; what libc does not have stays NULL. Constructor only: dlsym may lock and
 * allocate. */
void real_resolve(void);

#endif
