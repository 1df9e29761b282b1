/* SPDX-License-Identifier: MIT */
/*
 * A lock call on its way: written to the thread's slot before the kernel is entered, to the ring as
 * a REQUEST where it may block or weaken a lock, and as a RESULT where something was learnt.
 */
#ifndef PRELOAD_REQUEST_H
#define PRELOAD_REQUEST_H

#include "preload/grants.h"
#include "preload/stack.h"
#include "preload/thread.h"

/* A request as the host made it. */
struct asked {
	uint8_t op;	/* enum lock_op */
	uint16_t flags; /* mode, whence, FLAG_NONBLOCK, FLAG_BAD_RANGE, FLAG_RAW_MODE,
			   FLAG_LIBC_SYSCALL */
	int fd;
	int64_t start, len; /* raw */
	uint64_t raw_mode;  /* with FLAG_RAW_MODE */
};

/* Lives on the stack of the hook between request_begin() and request_end(). */
struct request {
	struct thread *thread; /* NULL: nothing is recorded */
	struct lock lock;
	union {
		struct record_lock record;
		uint64_t word[PAYLOAD_WORDS]; /* the same, as it is written */
	};
	bool in_ring;
	uint32_t index; /* of the thread slot's place */
};

/* Before the real call. Leaves request->thread NULL where the recorder steps aside. */
void request_begin(struct request *request, const struct asked *asked, struct site site);

/* After it. error: 0 or errno. answer: what a successful query found, else NULL. */
struct answer {
	uint16_t mode; /* 0: nothing in the way */
	int32_t pid;
	struct range range;
};
void request_end(struct request *request, int error, const struct answer *answer);

/* The thread ends inside its requests (cancellation). */
void request_abandon_all(struct thread *thread);

#endif
