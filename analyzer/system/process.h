/* SPDX-License-Identifier: MIT */
/* What /proc tells about one process. Every answer may be old by the time it is read: compare start
 * times. */
#ifndef ANALYZER_SYSTEM_PROCESS_H
#define ANALYZER_SYSTEM_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct process_stat {
	char state; /* as in proc(5): 'R', 'S', 'Z' … */
	pid_t parent;
	uint64_t start_time; /* clock ticks since boot */
	uint64_t image;	     /* changes with exec (almost surely: the kernel shuffles addresses) */
};

/* A question about another process: it may be gone, or we may not be allowed to look. */
enum answer { ANSWER_NO, ANSWER_YES, ANSWER_UNKNOWN };

/* False if there is no such process. */
bool process_stat(pid_t pid, struct process_stat *stat);

/* Does a mapped file's path contain this text? */
enum answer process_maps(pid_t pid, const char *text);

/* Does the environment that the image was started with have NAME=…text…? Unknown if it is empty. */
enum answer process_started_with(pid_t pid, const char *name, const char *text);

/* The value of NAME in that environment, which the caller frees; NULL: none, or not to be read. */
char *process_environment(pid_t pid, const char *name);

/* The path of the executable; where that may not be read, its short name; "" if it is gone. */
void process_executable(pid_t pid, char *buffer, size_t size);

/*
 * Whether an executable is a tool of valgrind: linked statically itself, it loads and runs another
 * program, with what that one preloads.
 */
bool executable_is_valgrind(const char *exe);

/* Whether its effective user is not its real one: a setuid program, seen from outside. */
bool process_changed_user(pid_t pid);

/* The number that the process has in its own pid namespace; 0 unknown. */
pid_t process_inner_pid(pid_t pid);

/* Inode of our own pid namespace; 0 unknown. */
uint64_t process_own_pidns(void);

/* A CLOEXEC descriptor that polls readable when the process has ended, or -1 and errno. */
int process_pidfd(pid_t pid);

/* Reads a whole file of /proc/PID, with pid 0 of /proc, NUL-terminated, into *buffer (xrealloc'ed);
 * its length, or -1 and errno. */
ssize_t process_file(pid_t pid, const char *name, char **buffer);

#endif
