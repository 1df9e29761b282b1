/* SPDX-License-Identifier: MIT */
/* What is missing: holes, laps, and what slots and the slow ring still know of it. */
#include "analyzer/read/reader.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyzer/base/vec.h"
#include "tests/support/mktrace.h"
#include "trace/ring.h"

#define SECOND UINT64_C(1000000000)

struct reading {
	struct reader *reader;
	VEC(struct event) events;
	const struct catalog *catalog;
};

static struct reading read_file(const char *path)
{
	struct reading reading = { 0 };
	const char *error = NULL;
	struct event event;

	reading.reader = reader_open(path, &error);
	cr_assert_not_null(reading.reader, "%s", error);
	while (reader_next(reading.reader, &event))
		vec_push(&reading.events, event);
	reading.catalog = reader_catalog(reading.reader);
	return reading;
}

static struct reading read_made(const struct mktrace *make)
{
	char *path = mktrace_temporary(make->bytes, make->size);
	struct reading reading = read_file(path);

	unlink(path);
	free(path);
	return reading;
}

static void done(struct reading *reading, struct mktrace *make)
{
	reader_free(reading->reader);
	vec_free(&reading->events);
	mktrace_free(make);
}

static const char letters[] = {
	[EVENT_PROCESS] = 'p', [EVENT_REQUEST] = 'q', [EVENT_RESULT] = 'r', [EVENT_CALL] = 'c',
	[EVENT_DEATH] = 'd',   [EVENT_LOST] = 'l',    [EVENT_END] = 'e',
};

/* Whether the events begin like this, one letter for each kind. */
static bool begins(const struct reading *reading, const char *kinds)
{
	uint32_t i = 0;

	for (; kinds[i]; i++) {
		if (i == reading->events.count ||
		    letters[reading->events.items[i].kind] != kinds[i])
			return false;
	}
	return true;
}

static bool is(const struct reading *reading, const char *kinds)
{
	return begins(reading, kinds) && reading->events.count == strlen(kinds);
}

static struct record_lock lock_at(enum record_kind kind, uint32_t tid, uint64_t time)
{
	return (struct record_lock){
		.kind = (uint8_t)kind,
		.op = OP_FCNTL_SETLKW,
		.flags = kind == RECORD_RESULT ? FLAG_EXCLUSIVE | FLAG_HAS_REQUEST : FLAG_EXCLUSIVE,
		.process = 1,
		.tid = tid,
		.time = time,
		.len_or_end = 100,
		.outcome = kind == RECORD_RESULT ? OUTCOME(SECOND, 0) : 0,
	};
}

Test(gaps, zeros_in_a_trace_are_lost_records_and_rubbish_is_a_hole)
{
	struct mktrace *make = mktrace_trace(1);
	struct reading reading;

	mktrace_lock(make, lock_at(RECORD_REQUEST, 1, SECOND));
	mktrace_hole(make, 3);
	mktrace_damage(make, mktrace_lock(make, lock_at(RECORD_RESULT, 1, SECOND)));
	mktrace_lock(make, lock_at(RECORD_REQUEST, 2, SECOND));
	reading = read_made(make);
	cr_expect(is(&reading, "qllqe"));
	cr_expect_eq(reading.events.items[1].lost.records, 3);
	cr_expect_eq(reading.events.items[1].position, 2);
	cr_expect_eq(reading.events.items[2].lost.records, 1);
	cr_expect_eq(reading.catalog->quality.lost, 3);
	cr_expect_eq(reading.catalog->quality.holes, 1);
	done(&reading, make);
}

Test(gaps, what_came_before_a_trace_is_lost)
{
	struct mktrace *make = mktrace_trace(1001);
	struct reading reading;

	mktrace_lock(make, lock_at(RECORD_REQUEST, 1, SECOND));
	reading = read_made(make);
	cr_expect(is(&reading, "lqe"));
	cr_expect_eq(reading.catalog->quality.lost, 1000);
	cr_expect_eq(reading.events.items[1].position, 1001);
	done(&reading, make);
}

Test(gaps, a_trace_that_is_shorter_than_its_head_says_has_lost_its_end)
{
	struct mktrace *make = mktrace_trace(1);
	struct reading reading;

	mktrace_lock(make, lock_at(RECORD_REQUEST, 1, SECOND));
	make->header->ring_head.value = 5000000;
	reading = read_made(make);
	cr_expect(is(&reading, "qle"));
	cr_expect_eq(reading.catalog->quality.lost, 5000000 - 2);
	done(&reading, make);
}

Test(gaps, a_trace_whose_writer_was_killed_is_read_beyond_its_head)
{
	struct mktrace *make = mktrace_trace(1);
	struct reading reading;

	for (int i = 0; i < 6000; i++)
		mktrace_lock(make, lock_at(RECORD_REQUEST, 1, SECOND));
	mktrace_hole(make, 10);
	make->header->ring_head.value = 2;
	reading = read_made(make);
	cr_expect_eq(reading.events.count, 6001);
	cr_expect_eq(reading.catalog->quality.lost, 0);
	done(&reading, make);
}

Test(gaps, a_session_keeps_one_lap)
{
	struct mktrace *make = mktrace_session(MKTRACE_SMALL);
	struct reading reading;

	for (uint64_t i = 1; i <= 1000; i++)
		mktrace_lock(make, lock_at(RECORD_REQUEST, 1, i));
	reading = read_made(make);
	cr_expect_eq(reading.events.count, 1 + 256 + 1);
	cr_expect_eq(reading.events.items[0].kind, EVENT_LOST);
	cr_expect_eq(reading.events.items[0].lost.records, 1000 - 256);
	cr_expect_eq(reading.events.items[1].position, 1000 - 256 + 1);
	cr_expect_eq(reading.events.items[1].time, 1000 - 256 + 1);
	cr_expect_eq(reading.catalog->quality.lost, 1000 - 256);
	cr_expect_eq(reading.catalog->quality.holes, 0);
	done(&reading, make);
}

Test(gaps, stale_cells_of_the_lap_before_are_holes_not_records)
{
	struct mktrace *make = mktrace_session(MKTRACE_SMALL);
	struct reading reading;

	for (uint64_t i = 1; i <= 256; i++)
		mktrace_lock(make, lock_at(RECORD_REQUEST, 1, i));
	mktrace_hole(make, 5); /* their cells have records of the first lap */
	mktrace_lock(make, lock_at(RECORD_REQUEST, 1, 999));
	reading = read_made(make);
	cr_expect_eq(reading.catalog->quality.holes, 5);
	cr_expect_eq(reading.catalog->quality.lost, 6);
	cr_expect_eq(reading.events.items[reading.events.count - 2].time, 999);
	cr_expect_eq(reading.events.items[reading.events.count - 3].kind, EVENT_LOST);
	cr_expect_eq(reading.events.items[reading.events.count - 3].lost.records, 5);
	done(&reading, make);
}

Test(gaps, a_session_of_one_lap_exactly_has_lost_its_position_zero_only)
{
	struct mktrace *make = mktrace_session(MKTRACE_SMALL);
	struct reading reading;

	for (uint64_t i = 1; i <= 255; i++)
		mktrace_lock(make, lock_at(RECORD_REQUEST, 1, i));
	reading = read_made(make);
	cr_expect_eq(reading.events.count, 256);
	cr_expect_eq(reading.catalog->quality.lost, 0);
	done(&reading, make);
}

Test(gaps, an_announcement_cut_in_two_by_the_window_is_lapped_not_torn)
{
	struct mktrace *make = mktrace_session(MKTRACE_SMALL);
	char path[200] = "";
	struct reading reading;

	memset(path, 'p', sizeof(path) - 1);
	mktrace_file(make, 1, path); /* 6 cells */
	for (uint64_t i = 1; i <= 253; i++)
		mktrace_lock(make, lock_at(RECORD_REQUEST, 1, i));
	reading = read_made(make);
	cr_expect_eq(reading.catalog->quality.torn_announcements, 0);
	cr_expect_eq(reading.catalog->quality.lost, 3);
	cr_expect_eq(reading.events.count, 1 + 253 + 1);
	done(&reading, make);
}

Test(gaps, a_session_can_be_read_while_it_is_lapped)
{
	struct mktrace *make = mktrace_session(MKTRACE_SMALL);
	char *path;
	const char *error = NULL;
	struct reader *reader;
	struct event event;
	uint64_t requests = 0, last = 0;

	for (uint64_t i = 1; i <= 255; i++)
		mktrace_lock(make, lock_at(RECORD_REQUEST, 1, i));
	path = mktrace_temporary(make->bytes, make->size);
	reader = reader_open(path, &error);
	cr_assert_not_null(reader, "%s", error);
	/* Before the reader has looked at the first cell, writers take half a lap more. */
	for (uint64_t i = 256; i <= 383; i++)
		mktrace_lock(make, lock_at(RECORD_REQUEST, 1, i));
	mktrace_write(make, path);
	while (reader_next(reader, &event)) {
		if (event.kind != EVENT_REQUEST)
			continue;
		cr_assert_gt(event.time, last);
		last = event.time;
		requests++;
	}
	cr_expect_eq(last, 255);
	cr_expect_eq(requests, 255 - 127);
	cr_expect_eq(reader_catalog(reader)->quality.lost, 127);
	cr_expect_eq(reader_catalog(reader)->quality.holes, 0);
	reader_free(reader);
	unlink(path);
	free(path);
	mktrace_free(make);
}

Test(gaps, a_file_that_shrinks_while_it_is_read_ends_there)
{
	struct mktrace *make = mktrace_trace(1);
	const char *error = NULL;
	struct reader *reader;
	struct event event;
	char *path;
	int events = 0;

	for (uint64_t i = 1; i <= 20000; i++)
		mktrace_lock(make, lock_at(RECORD_REQUEST, 1, i));
	path = mktrace_temporary(make->bytes, make->size);
	reader = reader_open(path, &error);
	cr_assert_not_null(reader, "%s", error);
	cr_assert(reader_next(reader, &event));
	cr_assert_eq(truncate(path, 100), 0);
	while (reader_next(reader, &event))
		events++;
	cr_expect_geq(events, 2);
	cr_expect_eq(event.kind, EVENT_END);
	cr_expect_gt(reader_catalog(reader)->quality.lost, 0);
	reader_free(reader);
	unlink(path);
	free(path);
	mktrace_free(make);
}

/* ---- Slots ----------------------------------------------------------------------------------- */

Test(slots, a_request_in_progress_that_the_ring_has_is_not_told_twice)
{
	struct mktrace *make = mktrace_trace(1);
	struct record_lock record = lock_at(RECORD_REQUEST, 1, SECOND);
	struct reading reading;

	mktrace_pending(make, 0, record, mktrace_lock(make, record));
	reading = read_made(make);
	cr_expect(is(&reading, "qe"));
	cr_expect(!reading.events.items[0].lock.pending);
	done(&reading, make);
}

Test(slots, a_request_in_progress_that_the_ring_never_had_comes_at_the_end)
{
	struct mktrace *make = mktrace_trace(1);
	reference file = mktrace_file(make, 42, "/tmp/a");
	struct record_lock outer = lock_at(RECORD_REQUEST, 1, SECOND);
	struct record_lock inner = lock_at(RECORD_REQUEST, 1, 2 * SECOND);
	struct reading reading;

	outer.file = file;
	mktrace_pending(make, 2, outer, 0);
	mktrace_pending(make, 2, inner, 0);
	reading = read_made(make);
	cr_expect(is(&reading, "qqe"));
	cr_expect(reading.events.items[0].lock.pending && reading.events.items[1].lock.pending);
	cr_expect_eq(reading.events.items[0].position, 0);
	cr_expect_eq(reading.events.items[0].file, 0);
	cr_expect_eq(reading.events.items[0].lock.end, 100);
	cr_expect_eq(reading.events.items[1].time, 2 * SECOND);
	cr_expect_eq(reading.events.items[2].time, 2 * SECOND);
	done(&reading, make);
}

Test(slots, a_request_in_progress_whose_record_was_lapped_comes_at_the_end)
{
	struct mktrace *make = mktrace_session(MKTRACE_SMALL);
	struct record_lock record = lock_at(RECORD_REQUEST, 1, SECOND);
	struct reading reading;
	const struct event *pending;

	mktrace_pending(make, 1, record, mktrace_lock(make, record));
	for (uint64_t i = 1; i <= 300; i++)
		mktrace_lock(make, lock_at(RECORD_REQUEST, 2, SECOND + i));
	reading = read_made(make);
	pending = &reading.events.items[reading.events.count - 2];
	cr_expect_eq(pending->kind, EVENT_REQUEST);
	cr_expect(pending->lock.pending);
	cr_expect_eq(pending->tid, 1);
	cr_expect_eq(pending->position, 0);
	done(&reading, make);
}

Test(slots, a_slot_that_is_being_written_tells_nothing)
{
	struct mktrace *make = mktrace_trace(1);
	struct thread_slot *slots =
		(struct thread_slot *)(make->bytes + make->header->thread_offset);
	struct reading reading;

	mktrace_pending(make, 0, lock_at(RECORD_REQUEST, 1, SECOND), 77);
	slots[0].request[0].word[2] ^= 1;
	mktrace_pending(make, 1, lock_at(RECORD_REQUEST, 1, SECOND), 0);
	slots[1].position[0] = 5; /* of another request */
	mktrace_pending(make, 2, lock_at(RECORD_REQUEST, 1, SECOND), 0);
	slots[2].process = 0; /* freed */
	slots[3].process = 1;
	slots[3].depth = UINT32_MAX;
	reading = read_made(make);
	cr_expect(is(&reading, "e"));
	done(&reading, make);
}

Test(slots, the_dead_wait_for_nothing)
{
	struct mktrace *make = mktrace_trace(1);
	struct reading reading;

	mktrace_pending(make, 0, lock_at(RECORD_REQUEST, 1, SECOND), 0);
	mktrace_call(make,
		     (struct record_call){
			     .kind = RECORD_DEATH, .process = 1, .time = 2 * SECOND, .value = 9 });
	reading = read_made(make);
	cr_expect(is(&reading, "de"));
	done(&reading, make);
}

Test(slots, they_know_processes_whose_announcement_was_lapped)
{
	struct mktrace *make = mktrace_session(MKTRACE_SMALL);
	struct process_slot *slot = mktrace_process_slot(make, 3);
	struct reading reading;

	*slot = (struct process_slot){ .process = 1,
				       .pid = 4711,
				       .ppid = 4700,
				       .start_time = 55,
				       .pidns = 3,
				       .comm = "fifteen letters" };
	mktrace_lock(make, lock_at(RECORD_REQUEST, 2, SECOND));
	reading = read_made(make);
	cr_expect_eq(reading.catalog->process_count, 1);
	cr_expect_eq(reading.catalog->processes[0].pid, 4711);
	cr_expect_eq(reading.catalog->processes[0].ppid, 4700);
	cr_expect_str_eq(reading.catalog->processes[0].command, "fifteen letters");
	done(&reading, make);
}

/* ---- The slow ring --------------------------------------------------------------------------- */

/* One slow wait with all that it names. */
static void slow_wait(struct mktrace *make, uint32_t tid, uint64_t time, uint64_t inode)
{
	struct record_lock request = lock_at(RECORD_REQUEST, tid, time);
	struct record_lock result = lock_at(RECORD_RESULT, tid, time);

	mktrace_into_slow(make, true);
	mktrace_process(make, PROCESS_AGAIN, 1, 4711, 0, "/bin/victim");
	request.file = result.file = mktrace_file(make, inode, "/tmp/slow");
	mktrace_lock(make, request);
	mktrace_lock(make, result);
	mktrace_into_slow(make, false);
}

Test(slow, a_slow_wait_that_the_ring_has_lost_comes_first)
{
	struct mktrace *make = mktrace_session(MKTRACE_SMALL);
	struct reading reading;

	mktrace_lock(make, lock_at(RECORD_REQUEST, 9, SECOND));
	mktrace_lock(make, lock_at(RECORD_RESULT, 9, SECOND));
	slow_wait(make, 9, SECOND, 42);
	for (uint64_t i = 1; i <= 300; i++)
		mktrace_lock(make, lock_at(RECORD_REQUEST, 2, 5 * SECOND + i));
	reading = read_made(make);
	cr_expect(begins(&reading, "qrlqqq"));
	cr_expect_eq(reading.events.items[0].tid, 9);
	cr_expect_eq(reading.events.items[0].position, 0);
	cr_expect_eq(reading.events.items[0].file, 0);
	cr_expect_eq(reading.events.items[1].lock.duration, SECOND);
	cr_expect_str_eq(reading.catalog->files[0].path, "/tmp/slow");
	cr_expect_eq(reading.catalog->quality.first_time, SECOND);
	done(&reading, make);
}

Test(slow, a_slow_wait_that_the_ring_still_has_is_not_told_twice)
{
	struct mktrace *make = mktrace_session(MKTRACE_SMALL);
	struct reading reading;

	mktrace_lock(make, lock_at(RECORD_REQUEST, 9, SECOND));
	for (uint64_t i = 1; i <= 300; i++)
		mktrace_lock(make, lock_at(RECORD_REQUEST, 2, SECOND + i));
	mktrace_lock(make, lock_at(RECORD_RESULT, 9, SECOND));
	slow_wait(make, 9, SECOND, 42);
	reading = read_made(make);
	cr_expect_eq(reading.events.count, 1 + 256 + 1);
	cr_expect_eq(reading.events.items[0].kind, EVENT_LOST);
	done(&reading, make);
}

Test(slow, slow_waits_that_overlap_come_in_the_order_of_what_happened)
{
	struct mktrace *make = mktrace_session(MKTRACE_SMALL);
	struct reading reading;

	slow_wait(make, 9, SECOND, 42);		     /* 1 s to 2 s */
	slow_wait(make, 8, SECOND + SECOND / 2, 42); /* 1.5 s to 2.5 s */
	for (uint64_t i = 1; i <= 300; i++)
		mktrace_lock(make, lock_at(RECORD_REQUEST, 2, 5 * SECOND + i));
	reading = read_made(make);
	cr_expect(begins(&reading, "qqrrlq"));
	cr_expect_eq(reading.events.items[0].tid, 9);
	cr_expect_eq(reading.events.items[1].tid, 8);
	cr_expect_eq(reading.events.items[2].tid, 9);
	cr_expect_eq(reading.events.items[3].tid, 8);
	cr_expect_eq(reading.catalog->file_count, 1);
	done(&reading, make);
}

Test(slow, a_slow_wait_whose_result_is_not_there_yet_is_left_out)
{
	struct mktrace *make = mktrace_session(MKTRACE_SMALL);
	struct reading reading;

	mktrace_into_slow(make, true);
	mktrace_lock(make, lock_at(RECORD_REQUEST, 9, SECOND));
	mktrace_hole(make, 1);
	mktrace_into_slow(make, false);
	for (uint64_t i = 1; i <= 300; i++)
		mktrace_lock(make, lock_at(RECORD_REQUEST, 2, 5 * SECOND + i));
	reading = read_made(make);
	cr_expect_eq(reading.events.items[0].kind, EVENT_LOST);
	done(&reading, make);
}

Test(slow, the_slow_ring_wraps_too)
{
	struct mktrace *make = mktrace_session(MKTRACE_SMALL);
	struct reading reading;
	unsigned waits = 0;

	for (uint64_t i = 0; i < 100; i++)
		slow_wait(make, 9, SECOND + i * 2 * SECOND, i);
	for (uint64_t i = 1; i <= 300; i++)
		mktrace_lock(make, lock_at(RECORD_REQUEST, 2, 1000 * SECOND + i));
	reading = read_made(make);
	for (uint32_t i = 0; i < reading.events.count; i++)
		waits += reading.events.items[i].kind == EVENT_RESULT;
	/* 6 cells each, of which the last two are enough. */
	cr_expect_eq(waits, 11, "%u", waits);
	done(&reading, make);
}
