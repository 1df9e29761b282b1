/* SPDX-License-Identifier: MIT */
/* Locks that are held since before the oldest record of the ring. */
#include "analyzer/read/reader.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/mktrace.h"

#define SECOND UINT64_C(1000000000)

static struct mktrace *make;
static struct event events[8];
static uint32_t count;
static struct reader *reader;

static struct grant grant_at(uint64_t time)
{
	return (struct grant){ .state = GRANT_HELD,
			       .op = OP_FLOCK,
			       .mode = FLAG_EXCLUSIVE,
			       .fd = 7,
			       .tid = 4712,
			       .device = 5,
			       .inode = 9,
			       .end = RANGE_EOF,
			       .time = time };
}

static void holds(uint32_t slot, uint32_t process, struct grant grant)
{
	struct process_slot *at = mktrace_process_slot(make, slot);

	at->process = process;
	at->pid = 4711;
	at->grant[at->grants] = grant;
	at->grants = at->grants << 1 | 1;
}

/* More than the ring has room for, from 100 s on. */
static void fill_ring(unsigned records)
{
	for (unsigned i = 0; i < records; i++)
		mktrace_lock(make, (struct record_lock){ .kind = RECORD_RESULT,
							 .op = OP_FCNTL_SETLK,
							 .flags = FLAG_EXCLUSIVE,
							 .process = 9,
							 .tid = 1,
							 .time = 100 * SECOND,
							 .len_or_end = 10 });
}

/* What comes before the gap at the ring's beginning. */
static void read_beginning(void)
{
	char *path = mktrace_temporary(make->bytes, make->size);
	const char *error = NULL;
	struct event event;

	reader = reader_open(path, &error);
	cr_assert_not_null(reader, "%s", error);
	count = 0;
	while (reader_next(reader, &event) && event.kind != EVENT_LOST && !event.position &&
	       event.kind != EVENT_END && count < 8)
		events[count++] = event;
	unlink(path);
	free(path);
}

static void begin(void)
{
	make = mktrace_session(MKTRACE_SMALL);
}

static void end(void)
{
	reader_free(reader);
	mktrace_free(make);
}

TestSuite(grants, .init = begin, .fini = end);

Test(grants, a_lock_held_since_before_the_oldest_record_is_an_event)
{
	holds(1, 3, grant_at(5 * SECOND));
	fill_ring(400);
	read_beginning();
	cr_assert_eq(count, 1);
	cr_expect_eq(events[0].kind, EVENT_RESULT);
	cr_expect_eq(events[0].time, 5 * SECOND);
	cr_expect_eq(events[0].tid, 4712);
	cr_expect_eq(events[0].lock.world, FLOCK_LOCKS);
	cr_expect_eq(events[0].lock.mode, MODE_EXCLUSIVE);
	cr_expect_eq(events[0].lock.fd, 7);
	cr_expect_eq(events[0].lock.end, RANGE_TO_EOF);
	cr_expect_eq(reader_catalog(reader)->processes[events[0].process].id, 3);
	cr_expect_eq(reader_catalog(reader)->files[events[0].file].inode, 9);
}

Test(grants, what_the_ring_tells_itself_is_not_told_twice)
{
	holds(1, 3, grant_at(101 * SECOND));
	fill_ring(400);
	read_beginning();
	cr_expect_eq(count, 0);
}

Test(grants, a_ring_that_has_all_needs_no_slots)
{
	holds(1, 3, grant_at(5 * SECOND));
	fill_ring(20);
	read_beginning();
	cr_expect_eq(count, 0);
}

Test(grants, what_is_not_known_for_certain_is_left_out)
{
	struct grant partly = grant_at(5 * SECOND), busy = partly, bad = partly;

	partly.state = GRANT_PARTLY;
	busy.state = GRANT_BUSY;
	bad.op = 200;
	holds(1, 3, partly);
	holds(1, 3, busy);
	holds(1, 3, bad);
	holds(2, 4, grant_at(5 * SECOND));
	mktrace_process_slot(make, 2)->exiting = 1; /* and nobody can tell whether it has gone */
	fill_ring(400);
	read_beginning();
	cr_expect_eq(count, 0);
}

Test(grants, what_fork_copied_is_the_same_lock)
{
	struct grant other = grant_at(4 * SECOND);

	other.inode = 10;
	holds(1, 8, grant_at(5 * SECOND));
	holds(2, 3, grant_at(5 * SECOND));
	holds(2, 3, other);
	fill_ring(400);
	read_beginning();
	cr_assert_eq(count, 3);
	cr_expect_eq(events[0].time, 4 * SECOND);
	cr_expect_eq(reader_catalog(reader)->processes[events[1].process].id, 3);
	cr_expect_eq(events[1].kind, EVENT_RESULT);
	cr_expect_eq(events[2].kind, EVENT_CALL_RESULT);
	cr_expect_eq(events[2].call.call, INHERITED_FD);
	cr_expect_eq(reader_catalog(reader)->processes[events[2].process].id, 8);
	cr_expect_eq(events[2].call.other, events[1].process);
}
