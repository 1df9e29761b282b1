/* SPDX-License-Identifier: MIT */
/*
 * Events written by hand, as the recorder writes them, and what the model tells about them as text.
 * Processes are A, B, …; each has one thread unless a test says otherwise.
 */
#ifndef TESTS_UNIT_MODEL_EVENTS_H
#define TESTS_UNIT_MODEL_EVENTS_H

#include "analyzer/model/model.h"

enum { A, B, C, D, PROCESSES };
#define S MODE_SHARED
#define X MODE_EXCLUSIVE
#define U MODE_UNLOCK

#define END RANGE_TO_EOF
#define FD  3 /* what a POSIX request uses, if the test does not care */

struct lock {
	uint32_t process, tid, file;
	int32_t fd;
	enum world world;
	enum ownership ownership;
	enum mode mode;
	uint64_t start, end;
	bool wait, bad_range, inherited;
};

/* Requests. File 0, not blocking, thread = process. */
struct lock posix(uint32_t process, enum mode mode, uint64_t start, uint64_t end);
struct lock ofd(uint32_t process, int32_t fd, enum mode mode, uint64_t start, uint64_t end);
struct lock whole(uint32_t process, int32_t fd, enum mode mode); /* flock */
/* The same, but … */
struct lock waiting(struct lock lock);
struct lock by_thread(struct lock lock, uint32_t tid);
struct lock at_fd(struct lock lock, int32_t fd);
struct lock on_file(struct lock lock, uint32_t file);
struct lock inherited(struct lock lock);

/* A model for each test. */
extern struct model *model;
void begin_model(void);
void end_model(void);

/* Lock calls. Times in ns. */
void ask(uint64_t time, struct lock lock);
void answer(uint64_t begin, uint64_t end, struct lock lock, int error);
void answer_alone(uint64_t begin, uint64_t end, struct lock lock, int error);
void abandon(uint64_t begin, uint64_t end, struct lock lock);
/* A whole call of 1 ns with the events that the recorder writes for it. An unlock has its request
 * alone. */
void take(uint64_t time, struct lock lock);
void fail(uint64_t time, struct lock lock, int error);

/* Other calls. */
void closes(uint64_t time, uint32_t process, int32_t first, int32_t last, uint32_t file);
void close_fails(uint64_t time, uint32_t process, int32_t first, int32_t last, int error);
void dup_to(uint64_t time, uint32_t process, int32_t from, int32_t to);
/* dup2 onto an fd that is a file; it says so before it is done. */
void dup_over(uint64_t time, uint32_t process, int32_t from, int32_t to, uint32_t file);
void dup_fails(uint64_t time, uint32_t process, int32_t from, int32_t to, int error);
void cloexec(uint64_t time, uint32_t process, int32_t fd, bool on);
void inherits(uint64_t time, uint32_t process, int32_t fd, uint32_t other);
/* The other process has it under another number. */
void inherits_as(uint64_t time, uint32_t process, int32_t fd, uint32_t other, int32_t other_fd);
/* Found at its descriptor when the process began. */
void keeps(uint64_t time, struct lock lock);
/* And the kernel says who took it. */
void keeps_of(uint64_t time, struct lock lock, uint32_t taker);
void forks(uint64_t time, uint32_t process);
void forked(uint64_t time, uint32_t process, int64_t pid);
void born(uint64_t time, enum birth birth, uint32_t process, uint32_t parent, uint64_t open_fds);
void exits(uint64_t time, uint32_t process);
void dies(uint64_t time, uint32_t process);
/* It was found dead: it died at any time since its last word. */
void found_dead(uint64_t time, uint32_t process);
void reaps(uint64_t time, uint32_t process, int64_t pid, int status);
void other_call(uint64_t time, uint32_t process);
void loses(uint64_t time);
void ends(uint64_t time);
/* And nobody knows who has died meanwhile. */
void ends_unwatched(uint64_t time);

/* Pids of processes: what fork returns and wait reaps. */
#define PID(process) (1000 + (int)(process))

/*
 * What is held on a file now: "A:X0-100 B:oS5-END C:fX" (record locks of process A, of a
 * description that B locked, flock by C). "B(A):…" is a hold that B took and A keeps. Valid until
 * the next call.
 */
const char *held_on(uint32_t file);
#define held() held_on(0)
/*
 * What the model has told since the last call, a line each:
 * "A:X0-100 10..50 released\n", "B waits X0-10 30..90 granted: A 30..80, C 40..90\n",
 * "B waits X0-10 30..<=90 …" where the end is the latest possible one.
 * Requests are counted instead. Valid until the next call.
 */
const char *told(void);
extern unsigned requests_told;

#endif
