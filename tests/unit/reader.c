/* SPDX-License-Identifier: MIT */
#include "analyzer/read/reader.h"

#include <criterion/criterion.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyzer/base/memory.h"
#include "analyzer/base/vec.h"
#include "tests/support/mktrace.h"

/* A file read to its end: all its events, and the catalog as it is then. */
struct reading {
	struct reader *reader;
	VEC(struct event) events;
	const struct catalog *catalog;
};

static struct reading read_made(struct mktrace *make)
{
	char *path = mktrace_temporary(make->bytes, make->size);
	struct reading reading = { 0 };
	const char *error = NULL;
	struct event event;

	reading.reader = reader_open(path, &error);
	cr_assert_not_null(reading.reader, "%s", error);
	while (reader_next(reading.reader, &event))
		vec_push(&reading.events, event);
	reading.catalog = reader_catalog(reading.reader);
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

static const struct event *nth(const struct reading *reading, enum event_kind kind, unsigned n)
{
	for (uint32_t i = 0; i < reading->events.count; i++) {
		if (reading->events.items[i].kind == kind && !n--)
			return &reading->events.items[i];
	}
	cr_assert(false, "no such event: kind %d", kind);
	abort();
}

static unsigned count(const struct reading *reading, enum event_kind kind)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < reading->events.count; i++)
		n += reading->events.items[i].kind == kind;
	return n;
}

static struct record_lock lock_record(enum record_kind kind, enum lock_op op, unsigned flags)
{
	return (struct record_lock){ .kind = (uint8_t)kind,
				     .op = (uint8_t)op,
				     .flags = (uint16_t)flags,
				     .process = 1,
				     .tid = 4711,
				     .fd = 3,
				     .time = UINT64_C(2000000000),
				     .outcome = kind == RECORD_RESULT ? OUTCOME(1500, 0) : 0 };
}

static struct mktrace *with_process(void)
{
	struct mktrace *make = mktrace_trace(1);

	mktrace_process(make, PROCESS_START, 1, 4711, 0, "/usr/bin/victim");
	return make;
}

Test(reader, an_empty_trace_has_an_end_and_nothing_else)
{
	struct mktrace *make = mktrace_trace(1);
	struct reading reading = read_made(make);

	cr_expect_eq(reading.events.count, 1);
	cr_expect_eq(reading.events.items[0].kind, EVENT_END);
	cr_expect_eq(reading.catalog->quality.lost, 0);
	cr_expect_eq(reading.catalog->quality.events, 1);
	cr_expect_str_eq(reading.catalog->run.tool, "0.0-test");
	cr_expect_str_eq(reading.catalog->run.command, "");
	cr_expect_eq(reading.catalog->run.status, -1);
	cr_expect(!reading.catalog->run.live);
	cr_expect_eq(reading.catalog->wall_offset, INT64_C(1699999999000000000));
	done(&reading, make);
}

Test(reader, a_process_speaks_once_however_often_it_is_announced)
{
	struct mktrace *make = with_process();
	struct reading reading;
	const struct process_info *child;

	mktrace_process(make, PROCESS_FORK, 2, 4712, 1, "/usr/bin/victim");
	mktrace_process(make, PROCESS_AGAIN, 1, 4711, 0, "/usr/bin/victim");
	mktrace_process(make, PROCESS_EXEC, 2, 4712, 1, "/usr/bin/other (deleted)");
	reading = read_made(make);
	cr_expect_eq(count(&reading, EVENT_PROCESS), 3);
	cr_expect_eq(nth(&reading, EVENT_PROCESS, 0)->born.birth, BIRTH_START);
	cr_expect_eq(nth(&reading, EVENT_PROCESS, 0)->born.parent, NONE);
	cr_expect_eq(nth(&reading, EVENT_PROCESS, 0)->born.open_fds, 7);
	cr_expect_eq(nth(&reading, EVENT_PROCESS, 0)->tid, 4711);
	cr_expect_eq(nth(&reading, EVENT_PROCESS, 1)->born.birth, BIRTH_FORK);
	cr_expect_eq(nth(&reading, EVENT_PROCESS, 1)->born.parent, 0);
	cr_expect_eq(nth(&reading, EVENT_PROCESS, 2)->born.birth, BIRTH_EXEC);
	cr_expect_eq(reading.catalog->process_count, 2);
	child = &reading.catalog->processes[1];
	cr_expect_eq(child->id, 2);
	cr_expect_eq(child->pid, 4712);
	cr_expect_eq(child->parent, 0);
	cr_expect_str_eq(child->command, "other");
	cr_expect_str_eq(child->exe, "/usr/bin/other (deleted)");
	cr_expect_str_eq(reading.catalog->processes[0].command, "victim");
	cr_expect_str_eq(reading.catalog->processes[0].arguments, "");
	done(&reading, make);
}

Test(reader, argument_lists_are_one_line)
{
	static const char text[] = "/usr/bin/python3.11\0orders.py\0python3\0-c\0x = 1";
	struct record_process record = { .kind = RECORD_PROCESS,
					 .reason = PROCESS_START,
					 .process = 1,
					 .pid = 5,
					 .bytes = sizeof(text),
					 .time = 1 };
	struct mktrace *make = mktrace_trace(1);
	struct reading reading;

	mktrace_long(make, &record, text, sizeof(text));
	reading = read_made(make);
	cr_expect_str_eq(reading.catalog->processes[0].exe, "/usr/bin/python3.11");
	cr_expect_str_eq(reading.catalog->processes[0].command, "orders.py");
	cr_expect_str_eq(reading.catalog->processes[0].arguments, "python3 -c x = 1");
	done(&reading, make);
}

Test(reader, every_lock_operation_has_its_world_owner_and_patience)
{
	static const struct {
		enum lock_op op;
		enum world world;
		enum ownership ownership;
		bool may_block, query;
	} cases[] = {
		{ OP_FCNTL_GETLK, RECORD_LOCKS, OWNED_BY_PROCESS, false, true },
		{ OP_FCNTL_SETLK, RECORD_LOCKS, OWNED_BY_PROCESS, false, false },
		{ OP_FCNTL_SETLKW, RECORD_LOCKS, OWNED_BY_PROCESS, true, false },
		{ OP_OFD_GETLK, RECORD_LOCKS, OWNED_BY_DESCRIPTION, false, true },
		{ OP_OFD_SETLK, RECORD_LOCKS, OWNED_BY_DESCRIPTION, false, false },
		{ OP_OFD_SETLKW, RECORD_LOCKS, OWNED_BY_DESCRIPTION, true, false },
		{ OP_LOCKF_ULOCK, RECORD_LOCKS, OWNED_BY_PROCESS, false, false },
		{ OP_LOCKF_LOCK, RECORD_LOCKS, OWNED_BY_PROCESS, true, false },
		{ OP_LOCKF_TLOCK, RECORD_LOCKS, OWNED_BY_PROCESS, false, false },
		{ OP_LOCKF_TEST, RECORD_LOCKS, OWNED_BY_PROCESS, false, true },
		{ OP_FLOCK, FLOCK_LOCKS, OWNED_BY_DESCRIPTION, true, false },
	};
	struct mktrace *make = with_process();
	struct reading reading;

	cr_assert_eq(sizeof(cases) / sizeof(*cases), LOCK_OPS);
	for (unsigned i = 0; i < LOCK_OPS; i++)
		mktrace_lock(make, lock_record(RECORD_REQUEST, cases[i].op, FLAG_EXCLUSIVE));
	reading = read_made(make);
	for (unsigned i = 0; i < LOCK_OPS; i++) {
		const struct event *event = nth(&reading, EVENT_REQUEST, i);

		cr_expect_eq(event->lock.op, cases[i].op);
		cr_expect_eq(event->lock.world, cases[i].world, "%u", i);
		cr_expect_eq(event->lock.ownership, cases[i].ownership, "%u", i);
		cr_expect_eq(event->lock.may_block, cases[i].may_block, "%u", i);
		cr_expect_eq(event->lock.query, cases[i].query, "%u", i);
		cr_expect_eq(event->lock.mode, MODE_EXCLUSIVE);
		cr_expect_eq(event->process, 0);
		cr_expect_eq(event->tid, 4711);
	}
	done(&reading, make);
}

Test(reader, modes_and_flags_come_through)
{
	struct mktrace *make = with_process();
	struct reading reading;
	const struct event *event;

	mktrace_lock(make, lock_record(RECORD_REQUEST, OP_FLOCK, FLAG_SHARED | FLAG_NONBLOCK));
	mktrace_lock(make, lock_record(RECORD_REQUEST, OP_FLOCK, FLAG_UNLOCK | FLAG_INHERITED));
	mktrace_lock(make, lock_record(RECORD_REQUEST, OP_FLOCK, FLAG_RAW_MODE));
	mktrace_lock(make, lock_record(RECORD_RESULT, OP_FLOCK,
				       FLAG_EXCLUSIVE | FLAG_HAS_REQUEST | FLAG_ABANDONED));
	reading = read_made(make);
	event = nth(&reading, EVENT_REQUEST, 0);
	cr_expect_eq(event->lock.mode, MODE_SHARED);
	cr_expect(!event->lock.may_block && !event->lock.inherited && !event->lock.bad_range);
	cr_expect_eq(event->lock.start, 0);
	cr_expect_eq(event->lock.end, RANGE_TO_EOF);
	event = nth(&reading, EVENT_REQUEST, 1);
	cr_expect_eq(event->lock.mode, MODE_UNLOCK);
	cr_expect(!event->lock.may_block && event->lock.inherited);
	event = nth(&reading, EVENT_REQUEST, 2);
	cr_expect_eq(event->lock.mode, MODE_NONE);
	cr_expect(event->lock.bad_range);
	event = nth(&reading, EVENT_RESULT, 0);
	cr_expect(event->lock.has_request && event->lock.abandoned);
	cr_expect_eq(event->lock.duration, 1500);
	cr_expect_eq(event->lock.error, 0);
	cr_expect_eq(event->lock.end, RANGE_TO_EOF);
	done(&reading, make);
}

Test(reader, a_request_has_the_raw_numbers_and_the_range_that_they_stand_for)
{
	static const struct {
		unsigned flags;
		int64_t base, start, len;
		bool bad;
		uint64_t range_start, range_end;
	} cases[] = {
		{ 0, 0, 10, 90, false, 10, 100 },
		{ 0, 0, 0, 0, false, 0, RANGE_TO_EOF },
		{ 1 << FLAG_WHENCE_SHIFT, 1000, 10, 90, false, 1010, 1100 },
		{ 2 << FLAG_WHENCE_SHIFT, 1000, 0, -100, false, 900, 1000 },
		{ 0, 0, -1, 5, true, 0, 0 },
		{ 0, 0, INT64_MAX, 2, true, 0, 0 },
		{ 0, 0, INT64_MAX, 1, false, INT64_MAX, RANGE_TO_EOF },
		{ FLAG_BAD_RANGE, 0, 10, 90, true, 0, 0 },
		{ FLAG_BASE_UNKNOWN | 1 << FLAG_WHENCE_SHIFT, 0, 10, 90, true, 0, 0 },
	};
	struct mktrace *make = with_process();
	struct reading reading;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct record_lock record =
			lock_record(RECORD_REQUEST, OP_FCNTL_SETLKW, FLAG_SHARED | cases[i].flags);

		record.base = (uint64_t)cases[i].base;
		record.start = (uint64_t)cases[i].start;
		record.len_or_end = (uint64_t)cases[i].len;
		mktrace_lock(make, record);
	}
	reading = read_made(make);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct event *event = nth(&reading, EVENT_REQUEST, i);

		cr_expect_eq(event->lock.bad_range, cases[i].bad, "%u", i);
		cr_expect_eq(event->lock.start, cases[i].range_start, "%u", i);
		cr_expect_eq(event->lock.end, cases[i].range_end, "%u", i);
		cr_expect_eq(event->lock.raw_start, cases[i].start);
		cr_expect_eq(event->lock.raw_len, cases[i].len);
		cr_expect_eq(event->lock.base, cases[i].base);
		cr_expect_eq(event->lock.whence,
			     (cases[i].flags & FLAG_WHENCE) >> FLAG_WHENCE_SHIFT);
	}
	done(&reading, make);
}

Test(reader, a_result_alone_gets_raw_numbers_that_fit_its_range)
{
	static const struct {
		unsigned flags;
		uint64_t start, end;
		int64_t raw_start, raw_len;
	} cases[] = {
		{ 0, 10, 100, 10, 90 },
		{ 0, 10, RANGE_TO_EOF, 10, 0 },
		{ FLAG_NEGATIVE, 10, 100, 100, -90 },
	};
	struct mktrace *make = with_process();
	struct reading reading;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct record_lock record =
			lock_record(RECORD_RESULT, OP_FCNTL_SETLK, FLAG_EXCLUSIVE | cases[i].flags);

		record.start = cases[i].start;
		record.len_or_end = cases[i].end;
		mktrace_lock(make, record);
	}
	reading = read_made(make);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct event *event = nth(&reading, EVENT_RESULT, i);

		cr_expect(!event->lock.has_request && !event->lock.bad_range);
		cr_expect_eq(event->lock.start, cases[i].start);
		cr_expect_eq(event->lock.end, cases[i].end);
		cr_expect_eq(event->lock.whence, 0);
		cr_expect_eq(event->lock.raw_start, cases[i].raw_start, "%u", i);
		cr_expect_eq(event->lock.raw_len, cases[i].raw_len, "%u", i);
	}
	done(&reading, make);
}

Test(reader, a_result_whose_range_makes_no_sense_has_none)
{
	static const uint64_t ranges[][2] = { { 5, 5 }, { 9, 5 }, { 0, RANGE_TO_EOF + 1 } };
	struct mktrace *make = with_process();
	struct reading reading;

	for (int i = 0; i < 3; i++) {
		struct record_lock record = lock_record(RECORD_RESULT, OP_FCNTL_SETLK, FLAG_SHARED);

		record.start = ranges[i][0];
		record.len_or_end = ranges[i][1];
		mktrace_lock(make, record);
	}
	reading = read_made(make);
	for (unsigned i = 0; i < 3; i++)
		cr_expect(nth(&reading, EVENT_RESULT, i)->lock.bad_range, "%u", i);
	done(&reading, make);
}

Test(reader, a_query_that_found_a_lock_tells_whose)
{
	struct mktrace *make = with_process();
	struct record_lock record = lock_record(RECORD_RESULT, OP_FCNTL_GETLK,
						FLAG_EXCLUSIVE | FLAG_BLOCKER | FLAG_HAS_REQUEST);
	struct reading reading;
	const struct event *event;

	record.fd = 4799;
	record.start = 7;
	record.len_or_end = 8;
	record.outcome = OUTCOME(10, 13);
	mktrace_lock(make, record);
	reading = read_made(make);
	event = nth(&reading, EVENT_RESULT, 0);
	cr_expect(event->lock.blocker && event->lock.query);
	cr_expect_eq(event->lock.fd, 4799);
	cr_expect_eq(event->lock.start, 7);
	cr_expect_eq(event->lock.mode, MODE_EXCLUSIVE);
	cr_expect_eq(event->lock.error, 13);
	done(&reading, make);
}

Test(reader, calls_have_few_meanings)
{
	static const struct {
		enum call_op op;
		int32_t fd, last;
		int64_t value;
		enum call call;
		int32_t first_fd, last_fd;
	} cases[] = {
		{ CALL_CLOSE, 3, 0, 0, CLOSE_FDS, 3, 3 },
		{ CALL_FCLOSE, 3, 0, 0, CLOSE_FDS, 3, 3 },
		{ CALL_FREOPEN, 3, 0, 0, CLOSE_FDS, 3, 3 },
		{ CALL_PCLOSE, 3, 0, 0, CLOSE_FDS, 3, 3 },
		{ CALL_CLOSEDIR, 3, 0, 0, CLOSE_FDS, 3, 3 },
		{ CALL_CLOSE_RANGE, 3, 9, 0, CLOSE_FDS, 3, 9 },
		{ CALL_CLOSE_RANGE, 3, -1, 0, CLOSE_FDS, 3, INT_MAX },
		{ CALL_CLOSE_RANGE, 3, -1, 4, CLOEXEC_FDS, 3, INT_MAX },
		{ CALL_CLOSE_RANGE, 3, 5, 6, CLOEXEC_FDS, 3, 5 },
		{ CALL_CLOSEFROM, 5, 0, 0, CLOSE_FDS, 5, INT_MAX },
		{ CALL_CLOSEFROM, -7, 0, 0, CLOSE_FDS, 0, INT_MAX },
		{ CALL_DUP, 3, 5, 1, DUP_FD, 3, 5 },
		{ CALL_DUP2, 3, 5, 0, DUP_FD, 3, 5 },
		{ CALL_SETFD, 3, 0, 1, SET_CLOEXEC, 3, 0 },
		{ CALL_INHERIT, 3, 9, 2, INHERITED_FD, 3, 9 },
		{ CALL_FORK, 0, 0, 4712, FORK_CHILD, 0, 0 },
		{ CALL_EXIT, 0, 0, 3, EXIT_PROCESS, 0, 0 },
		{ CALL_WAIT, 0, 0, 4712, WAIT_CHILD, 0, 0 },
		{ CALL_TIMER, 1, 0, 500, ARM_TIMER, 1, 0 },
		{ CALL_IOCTL, 3, 0, 0x540c, IOCTL, 3, 0 },
	};
	struct mktrace *make = with_process();
	struct reading reading;
	unsigned n = sizeof(cases) / sizeof(*cases);

	for (unsigned i = 0; i < n; i++)
		mktrace_call(make, (struct record_call){ .kind = RECORD_CALL_RESULT,
							 .op = (uint8_t)cases[i].op,
							 .process = 1,
							 .tid = 4711,
							 .fd = cases[i].fd,
							 .last = cases[i].last,
							 .value = cases[i].value,
							 .outcome = OUTCOME(77, 9) });
	reading = read_made(make);
	for (unsigned i = 0; i < n; i++) {
		const struct event *event = nth(&reading, EVENT_CALL_RESULT, i);

		cr_expect_eq(event->call.call, cases[i].call, "%u", i);
		cr_expect_eq(event->call.op, cases[i].op);
		cr_expect_eq(event->call.fd, cases[i].first_fd, "%u", i);
		cr_expect_eq(event->call.last, cases[i].last_fd, "%u", i);
		cr_expect_eq(event->call.value, cases[i].value);
		cr_expect_eq(event->call.duration, 77);
		cr_expect_eq(event->call.error, 9);
		cr_expect_eq(event->call.other, cases[i].op == CALL_INHERIT ? 1 : NONE);
	}
	done(&reading, make);
}

Test(reader, death_and_exit_tell_the_wait_status)
{
	struct mktrace *make = with_process();
	struct reading reading;

	mktrace_process(make, PROCESS_START, 2, 4712, 0, "/bin/killed");
	mktrace_call(make, (struct record_call){ .kind = RECORD_CALL,
						 .op = CALL_EXIT,
						 .process = 1,
						 .value = 3,
						 .time = 5 });
	mktrace_call(make, (struct record_call){ .kind = RECORD_DEATH,
						 .process = 2,
						 .value = 9,
						 .time = UINT64_C(7000000000) });
	reading = read_made(make);
	cr_expect(reading.catalog->processes[0].dead);
	cr_expect_eq(reading.catalog->processes[0].status, 3 << 8);
	cr_expect(reading.catalog->processes[1].dead);
	cr_expect_eq(reading.catalog->processes[1].status, 9);
	cr_expect_eq(nth(&reading, EVENT_DEATH, 0)->process, 1);
	cr_expect_eq(nth(&reading, EVENT_DEATH, 0)->time, UINT64_C(7000000000));
	cr_expect_eq(nth(&reading, EVENT_END, 0)->time, UINT64_C(7000000000));
	cr_expect_eq(reading.catalog->quality.first_time, 5);
	cr_expect_eq(reading.catalog->processes[1].last_seen, UINT64_C(7000000000));
	done(&reading, make);
}

Test(reader, the_launcher_tells_of_the_run_and_of_those_not_recorded)
{
	static const char command[] = "make\0-j2\0all", untraced[] = "/usr/bin/sudo\0setuid";
	struct record_run run = { .kind = RECORD_RUN, .status = -1, .time = 100, .pid = 9 };
	struct record_untraced other = { .kind = RECORD_UNTRACED, .pid = 77, .time = 150 };
	struct mktrace *make = mktrace_trace(1);
	struct reading reading;

	mktrace_long(make, &run, command, sizeof(command));
	mktrace_long(make, &other, untraced, sizeof(untraced));
	mktrace_long(make, &other, untraced, sizeof(untraced));
	run.status = 256;
	run.time = 900;
	mktrace_long(make, &run, command, sizeof(command));
	reading = read_made(make);
	cr_expect_str_eq(reading.catalog->run.command, "make -j2 all");
	cr_expect_eq(reading.catalog->run.begin, 100);
	cr_expect_eq(reading.catalog->run.end, 900);
	cr_expect_eq(reading.catalog->run.status, 256);
	cr_expect_eq(reading.catalog->untraced_count, 1);
	cr_expect_str_eq(reading.catalog->untraced[0].exe, "/usr/bin/sudo");
	cr_expect_str_eq(reading.catalog->untraced[0].reason, "setuid");
	cr_expect_eq(nth(&reading, EVENT_END, 0)->time, 900);
	done(&reading, make);
}

Test(reader, the_recorders_counters_reach_the_catalog)
{
	struct mktrace *make = mktrace_trace(1);
	struct reading reading;

	make->header->lost_threads.value = 1;
	make->header->lost_processes.value = 2;
	make->header->lost_stacks.value = 3;
	make->header->lost_nested.value = 4;
	make->header->lost_unseen.value = 5;
	reading = read_made(make);
	cr_expect_eq(reading.catalog->quality.lost_threads, 1);
	cr_expect_eq(reading.catalog->quality.lost_processes, 2);
	cr_expect_eq(reading.catalog->quality.lost_stacks, 3);
	cr_expect_eq(reading.catalog->quality.lost_nested, 4);
	cr_expect_eq(reading.catalog->quality.lost_unseen, 5);
	done(&reading, make);
}
