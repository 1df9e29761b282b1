/* SPDX-License-Identifier: MIT */
/* Deadlocks in events written by hand: which are told, how firmly, and which only look like one. */
#include "analyzer/deadlock/deadlock.h"

#include <criterion/criterion.h>
#include <errno.h>

#define MS UINT64_C(1000000)

enum { A, B, C };
enum { X, Y };

static struct model *model;
static struct deadlock_builder *builder;

static void begin(void)
{
	static const struct model_callbacks nobody;

	model = model_new(&nobody);
	builder = deadlock_builder_new();
	deadlock_builder_model(builder, model);
}

static void end(void)
{
	deadlock_builder_free(builder);
	model_free(model);
}

TestSuite(deadlock, .init = begin, .fini = end);

static void happens(struct event event)
{
	event.stack = NONE;
	deadlock_builder_event(builder, &event);
	model_event(model, &event);
}

/* A record lock of the whole file by the process; its thread has the process's number. */
static struct event lock(enum event_kind kind, uint64_t time, uint32_t process, uint32_t file)
{
	return (struct event){
		.kind = kind,
		.time = time,
		.process = process,
		.tid = 1000 + process,
		.file = file,
		.lock = { .world = RECORD_LOCKS,
			  .ownership = OWNED_BY_PROCESS,
			  .mode = MODE_EXCLUSIVE,
			  .may_block = true,
			  .has_request = true,
			  .fd = 3 + (int)file,
			  .end = RANGE_TO_EOF },
	};
}

static void asks(uint64_t time, uint32_t process, uint32_t file)
{
	happens(lock(EVENT_REQUEST, time, process, file));
}

static void is_answered(uint64_t begin_time, uint64_t end_time, uint32_t process, uint32_t file,
			int error)
{
	struct event event = lock(EVENT_RESULT, begin_time, process, file);

	event.lock.duration = end_time - begin_time;
	event.lock.error = error;
	happens(event);
}

static void takes(uint64_t time, uint32_t process, uint32_t file)
{
	asks(time, process, file);
	is_answered(time, time + 1, process, file, 0);
}

static void unlocks(uint64_t time, uint32_t process, uint32_t tid, uint32_t file)
{
	struct event event = lock(EVENT_REQUEST, time, process, file);

	event.tid = tid;
	event.lock.mode = MODE_UNLOCK;
	event.lock.may_block = false;
	happens(event);
}

static void is_born(uint32_t process, uint32_t parent)
{
	happens((struct event){
		.kind = EVENT_PROCESS,
		.process = process,
		.tid = 1000 + process,
		.file = NONE,
		.born = { .birth = parent == NONE ? BIRTH_START : BIRTH_FORK, .parent = parent } });
}

static void calls(enum event_kind kind, uint64_t time, uint32_t process, enum call call,
		  int64_t value)
{
	happens((struct event){ .kind = kind,
				.time = time,
				.process = process,
				.tid = 1000 + process,
				.file = NONE,
				.call = { .call = call, .value = value, .other = NONE } });
}

static void ends(uint64_t time)
{
	happens((struct event){ .kind = EVENT_END, .time = time, .process = NONE, .file = NONE });
}

static const struct deadlock *told(uint32_t count)
{
	const struct deadlocks *all = deadlock_builder_finish(builder);

	cr_assert_eq(all->count, count, "%u deadlocks", all->count);
	return all->items;
}

/* A has X and B has Y; at 10 ms A asks for Y, and at 20 ms B for X. */
static void cross(void)
{
	is_born(A, NONE);
	is_born(B, NONE);
	takes(1 * MS, A, X);
	takes(2 * MS, B, Y);
	asks(10 * MS, A, Y);
	asks(20 * MS, B, X);
}

Test(deadlock, one_that_lasts_to_the_end_is_likely_since_its_last_edge)
{
	const struct deadlock *deadlock;

	cross();
	ends(100 * MS);
	deadlock = told(1);
	cr_assert_eq(deadlock->verdict, VERDICT_LIKELY);
	cr_assert_eq(deadlock->doubt, DOUBT_UNSEEN);
	cr_assert_eq(deadlock->consequence, CONSEQUENCE_HANG);
	cr_assert_eq(deadlock->how, DEADLOCK_LASTS);
	cr_assert_eq(deadlock->since, 20 * MS);
	cr_assert_eq(deadlock->until, 100 * MS);
	cr_assert_eq(deadlock->member_count, 2);
	cr_assert_eq(deadlock->processes, 2);
	cr_assert_eq(deadlock->members[A].file, Y);
	cr_assert_eq(deadlock->members[A].holds[0].file, X);
}

Test(deadlock, waits_that_end_by_a_release_are_none)
{
	is_born(A, NONE);
	is_born(B, NONE);
	takes(1 * MS, A, X);
	asks(10 * MS, B, X);
	unlocks(50 * MS, A, 1000 + A, X);
	is_answered(10 * MS, 51 * MS, B, X, 0);
	ends(100 * MS);
	told(0);
}

Test(deadlock, a_thread_that_does_not_wait_could_release_and_is_named)
{
	const struct deadlock *deadlock;

	cross();
	unlocks(21 * MS, A, 77, C);
	ends(2000 * MS);
	deadlock = told(1);
	cr_assert_eq(deadlock->verdict, VERDICT_LIKELY);
	cr_assert_eq(deadlock->doubt, DOUBT_SHARERS);
	cr_assert_eq(deadlock->sharer, A);
	cr_assert_eq(deadlock->sharer_tid, 77);
}

Test(deadlock, a_thread_that_could_release_is_given_a_second)
{
	cross();
	unlocks(21 * MS, A, 77, C);
	ends(900 * MS);
	told(0);
}

Test(deadlock, a_signal_that_ends_it_is_no_release)
{
	const struct deadlock *deadlock;

	cross();
	is_answered(20 * MS, 60 * MS, B, X, EINTR);
	ends(100 * MS);
	deadlock = told(1);
	cr_assert_eq(deadlock->how, DEADLOCK_INTERRUPTED);
	cr_assert_eq(deadlock->breaker, B);
	cr_assert_eq(deadlock->until, 60 * MS);
}

Test(deadlock, a_wait_that_is_over_without_a_release_has_ended_it)
{
	const struct deadlock *deadlock;

	cross();
	is_answered(20 * MS, 60 * MS, B, X, 0);
	ends(100 * MS);
	deadlock = told(1);
	cr_assert_eq(deadlock->how, DEADLOCK_WENT_ON);
	cr_assert_eq(deadlock->breaker, B);
}

Test(deadlock, who_was_in_the_way_and_lives_on_had_let_go_unseen_so_there_was_none)
{
	cross();
	is_answered(20 * MS, 60 * MS, B, X, 0);
	takes(70 * MS, A, X);
	ends(100 * MS);
	told(0);
}

Test(deadlock, what_was_held_before_records_were_lost_may_have_been_let_go_among_them)
{
	is_born(A, NONE);
	is_born(B, NONE);
	takes(1 * MS, A, X);
	takes(2 * MS, B, Y);
	happens((struct event){
		.kind = EVENT_LOST, .time = 5 * MS, .process = NONE, .file = NONE });
	asks(10 * MS, A, Y);
	asks(20 * MS, B, X);
	is_answered(20 * MS, 60 * MS, B, X, 0);
	ends(100 * MS);
	told(0);
}

static const struct deadlock *refused(void)
{
	const struct deadlocks *all = deadlock_builder_finish(builder);

	cr_assert_eq(all->count, 0);
	cr_assert_eq(all->refused_count, 1);
	return all->refused;
}

Test(deadlock, what_the_kernel_refused_did_not_happen_and_is_kept_as_it_stood)
{
	const struct deadlock *circle;

	cross();
	is_answered(20 * MS, 60 * MS, B, X, EDEADLK);
	ends(100 * MS);
	circle = refused();
	cr_assert_not(circle->spurious);
	cr_assert_eq(circle->consequence, CONSEQUENCE_EDEADLK);
	cr_assert_eq(circle->until, 60 * MS);
	cr_assert_eq(circle->knot, 2);
	cr_assert_eq(circle->members[0].process, B);
	cr_assert_eq(circle->members[0].file, X);
	cr_assert_eq(circle->members[0].holds[0].file, Y);
	cr_assert_eq(circle->members[1].process, A);
	cr_assert_eq(circle->members[1].holds[0].file, X);
}

Test(deadlock, a_refusal_is_spurious_where_the_thread_that_took_the_lock_does_not_wait)
{
	const struct deadlock *circle;
	struct event idle = lock(EVENT_RESULT, 1 * MS, A, X);

	is_born(A, NONE);
	is_born(B, NONE);
	idle.tid = 77;
	happens(idle);
	takes(2 * MS, B, Y);
	asks(10 * MS, A, Y);
	asks(20 * MS, B, X);
	is_answered(20 * MS, 21 * MS, B, X, EDEADLK);
	ends(100 * MS);
	circle = refused();
	cr_assert(circle->spurious);
	cr_assert_eq(circle->sharer, A);
	cr_assert_eq(circle->sharer_tid, 77);
}

Test(deadlock, an_armed_timer_is_told)
{
	calls(EVENT_CALL_RESULT, 0, A, ARM_TIMER, 1000 * MS);
	cross();
	ends(100 * MS);
	cr_assert_eq(told(1)->verdict, VERDICT_UNTIL_TIMEOUT);
}

Test(deadlock, of_several_timers_of_those_in_it_the_first_is_told)
{
	const struct deadlock *deadlock;

	calls(EVENT_CALL_RESULT, 0, A, ARM_TIMER, 900 * MS);
	calls(EVENT_CALL_RESULT, 0, B, ARM_TIMER, 800 * MS);
	calls(EVENT_CALL_RESULT, 10 * MS, C, ARM_TIMER, 100 * MS);
	cross();
	ends(100 * MS);
	deadlock = told(1);
	cr_assert_eq(deadlock->consequence, CONSEQUENCE_TIMEOUT);
	cr_assert_eq(deadlock->members[deadlock->ends].process, B);
	cr_assert_eq(deadlock->timer, 800 * MS);
}

/* B and C share X; A has Y and wants X; B wants Y, and C works on. */
static void a_writer_waits_for_readers(enum ownership writer, enum ownership reader)
{
	struct event shared = lock(EVENT_RESULT, 1 * MS, B, X), want;

	is_born(A, NONE);
	is_born(B, NONE);
	is_born(C, NONE);
	shared.lock.mode = MODE_SHARED;
	happens(shared);
	shared.process = C;
	shared.tid = 1000 + C;
	happens(shared);
	takes(2 * MS, A, Y);
	want = lock(EVENT_REQUEST, 10 * MS, A, X);
	want.lock.ownership = writer;
	happens(want);
	want = lock(EVENT_REQUEST, 20 * MS, B, Y);
	want.lock.ownership = reader;
	happens(want);
	ends(2000 * MS);
}

Test(deadlock, a_release_after_which_the_kernel_will_refuse_somebody_is_foretold)
{
	const struct deadlock *deadlock;

	a_writer_waits_for_readers(OWNED_BY_PROCESS, OWNED_BY_PROCESS);
	deadlock = told(1);
	cr_assert_eq(deadlock->consequence, CONSEQUENCE_EDEADLK);
	cr_assert_eq(deadlock->members[deadlock->ends].process, A);
	cr_assert_eq(deadlock->opener, C);
}

Test(deadlock, who_waits_as_an_open_file_description_is_never_refused)
{
	a_writer_waits_for_readers(OWNED_BY_DESCRIPTION, OWNED_BY_PROCESS);
	cr_assert_eq(told(1)->consequence, CONSEQUENCE_HANG);
}

Test(deadlock, a_circle_over_an_open_file_description_is_not_seen_by_the_kernel)
{
	a_writer_waits_for_readers(OWNED_BY_PROCESS, OWNED_BY_DESCRIPTION);
	cr_assert_eq(told(1)->consequence, CONSEQUENCE_HANG);
}

Test(deadlock, another_thread_of_the_holder_lets_go_of_the_lock_itself_so_nothing_is_refused)
{
	cross();
	unlocks(21 * MS, A, 77, C);
	ends(2000 * MS);
	cr_assert_eq(told(1)->consequence, CONSEQUENCE_HANG);
}

Test(deadlock, across_lost_records_nothing_is_told)
{
	cross();
	happens((struct event){ .kind = EVENT_LOST, .process = NONE, .file = NONE });
	ends(100 * MS);
	told(0);
}

Test(deadlock, a_parent_waits_for_its_child_that_waits_for_the_parents_lock)
{
	is_born(A, NONE);
	takes(1 * MS, A, X);
	is_born(B, A);
	asks(10 * MS, B, X);
	calls(EVENT_CALL, 20 * MS, A, WAIT_CHILD, 1000 + B);
	ends(2000 * MS);
	cr_assert_eq(told(1)->member_count, 2);
}

Test(deadlock, a_child_that_may_have_been_killed_before_is_given_a_second)
{
	is_born(A, NONE);
	takes(1 * MS, A, X);
	is_born(B, A);
	asks(10 * MS, B, X);
	calls(EVENT_CALL, 20 * MS, A, WAIT_CHILD, 1000 + B);
	happens((struct event){ .kind = EVENT_DEATH, .time = 50 * MS, .process = B, .file = NONE });
	ends(2000 * MS);
	told(0);
}

Test(deadlock, a_child_that_has_not_spoken_may_end_first)
{
	is_born(A, NONE);
	takes(1 * MS, A, X);
	is_born(B, A);
	calls(EVENT_CALL_RESULT, 5 * MS, A, FORK_CHILD, 4711);
	asks(10 * MS, B, X);
	calls(EVENT_CALL, 20 * MS, A, WAIT_CHILD, -1);
	ends(2000 * MS);
	told(0);
}
