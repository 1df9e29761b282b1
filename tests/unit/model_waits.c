/* SPDX-License-Identifier: MIT */
/* Who stood in whose way, and how long; what a lossy trace still says. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "tests/unit/model_events.h"

TestSuite(model_waits, .init = begin_model, .fini = end_model);

#define US UINT64_C(1000)
#define MS UINT64_C(1000000)

Test(model_waits, a_wait_is_charged_to_the_hold_in_its_way)
{
	struct lock wanted = waiting(posix(B, X, 0, 10));

	take(10, posix(A, X, 5, 20));
	ask(100, wanted);
	ask(9000, posix(A, U, 0, END));
	answer(100, 9500, wanted, 0);
	cr_expect_str_eq(told(), "B waits X0-10 100..9500 granted: A 100..9000\n");
	other_call(9600, A);
	cr_expect_str_eq(told(), "A:X5-20 11..9000 released\n");
	cr_expect_str_eq(held(), "B:X0-10");
}

Test(model_waits, a_writer_waits_for_all_readers)
{
	struct lock wanted = waiting(posix(D, X, 0, 100));

	take(10, posix(A, S, 0, 10));
	take(20, posix(B, S, 50, END));
	ask(100, wanted);
	take(5000, posix(C, S, 90, 95)); /* overtakes it */
	take(6000, posix(A, U, 0, END));
	take(7000, posix(C, U, 0, END));
	take(9000, posix(B, U, 0, END));
	answer(100, 9100, wanted, 0);
	cr_expect_str_eq(told(), "D waits X0-100 100..9100 granted: "
				 "A 100..6000, B 100..9000, C 5001..7000\n");
}

Test(model_waits, readers_do_not_wait_for_readers)
{
	struct lock wanted = waiting(posix(B, S, 0, 10));

	take(10, posix(A, S, 0, 10));
	ask(100, wanted);
	answer(100, 9000, wanted, 0);
	cr_expect_str_eq(told(), "");
}

Test(model_waits, other_bytes_are_not_in_the_way)
{
	struct lock wanted = waiting(posix(B, X, 0, 10));

	take(10, posix(A, X, 10, 20));
	ask(100, wanted);
	answer(100, 9000, wanted, 0);
	cr_expect_str_eq(told(), "");
}

Test(model_waits, a_call_too_short_to_have_slept_did_not_wait)
{
	struct lock wanted = waiting(posix(B, X, 0, 10));

	take(10, posix(A, X, 0, 10));
	ask(100, wanted);
	take(101, posix(A, U, 0, 10));
	answer(100, 100 + WAIT_MIN_NS - 1, wanted, 0);
	cr_expect_str_eq(told(), "");
	take(3000, posix(B, U, 0, 10));
	take(4000, posix(A, X, 0, 10));
	ask(5000, wanted);
	take(5001, posix(A, U, 0, 10));
	answer(5000, 5000 + WAIT_MIN_NS, wanted, 0);
	cr_expect_str_eq(told(), "A:X0-10 11..101 released\nB:X0-10 2099..3000 released\n"
				 "B waits X0-10 5000..7000 granted: A 5000..5001\n");
}

Test(model_waits, a_hold_that_is_known_only_after_the_request_was_there_before)
{
	struct lock wanted = waiting(posix(B, X, 0, 10));

	ask(100, wanted);
	answer_alone(40, 50, posix(A, X, 0, 10), 0); /* its record came late */
	take(5000, posix(A, U, 0, 10));
	answer(100, 5010, wanted, 0);
	cr_expect_str_eq(told(), "B waits X0-10 100..5010 granted: A 100..5000\n");
}

Test(model_waits, a_partial_unlock_that_clears_the_way_ends_the_overlap)
{
	struct lock wanted = waiting(posix(B, X, 0, 10));

	take(10, posix(A, X, 0, 100));
	ask(100, wanted);
	take(3000, posix(A, U, 50, 60));
	take(4000, posix(A, U, 0, 20));
	answer(100, 4100, wanted, 0);
	cr_expect_str_eq(told(), "A:X50-60 11..3000 released\n"
				 "B waits X0-10 100..4100 granted: A 100..4000\n");
}

Test(model_waits, a_downgrade_lets_a_reader_in)
{
	struct lock wanted = waiting(posix(B, S, 0, 10));

	take(10, posix(A, X, 0, 10));
	ask(100, wanted);
	ask(4000, posix(A, S, 0, 10));
	answer(100, 4100, wanted, 0);
	answer(4000, 4200, posix(A, S, 0, 10), 0);
	cr_expect_str_eq(told(), "B waits S0-10 100..4100 granted: A 100..4000\n"
				 "A:X0-10 11..4000 released\n");
}

Test(model_waits, an_unlock_that_failed_was_in_the_way_all_along)
{
	struct lock wanted = waiting(posix(B, X, 0, 10));

	take(10, posix(A, X, 0, 10));
	ask(100, wanted);
	ask(3000, posix(A, U, 0, 10));
	answer(3000, 3500, posix(A, U, 0, 10), ENOLCK);
	take(8000, posix(A, U, 0, 10));
	answer(100, 8100, wanted, 0);
	cr_expect_str_eq(told(), "B waits X0-10 100..8100 granted: A 100..8000\n");
}

Test(model_waits, a_flock_wait_is_for_the_whole_file)
{
	struct lock wanted = waiting(whole(B, 3, S));

	take(10, whole(A, 3, X));
	ask(100, wanted);
	closes(4000, A, 3, 3, 0);
	answer(100, 4100, wanted, 0);
	cr_expect_str_eq(told(), "B waits fS 100..4100 granted: A 100..4000\n");
}

Test(model_waits, errors_end_a_wait)
{
	static const int errors[] = { EINTR, ENOLCK };

	take(10, posix(A, X, 0, 10));
	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		ask(10000, waiting(posix(B, X, 0, 10)));
		answer(10000, 20000, waiting(posix(B, X, 0, 10)), errors[i]);
		cr_expect_str_eq(told(), "B waits X0-10 10000..20000 failed: A 10000..20000\n");
	}
	cr_expect_str_eq(held(), "A:X0-10");
}

Test(model_waits, the_kernel_refuses_a_deadlock_at_once_or_after_a_wait_for_another_holder)
{
	take(10, posix(A, X, 0, 10));
	ask(10000, waiting(posix(B, X, 0, 10)));
	answer(10000, 20000, waiting(posix(B, X, 0, 10)), EDEADLK);
	cr_expect_str_eq(told(), "");
	ask(30000, waiting(posix(B, X, 0, 10)));
	answer(30000, 30000 + 20 * MS, waiting(posix(B, X, 0, 10)), EDEADLK);
	cr_expect_str_eq(told(), "B waits X0-10 30000..20030000 failed: A 30000..20030000\n");
}

Test(model_waits, refusals_are_no_waits)
{
	take(10, posix(A, X, 0, 10));
	answer_alone(20, 20 + 50 * MS, posix(B, X, 0, 10), EAGAIN);
	fail(100, posix(C, S, 0, 10), EACCES);
	fail(100, whole(C, 3, X), EWOULDBLOCK);
	cr_expect_str_eq(told(), "");
	cr_expect_eq(requests_told, 4);
}

Test(model_waits, an_abandoned_call_waited_until_it_was_missed)
{
	take(10, posix(A, X, 0, 10));
	take(20, posix(B, S, 50, 60));
	ask(100, waiting(posix(B, X, 0, 60)));
	abandon(100, 9000, waiting(posix(B, X, 0, 60)));
	cr_expect_str_eq(told(), "B waits X0-60 100..9000 abandoned: A 100..9000\n");
	cr_expect_str_eq(held(), "A:X0-10 B:S50-60");
}

Test(model_waits, an_abandoned_downgrade_is_shared_from_its_request_on)
{
	take(10, posix(B, X, 0, 10));
	take(20, posix(A, X, 20, 30));
	ask(100, waiting(posix(B, S, 0, 30)));
	abandon(100, 9000, waiting(posix(B, S, 0, 30)));
	cr_expect_str_eq(held(), "B:S0-10 A:X20-30");
	ends(10000);
	cr_expect_str_eq(told(), "B waits S0-30 100..9000 abandoned: A 100..9000\n"
				 "B:X0-10 11..100 released\nB:S0-10 100..10000 open\n"
				 "A:X20-30 21..10000 open\n");
}

Test(model_waits, an_abandoned_flock_conversion_has_lost_the_lock)
{
	take(10, whole(A, 3, S));
	ask(100, waiting(whole(A, 3, X)));
	abandon(100, 9000, waiting(whole(A, 3, X)));
	cr_expect_str_eq(held(), "");
	cr_expect_str_eq(told(), "A:fS 11..100 released\n");
}

/* ---- Unknown holders */

Test(model_waits, a_long_call_with_no_known_holder_waited_for_somebody)
{
	struct lock wanted = waiting(posix(B, X, 0, 10));

	ask(100, wanted);
	answer(100, 100 + WAIT_UNKNOWN_NS - 1, wanted, 0);
	cr_expect_str_eq(told(), "");
	ask(20 * MS, wanted);
	answer(20 * MS, 20 * MS + WAIT_UNKNOWN_NS, wanted, 0);
	cr_expect_str_eq(told(), "B waits X0-10 20000000..30000000 granted: ?\n");
	cr_expect_eq(model_quality(model)->unknown_waits, 1);
}

Test(model_waits, a_tenth_without_a_holder_is_an_unknown_holder)
{
	struct lock wanted = waiting(posix(B, X, 0, 10));

	take(10, posix(A, X, 0, 10));
	ask(100 * MS, wanted);
	take(1000 * MS, posix(A, U, 0, 10));
	answer(100 * MS, 1100 * MS, wanted, 0);
	cr_expect_str_eq(
		told(), "B waits X0-10 100000000..1100000000 granted: A 100000000..1000000000 ?\n");
	cr_expect_eq(model_quality(model)->unknown_waits, 1);
}

Test(model_waits, a_waiter_that_gets_the_lock_late_on_a_busy_machine_has_no_unknown_holder)
{
	struct lock wanted = waiting(posix(B, X, 0, 10));

	take(10, posix(A, X, 0, 10));
	ask(1 * MS, wanted);
	take(11 * MS, posix(A, U, 0, 10));
	answer(1 * MS, 41 * MS, wanted, 0);
	cr_expect_str_eq(told(), "B waits X0-10 1000000..41000000 granted: A 1000000..11000000\n");
	cr_expect_eq(model_quality(model)->unknown_waits, 0);
}

Test(model_waits, a_holder_that_comes_before_the_waiter_is_awake_makes_nobody_unknown)
{
	struct lock wanted = waiting(posix(B, X, 0, 10));

	take(10, posix(A, X, 0, 10));
	ask(1 * MS, wanted);
	take(11 * MS, posix(A, U, 0, 10));
	take(41 * MS, posix(A, X, 0, 10));
	take(51 * MS, posix(A, U, 0, 10));
	answer(1 * MS, 52 * MS, wanted, 0);
	cr_expect_eq(model_quality(model)->unknown_waits, 0);
}

Test(model_waits, a_long_time_between_two_holders_is_somebody_unknown)
{
	struct lock wanted = waiting(posix(B, X, 0, 10));

	take(10, posix(A, X, 0, 10));
	ask(1 * MS, wanted);
	take(11 * MS, posix(A, U, 0, 10));
	take(241 * MS, posix(A, X, 0, 10));
	take(251 * MS, posix(A, U, 0, 10));
	answer(1 * MS, 252 * MS, wanted, 0);
	cr_expect_eq(model_quality(model)->unknown_waits, 1);
}

Test(model_waits, a_holder_that_left_as_the_wait_began_explains_nothing)
{
	struct lock wanted = waiting(posix(B, X, 0, 10));

	take(10, posix(A, X, 0, 10));
	ask(1 * MS, wanted);
	take(1 * MS, posix(A, U, 0, 10));
	answer(1 * MS, 21 * MS, wanted, 0);
	cr_expect_str_eq(told(), "B waits X0-10 1000000..21000000 granted: ?\n");
}

Test(model_waits, what_a_waiter_saw_of_no_holder_before_it_failed_is_no_hand_off)
{
	struct lock wanted = waiting(posix(B, X, 0, 10));

	take(10, posix(A, X, 0, 10));
	ask(1 * MS, wanted);
	take(11 * MS, posix(A, U, 0, 10));
	answer(1 * MS, 41 * MS, wanted, EINTR);
	cr_expect_str_eq(told(), "B waits X0-10 1000000..41000000 failed: A 1000000..11000000 ?\n");
}

Test(model_waits, holds_side_by_side_explain_the_time_once)
{
	struct lock wanted = waiting(posix(D, X, 0, 10));

	take(10, posix(A, S, 0, 10));
	take(11, posix(B, S, 0, 10));
	ask(1 * MS, wanted);
	take(50 * MS, posix(A, U, 0, 10));
	take(51 * MS, posix(B, U, 0, 10));
	answer(1 * MS, 201 * MS, wanted, 0);
	cr_expect_str_eq(told(), "D waits X0-10 1000000..201000000 granted: "
				 "A 1000000..50000000, B 1000000..51000000 ?\n");
}

Test(model_waits, a_hold_that_is_known_late_explains_no_time_twice)
{
	struct lock wanted = waiting(posix(D, X, 0, 10));

	take(10, posix(A, S, 0, 10));
	ask(1 * MS, wanted);
	take(46 * MS, posix(A, U, 0, 10));
	answer_alone(5 * MS, 6 * MS, posix(B, S, 0, 10), 0);
	take(56 * MS, posix(B, U, 0, 10));
	answer(1 * MS, 201 * MS, wanted, 0);
	cr_expect_str_eq(told(), "D waits X0-10 1000000..201000000 granted: "
				 "A 1000000..46000000, B 6000000..56000000 ?\n");
}

Test(model_waits, a_holder_stays_the_same_when_its_description_turns_out_to_be_shared)
{
	struct lock wanted = waiting(whole(C, 3, X));

	take(10, whole(B, 9, X));
	ask(100, wanted);
	fail(200, whole(A, 9, X), EWOULDBLOCK);
	inherits(300, B, 9, A);
	take(4000, whole(A, 9, U));
	answer(100, 5000, wanted, 0);
	cr_expect_str_eq(told(), "C waits fX 100..5000 granted: B 100..4000\n");
}

/* ---- The end of the trace */

Test(model_waits, who_still_waits_at_the_end_is_told_with_the_holders)
{
	take(10, posix(A, X, 0, 10));
	ask(100, waiting(posix(B, X, 0, 10)));
	ask(5000, waiting(posix(C, X, 50, 60))); /* nothing is in its way */
	ends(6000);
	cr_expect_str_eq(told(), "B waits X0-10 100..6000 waiting: A 100..6000\n"
				 "A:X0-10 11..6000 open\n");
}

Test(model_waits, who_waits_long_at_the_end_waits_for_somebody)
{
	ask(100, waiting(posix(C, X, 50, 60)));
	ends(100 + WAIT_UNKNOWN_NS);
	cr_expect_str_eq(told(), "C waits X50-60 100..10000100 waiting: ?\n");
}

Test(model_waits, a_request_known_from_a_slot_only_waits_too)
{
	struct lock wanted = waiting(posix(B, X, 0, 10));
	struct event event = {
		.kind = EVENT_REQUEST,
		.time = 50,
		.process = B,
		.tid = PID(B),
		.stack = NONE,
		.lock = { .world = wanted.world,
			  .ownership = wanted.ownership,
			  .mode = wanted.mode,
			  .may_block = true,
			  .pending = true,
			  .fd = FD,
			  .end = 10 },
	};

	take(100, posix(A, X, 0, 10));
	model_event(model, &event);
	ends(6000);
	cr_expect_str_eq(told(), "B waits X0-10 50..6000 waiting: A 101..6000\n"
				 "A:X0-10 101..6000 open\n");
}

Test(model_waits, a_deadlock_leaves_both_waiting)
{
	take(10, ofd(A, 3, X, 0, 10));
	take(20, ofd(B, 3, X, 10, 20));
	ask(100, waiting(ofd(A, 3, X, 10, 20)));
	ask(200, waiting(ofd(B, 3, X, 0, 10)));
	ends(5000);
	cr_expect_str_eq(told(), "A waits X10-20 100..5000 waiting: B 100..5000\n"
				 "B waits X0-10 200..5000 waiting: A 200..5000\n"
				 "A:oX0-10 11..5000 open\nB:oX10-20 21..5000 open\n");
}

/* ---- Traces with gaps */

Test(model_waits, a_trace_may_begin_anywhere)
{
	take(10, posix(A, U, 0, 10));
	other_call(11, A);
	answer(5, 12, waiting(posix(B, X, 0, 10)), 0);
	answer(6, 13, whole(C, 3, X), EWOULDBLOCK);
	closes(20, C, 3, 3, 0);
	cr_expect_str_eq(held(), "B:X0-10");
	cr_expect_str_eq(told(), "");
	cr_expect_eq(model_quality(model)->orphans, 3);
	cr_expect_eq(model_quality(model)->overlaps, 0);
}

Test(model_waits, a_result_whose_request_is_missing_still_waited)
{
	take(10, posix(A, X, 0, 10));
	answer(100, 100 + 20 * MS, waiting(posix(B, X, 0, 10)), EINTR);
	cr_expect_str_eq(told(), "B waits X0-10 100..20000100 failed: A 100..20000100\n");
}

Test(model_waits, contradictions_after_a_loss_are_no_news)
{
	take(10, posix(A, X, 0, 10));
	loses(20);
	cr_expect_str_eq(held(), "A:X0-10");
	take(30, posix(B, X, 0, 10));
	cr_expect_eq(model_quality(model)->implied_ends, 1);
	cr_expect_eq(model_quality(model)->overlaps, 0);
	take(40, posix(C, X, 0, 10)); /* but what came after the loss was seen */
	cr_expect_eq(model_quality(model)->overlaps, 1);
}

Test(model_waits, a_request_whose_result_may_be_lost_waits_for_nothing)
{
	take(10, posix(A, X, 0, 10));
	ask(100, waiting(posix(B, X, 0, 10)));
	loses(3000);
	take(40 * MS, posix(B, U, 0, 10)); /* so it went on */
	ends(90 * MS);
	cr_expect_str_eq(told(), "A:X0-10 11..90000000 open\n");
}

Test(model_waits, a_request_from_before_a_loss_still_waits_where_its_holder_is_known)
{
	take(10, posix(A, X, 0, 10));
	ask(100, waiting(posix(B, X, 0, 10)));
	ask(200, waiting(posix(C, X, 50, 60)));
	loses(3000);
	ends(90 * MS);
	cr_expect_str_eq(told(), "B waits X0-10 100..90000000 waiting: A 100..90000000\n"
				 "A:X0-10 11..90000000 open\n");
}

Test(model_waits, a_starving_writer_keeps_the_longest_overlaps)
{
	struct lock wanted = waiting(posix(D, X, 0, 10));
	uint64_t time = 1000;

	ask(time, wanted);
	take(time, posix(A, S, 0, 10));
	for (unsigned i = 0; i < 100000; i++) {
		take(time += 10, posix(B, S, 0, 10));
		take(time += 10, posix(B, U, 0, 10));
	}
	take(time, posix(A, U, 0, 10));
	told();
	answer(1000, time + 10, wanted, 0);
	cr_expect_not_null(strstr(told(), "granted: A 1001..2001000, B "));
}
