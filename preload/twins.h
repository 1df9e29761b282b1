/* SPDX-License-Identifier: MIT */
/*
 * Fds that came from one another by dup before any of them was locked. Noted without a record and
 * without a system call, since nearly all of them are never locked; told when one of them is.
 */
#ifndef PRELOAD_TWINS_H
#define PRELOAD_TWINS_H

#include <stdbool.h>

#define TWINS_MAX 1024 /* higher fds are not followed */

/*
 * dup gave `to` from `from`; inherited: which another process may have, too. In a vfork child this
 * is noted in the parent too: twins_each() asks.
 */
void twins_note(int from, int to, bool inherited);

/* fd is closed. */
void twins_forget(int fd);

/* In a fork child: its parent has all twins, too. */
void twins_forked(void);

/* Whether fd came by dup from one that was inherited, or had a twin when this process was forked.
 */
bool twins_inherited(int fd);

/* Calls for each other fd that was noted as fd's twin. */
void twins_each(int fd, void (*found)(int fd, int twin));

#endif
