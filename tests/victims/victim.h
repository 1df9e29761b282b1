/* SPDX-License-Identifier: MIT */
/*
 * What the victims share. A victim makes lock calls, and before each prints the line that strace
 * and `flocktrace dump --calls` must show for it: "TID call(arguments) = result", in the order in
 * which each thread begins its calls; last of all "OK". Every helper checks the result, and that a
 * success leaves errno alone; what is not as expected ends the victim with status 1.
 *
 * Files are made in the working directory.
 */
#ifndef VICTIMS_VICTIM_H
#define VICTIMS_VICTIM_H

#include <fcntl.h>
#include <stdbool.h>
#include <sys/file.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK(condition) check(condition, #condition, __FILE__, __LINE__)

void check(bool condition, const char *text, const char *file, int line);

/* First and last statement of main: begin() marks in a system call trace where main starts. */
void begin(void);
int done(void);

int fresh(const char *name);   /* an empty file of that name, open for reading and writing */
int another(const char *name); /* a second open file description of it */

/* Prints a line for the calling thread; async-signal-safe enough for short lines. */
__attribute__((format(printf, 1, 2))) void expect(const char *format, ...);

/* The calls, with the errno that they must end with; 0: success. */
void fcntl_lock(int fd, int command, int type, int whence, off_t start, off_t len, int error);
void flock_lock(int fd, int operation, int error);
void lockf_lock(int fd, int command, off_t len, int error);

/* Asks, and must be answered so; type F_UNLCK: nobody is in the way, and the rest is unchanged. */
struct answer {
	int type;
	off_t start, len;
	pid_t pid;
};
void fcntl_query(int fd, int command, int type, int whence, off_t start, off_t len,
		 struct answer answer);

/* Only the line, for a call that the victim makes itself or that never returns ("?"). */
void expect_fcntl(int fd, int command, int type, int whence, off_t start, off_t len,
		  const char *result);
void expect_flock(int fd, int operation, const char *result);

/* A gate opens once; whoever waits at it goes on then. */
struct gate {
	int end[2];
};
struct gate gate_new(void);
void gate_open(struct gate gate);
void gate_wait(struct gate gate);

/* Returns when that thread sleeps in fcntl or flock. */
void wait_until_blocked(pid_t pid, pid_t tid);

void reap(pid_t child);			/* must end with status 0 */
void reap_killed(pid_t child, int sig); /* must die by sig */

/* In a child: takes an exclusive lock on [0, 10) of the file, which must end with that errno. */
void probe_in_child(const char *name, int error);

#endif
