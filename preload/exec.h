/* SPDX-License-Identifier: MIT */
/* What exec took away that nobody saw. */
#ifndef PRELOAD_EXEC_H
#define PRELOAD_EXEC_H

/*
 * Constructor only, in a new image of a process that had POSIX locks: exec drops them where it
 * closed another fd of the same file. Writes a close of no fd for each such file.
 */
void exec_forget_lost(void);

#endif
