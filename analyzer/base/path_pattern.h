/* SPDX-License-Identifier: MIT */
/* Patterns of paths, as users write them. */
#ifndef ANALYZER_BASE_PATH_PATTERN_H
#define ANALYZER_BASE_PATH_PATTERN_H

#include <stdbool.h>

/* As the shell's, but that * and ? match slashes too. A pattern without a slash is of the last part
 * of the path; one with a slash of all of it. */
bool path_matches(const char *pattern, const char *path);

/*
 * A path with # for what only numbers it: digits, hexadecimal words of 8 and more with a digit,
 * words of 16 and more with three digits, uuids. For the caller to free.
 */
char *fold_path(const char *path);

#endif
