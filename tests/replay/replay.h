/* SPDX-License-Identifier: MIT */
/*
 * Random lock calls of several processes, and what the kernel says of them after each one.
 *
 * A controller hands out one operation at a time to actors (processes of THREADS threads) and waits
 * until each of them is done or blocked in the kernel. Then it asks for a lock on the marker file,
 * whose start is the number of the look that follows: the record of that query shows in the trace
 * where the look belongs. What it sees goes to a log, which compare.c holds against the model.
 */
#ifndef TESTS_REPLAY_REPLAY_H
#define TESTS_REPLAY_REPLAY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define ACTORS	   5
#define THREADS	   2
#define FILES	   3
#define FIRST_FD   3 /* of the files under test; what is lower is not touched */
#define END_FD	   10
#define FIRST_PIPE 100 /* every actor has all pipes */
#define FILE_BYTES 40  /* where SEEK_END counts from */
#define BYTES	   200 /* of a file, more than any finite range reaches */
#define MARKER	   "marker"

enum op {
	OP_RECORD,    /* fcntl: command, type, whence, start, length */
	OP_LOCKF,     /* lockf: command, length */
	OP_FLOCK,     /* command */
	OP_SEEK,      /* start */
	OP_OPEN,      /* other: file; command: flags */
	OP_CLOSE,     /* fd */
	OP_FCLOSE,    /* fd */
	OP_RAW_CLOSE, /* fd, through syscall(2) */
	OP_RANGE,     /* close_range fd .. other, command: flags */
	OP_DUP,	      /* fd */
	OP_DUP_ABOVE, /* F_DUPFD or F_DUPFD_CLOEXEC fd, not below other */
	OP_DUP2,      /* fd over other */
	OP_DUP3,      /* the same, close-on-exec */
	OP_SETFD,     /* fd, command: flags */
	OP_FORK,      /* other: slot of the child */
	OP_EXEC,
	OP_EXIT, /* command: 0 exit, 1 _exit */
	OP_REAP, /* other: pid */
};

struct command {
	enum op op;
	int32_t fd, other, command;
	int16_t type, whence;
	int64_t start, length;
};

struct reply {
	int32_t result, error;
	pid_t tids[THREADS]; /* of those who begin: after fork and exec */
};

static inline int pipe_fd(int slot, int thread, bool replies, bool write)
{
	return FIRST_PIPE + ((slot * THREADS + thread) * 2 + replies) * 2 + write;
}

/* Becomes the actor of this slot, and first says so as its thread `answering`. */
_Noreturn void act(int slot, int answering);

/* ---- What the kernel says */

struct seen;

/* What is open of an actor's /proc; -1: not yet. */
struct eyes {
	pid_t pid;
	int fdinfo[END_FD];
	int call[THREADS], sleep[THREADS], runs[THREADS];
};

void eyes_on_process(struct eyes *eyes, pid_t pid);
/* The threads that it has now. */
void eyes_on_threads(struct eyes *eyes, const pid_t tids[THREADS]);
void eyes_close(struct eyes *eyes);

/* The descriptors and locks of an actor on the files under test are appended to `seen`; returns how
 * many. */
unsigned look_at(struct eyes *eyes, const ino_t *inodes, struct seen *seen);
/* Whether a thread is inside of a call that locks files, asleep until somebody gives way. */
bool is_blocked(struct eyes *eyes, int thread);
/* What it does, to stderr, for people. */
void describe_thread(struct eyes *eyes, int thread);
/* How often it was given a processor; 0 where the kernel does not count. */
unsigned long times_run(struct eyes *eyes, int thread);

/* ---- The log: a look is a struct look and that many struct seen */

struct look {
	uint32_t number, count;
};

enum seen_kind { SEEN_OPEN, SEEN_POSIX, SEEN_OFD, SEEN_FLOCK };

/* An open descriptor of a living actor (mode 0), or a lock that was taken through it. */
struct seen {
	uint32_t pid;
	uint8_t fd, file;
	uint8_t kind;	    /* enum seen_kind */
	uint8_t mode;	    /* 1 shared, 2 exclusive */
	uint8_t start, end; /* bytes; BYTES: to the end of file */
};

#endif
