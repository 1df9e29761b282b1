/* SPDX-License-Identifier: MIT */
/* The preload object that belongs to this flocktrace. */
#ifndef ANALYZER_LAUNCH_PRELOAD_H
#define ANALYZER_LAUNCH_PRELOAD_H

/*
 * Its path, found from where our own binary lies and looked at: it exists, the loader can take it,
 * and it writes the format that we read. NULL: *error is a line for people. The caller frees both.
 */
char *preload_find(char **error);

/* The same looks at one file; NULL or what is wrong with it. */
char *preload_check(const char *path);

#endif
