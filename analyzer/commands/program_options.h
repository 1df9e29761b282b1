/* SPDX-License-Identifier: MIT */
/* What `run` and `record` both do: options before the program, and creating files that must not
 * exist. */
#ifndef ANALYZER_COMMANDS_PROGRAM_OPTIONS_H
#define ANALYZER_COMMANDS_PROGRAM_OPTIONS_H

#include <stdbool.h>

/* One line on stderr that ends in "try 'flocktrace COMMAND --help'"; returns 125. */
int usage_error(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Creates a file for writing, 0600. An existing one is refused: -1, and a line on stderr. */
int create_new_file(const char *path);

/* All of a file, from one descriptor to another. False: errno. */
bool copy_file(int from, int to);

/*
 * Before anything is made or started. A setting with a value that it does not accept: a line on
 * stderr, and 125; else 0. `quiet`: stderr is for a program to read, so only errors are said there,
 * not that FLOCKTRACE_SESSION does not count.
 */
int check_settings(const char *command, bool quiet);

/* "Next: flocktrace COMMAND WORD…" on stderr, quoted for a shell. */
void print_next(const char *command, char *const *words);

/* "flocktrace.PROGRAM.PID.trace" in the current directory; the caller frees it. */
char *default_trace_name(const char *program, int pid);

#endif
