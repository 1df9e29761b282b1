/* SPDX-License-Identifier: MIT */
/* POSIX and OFD locks: ranges, conversions, errors. */
#include <criterion/criterion.h>
#include <errno.h>

#include "tests/unit/model_events.h"

TestSuite(model_records, .init = begin_model, .fini = end_model);

Test(model_records, a_lock_is_held_from_the_end_of_its_call_to_the_unlock)
{
	answer_alone(10, 15, posix(A, X, 0, 100), 0);
	cr_expect_str_eq(held(), "A:X0-100");
	ask(40, posix(A, U, 0, 100));
	cr_expect_str_eq(held(), "");
	other_call(50, A);
	cr_expect_str_eq(told(), "A:X0-100 15..40 released\n");
	cr_expect_eq(requests_told, 2);
}

Test(model_records, a_lock_inside_another_splits_it)
{
	take(10, posix(A, S, 0, 100));
	take(20, posix(A, U, 40, 60));
	take(30, posix(A, X, 10, 15));
	cr_expect_str_eq(held(), "A:S0-10 A:X10-15 A:S15-40 A:S60-100");
	cr_expect_str_eq(told(), "A:S40-60 11..20 released\nA:S10-15 11..31 released\n");
	ends(100);
	cr_expect_str_eq(told(), "A:S0-10 11..100 open\nA:X10-15 31..100 open\n"
				 "A:S15-40 11..100 open\nA:S60-100 11..100 open\n");
}

Test(model_records, neighbours_keep_their_own_times)
{
	take(10, posix(A, X, 0, 10));
	take(20, posix(A, X, 10, 20));
	take(30, posix(A, U, 0, END));
	other_call(40, A);
	cr_expect_str_eq(told(), "A:X0-10 11..30 released\nA:X10-20 21..30 released\n");
}

Test(model_records, locking_again_what_is_held_changes_nothing_but_the_rest)
{
	take(10, posix(A, X, 0, 10));
	take(20, posix(A, X, 0, 20));
	take(30, posix(A, X, 5, 15));
	cr_expect_str_eq(held(), "A:X0-10 A:X10-20");
	take(40, posix(A, U, 0, END));
	other_call(50, A);
	cr_expect_str_eq(told(), "A:X0-10 11..40 released\nA:X10-20 21..40 released\n");
}

Test(model_records, to_the_end_of_file_is_farther_than_any_number)
{
	take(10, posix(A, X, 100, END));
	take(20, posix(B, X, 0, 100));
	cr_expect_str_eq(held(), "B:X0-100 A:X100-END");
	take(30, posix(A, U, 1000, END));
	cr_expect_str_eq(held(), "B:X0-100 A:X100-1000");
}

Test(model_records, one_byte_is_enough_to_share_or_to_touch)
{
	take(10, posix(A, X, 0, 1));
	take(20, posix(B, X, 1, 2));
	take(30, posix(A, U, 0, 1));
	cr_expect_str_eq(held(), "B:X1-2");
}

Test(model_records, readers_share)
{
	take(10, posix(A, S, 0, 100));
	take(20, posix(B, S, 0, 100));
	take(30, ofd(C, 5, S, 50, END));
	cr_expect_str_eq(held(), "A:S0-100 B:S0-100 C:oS50-END");
	cr_expect_eq(model_quality(model)->overlaps, 0);
}

Test(model_records, files_have_nothing_to_do_with_each_other)
{
	take(10, posix(A, X, 0, END));
	take(20, at_fd(on_file(posix(B, X, 0, END), 1), 4));
	cr_expect_str_eq(held(), "A:X0-END");
	cr_expect_str_eq(held_on(1), "B:X0-END");
}

Test(model_records, flock_and_record_locks_do_not_see_each_other)
{
	take(10, posix(A, X, 0, END));
	take(20, whole(B, 4, X));
	cr_expect_str_eq(held(), "A:X0-END B:fX");
	cr_expect_eq(model_quality(model)->implied_ends, 0);
}

Test(model_records, posix_and_ofd_locks_of_one_process_conflict)
{
	take(10, posix(A, X, 0, 10));
	ask(20, waiting(ofd(A, 4, X, 0, 10)));
	answer(20, 50020, waiting(ofd(A, 4, X, 0, 10)), EINTR);
	cr_expect_str_eq(told(), "A waits X0-10 20..50020 failed: A 20..50020\n");
	cr_expect_str_eq(held(), "A:X0-10");
}

Test(model_records, an_upgrade_is_atomic)
{
	take(10, posix(A, S, 0, 10));
	ask(20, waiting(posix(A, X, 0, 10)));
	cr_expect_str_eq(held(), "A:S0-10");
	answer(20, 90, waiting(posix(A, X, 0, 10)), 0);
	cr_expect_str_eq(held(), "A:X0-10");
	cr_expect_str_eq(told(), "A:S0-10 11..90 released\n");
}

Test(model_records, a_failed_upgrade_keeps_the_shared_lock)
{
	static const int errors[] = { EAGAIN, EACCES, EDEADLK, EINTR, EBADF, ENOLCK };

	take(10, posix(A, S, 0, 10));
	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		fail(20 + i, posix(A, X, 0, 10), errors[i]);
		fail(30 + i, waiting(posix(A, X, 0, 10)), errors[i]);
	}
	cr_expect_str_eq(held(), "A:S0-10");
	cr_expect_str_eq(told(), "");
	cr_expect_eq(requests_told, 13);
}

Test(model_records, a_downgrade_counts_as_shared_while_it_runs)
{
	take(10, posix(A, X, 0, 10));
	ask(20, posix(A, S, 0, 10));
	cr_expect_str_eq(held(), "A:S0-10");
	take(22, posix(B, S, 0, 10));
	answer(20, 25, posix(A, S, 0, 10), 0);
	cr_expect_str_eq(held(), "A:S0-10 B:S0-10");
	cr_expect_str_eq(told(), "A:X0-10 11..20 released\n");
	cr_expect_eq(model_quality(model)->overlaps, 0);
}

Test(model_records, a_failed_downgrade_is_exclusive_as_before)
{
	take(10, posix(A, X, 0, 10));
	take(11, posix(B, X, 10, 20));
	fail(20, posix(A, S, 5, 15), EAGAIN);
	cr_expect_str_eq(held(), "A:X0-5 A:X5-10 B:X10-20");
	take(30, posix(A, U, 0, END));
	other_call(40, A);
	cr_expect_str_eq(told(), "A:X0-5 11..30 released\nA:X5-10 11..30 released\n");
}

Test(model_records, an_upgrade_in_the_middle_of_a_downgrade_is_weakened_too)
{
	take(10, posix(A, X, 0, 10));
	ask(20, waiting(by_thread(posix(A, S, 0, 20), 7)));
	take(30, posix(A, X, 10, 15));
	cr_expect_str_eq(held(), "A:S0-10 A:S10-15");
	answer(20, 50, waiting(by_thread(posix(A, S, 0, 20), 7)), EINTR);
	cr_expect_str_eq(held(), "A:X0-10 A:X10-15");
}

Test(model_records, a_failed_unlock_did_not_happen)
{
	take(10, posix(A, X, 0, 10));
	ask(20, posix(A, U, 5, 10));
	cr_expect_str_eq(held(), "A:X0-5");
	answer(20, 21, posix(A, U, 5, 10), ENOLCK);
	cr_expect_str_eq(held(), "A:X0-5 A:X5-10");
	cr_expect_str_eq(told(), "");
	take(30, posix(A, U, 0, 10));
	other_call(40, A);
	cr_expect_str_eq(told(), "A:X0-5 11..30 released\nA:X5-10 11..30 released\n");
}

Test(model_records, a_failed_unlock_does_not_come_back_over_anothers_lock)
{
	take(10, posix(A, X, 0, 10));
	ask(20, posix(A, U, 0, 10));
	take(21, posix(B, X, 0, 10));
	answer(20, 25, posix(A, U, 0, 10), EIO);
	cr_expect_str_eq(held(), "B:X0-10");
	cr_expect_str_eq(told(), "A:X0-10 11..20 implied\n");
}

Test(model_records, an_unlock_that_says_it_succeeded_has)
{
	take(10, posix(A, X, 0, 10));
	ask(20, posix(A, U, 0, 10));
	answer(20, 25, posix(A, U, 0, 10), 0);
	cr_expect_str_eq(told(), "A:X0-10 11..20 released\n");
	cr_expect_eq(model_quality(model)->orphans, 0);
}

Test(model_records, an_unlock_in_a_signal_handler_is_told_from_the_call_it_interrupts)
{
	take(10, posix(A, X, 0, 10));
	ask(20, waiting(posix(A, X, 50, 60)));
	ask(30, posix(A, U, 0, 10));
	answer(20, 40, waiting(posix(A, X, 50, 60)), EINTR);
	cr_expect_str_eq(held(), "");
	cr_expect_str_eq(told(), "A:X0-10 11..30 released\n");
	cr_expect_eq(model_quality(model)->orphans, 0);
}

Test(model_records, queries_and_bad_ranges_hold_nothing)
{
	struct lock bad = posix(A, X, 0, 10);
	struct event query = { .kind = EVENT_REQUEST,
			       .file = 0,
			       .stack = NONE,
			       .lock = { .query = true, .mode = X, .end = END } };

	bad.bad_range = true;
	fail(10, bad, EINVAL);
	take(15, bad);
	model_event(model, &query);
	query.kind = EVENT_RESULT;
	query.lock.has_request = true;
	model_event(model, &query);
	cr_expect_str_eq(held(), "");
	cr_expect_eq(requests_told, 3);
}

Test(model_records, an_unlock_of_nobody_knows_what_may_be_of_anything)
{
	struct lock bad = posix(A, U, 0, 0);

	bad.bad_range = true;
	take(10, posix(A, X, 0, 10));
	ask(20, bad);
	cr_expect_str_eq(held(), "");
	answer(20, 21, bad, EFAULT);
	cr_expect_str_eq(held(), "A:X0-10");
	ask(30, bad);
	other_call(40, A);
	cr_expect_str_eq(told(), "A:X0-10 11..30 released\n");
}

Test(model_records, a_grant_implies_that_what_conflicts_has_ended)
{
	take(10, posix(A, X, 0, 10));
	take(20, posix(B, S, 5, 6));
	cr_expect_str_eq(held(), "B:S5-6");
	cr_expect_str_eq(told(), "A:X0-10 11..11 implied\n"); /* no longer for certain */
	cr_expect_eq(model_quality(model)->implied_ends, 1);
	cr_expect_eq(model_quality(model)->overlaps, 1);
}
