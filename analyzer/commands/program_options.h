/* SPDX-License-Identifier: MIT */
/* What `run` and `record` both do: options before the program, and creating files that must not
 * exist. */
#ifndef ANALYZER_COMMANDS_PROGRAM_OPTIONS_H
#define ANALYZER_COMMANDS_PROGRAM_OPTIONS_H

/* One line on stderr that ends in "try 'flocktrace COMMAND --help'"; returns 125. */
int usage_error(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Creates a file for writing, 0600. An existing one is refused: -1, and a line on stderr. */
int create_new_file(const char *path);

/* "Next: flocktrace COMMAND WORD…" on stderr, quoted for a shell. */
void print_next(const char *command, char *const *words);

/* "flocktrace.PROGRAM.PID.trace" in the current directory; the caller frees it. */
char *default_trace_name(const char *program, int pid);

#endif
