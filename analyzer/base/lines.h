/* SPDX-License-Identifier: MIT */
/* Files that users write: one thing a line, # begins a comment. */
#ifndef ANALYZER_BASE_LINES_H
#define ANALYZER_BASE_LINES_H

/*
 * Gives each line but empty ones and comments, without blanks around it, to `take`, which returns
 * NULL or what is wrong with it: that ends it. NULL: all was taken; else "FILE:3: …" or "FILE: …",
 * for the caller to free. A line is valid until `take` returns.
 */
char *lines_read(const char *path, const char *(*take)(void *context, char *line), void *context);
/* Cuts the next word off, and the blanks after it. "": there is none. */
char *lines_word(char **at);

#endif
