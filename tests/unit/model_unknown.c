/* SPDX-License-Identifier: MIT */
/* Where nobody can know from outside what the kernel did, the model says so, and claims less. */
#include "tests/unit/model_events.h"

#include <criterion/criterion.h>

TestSuite(model_unknown, .init = begin_model, .fini = end_model);

/* ---- Threads of one owner at work on one range at once */

Test(model_unknown, what_another_thread_gave_up_meanwhile_is_unknown)
{
	ask(10, waiting(by_thread(posix(A, X, 0, 30), 1)));
	ask(12, by_thread(posix(A, U, 10, 20), 2));
	answer(10, 15, waiting(by_thread(posix(A, X, 0, 30), 1)), 0);
	cr_expect_str_eq(held(), "A:X0-10 A:X20-30");
	take(20, posix(B, X, 12, 14));
	cr_expect_eq(model_quality(model)->overlaps, 0);
}

Test(model_unknown, the_same_without_a_request)
{
	ask(12, by_thread(posix(A, U, 10, 20), 2));
	answer_alone(10, 15, by_thread(posix(A, X, 0, 30), 1), 0);
	cr_expect_str_eq(held(), "A:X0-10 A:X20-30");
}

Test(model_unknown, a_handlers_unlock_may_have_come_after_the_grant_that_it_interrupted)
{
	ask(10, waiting(posix(A, X, 0, 30)));
	ask(12, posix(A, U, 10, 20));
	answer(10, 15, waiting(posix(A, X, 0, 30)), 0);
	cr_expect_str_eq(held(), "A:X0-10 A:X20-30");
	ask(22, posix(A, U, 20, 30));
	answer_alone(21, 25, posix(A, X, 10, 30), 0);
	cr_expect_str_eq(held(), "A:X0-10 A:X10-20");
}

Test(model_unknown, a_lock_after_another_threads_unlock_is_held)
{
	take(10, by_thread(posix(A, X, 0, 10), 1));
	ask(20, by_thread(posix(A, U, 0, 10), 1));
	answer_alone(30, 31, by_thread(posix(A, X, 0, 10), 2), 0);
	cr_expect_str_eq(held(), "A:X0-10");
	/* Thread 1 may have been slow: that it was not held after all is nobody's fault. */
	take(40, posix(B, X, 0, 10));
	cr_expect_eq(model_quality(model)->overlaps, 0);
	cr_expect_eq(model_quality(model)->implied_ends, 1);
}

Test(model_unknown, what_was_granted_after_a_known_holder_left_is_held)
{
	take(10, posix(B, X, 5, 6));
	ask(20, waiting(by_thread(posix(A, X, 0, 10), 1)));
	ask(30, by_thread(posix(A, U, 0, 10), 2));
	ask(90, posix(B, U, 5, 6));
	answer(20, 95, waiting(by_thread(posix(A, X, 0, 10), 1)), 0);
	cr_expect_str_eq(held(), "A:X0-10");
}

Test(model_unknown, which_of_two_threads_was_granted_last_is_unknown)
{
	take(10, posix(B, X, 0, 10));
	ask(20, waiting(by_thread(posix(A, S, 0, 30), 1)));
	ask(25, waiting(by_thread(posix(A, X, 0, 20), 2)));
	take(30, posix(B, U, 0, 10));
	other_call(31, B);
	answer(25, 40, waiting(by_thread(posix(A, X, 0, 20), 2)), 0);
	answer(20, 45, waiting(by_thread(posix(A, S, 0, 30), 1)), 0);
	cr_expect_str_eq(held(), "A:S20-30");
	cr_expect_eq(model_quality(model)->doubts, 1);
}

Test(model_unknown, the_same_where_one_of_them_did_not_wait)
{
	ask(20, by_thread(posix(A, S, 0, 30), 1));
	answer_alone(25, 40, by_thread(posix(A, X, 0, 20), 2), 0);
	answer(20, 45, by_thread(posix(A, S, 0, 30), 1), 0);
	cr_expect_str_eq(held(), "A:S20-30");
	cr_expect_eq(model_quality(model)->doubts, 1);
}

Test(model_unknown, the_same_where_the_other_one_is_told_first)
{
	ask(20, by_thread(posix(A, S, 0, 30), 1));
	answer(20, 45, by_thread(posix(A, S, 0, 30), 1), 0);
	answer_alone(25, 50, by_thread(posix(A, X, 0, 20), 2), 0);
	cr_expect_str_eq(held(), "A:S20-30");
	cr_expect_eq(model_quality(model)->doubts, 1);
}

Test(model_unknown, a_thread_that_waited_on_after_the_others_grant_was_granted_last)
{
	take(10, posix(B, X, 0, 10));
	take(12, posix(C, X, 20, 30));
	ask(20, waiting(by_thread(posix(A, S, 0, 30), 1)));
	ask(25, waiting(by_thread(posix(A, X, 0, 20), 2)));
	take(30, posix(B, U, 0, 10));
	other_call(31, B);
	answer(25, 40, waiting(by_thread(posix(A, X, 0, 20), 2)), 0);
	take(60, posix(C, U, 20, 30));
	other_call(61, C);
	answer(20, 65, waiting(by_thread(posix(A, S, 0, 30), 1)), 0);
	cr_expect_str_eq(held(), "A:S0-30");
	cr_expect_eq(model_quality(model)->doubts, 0);
}

Test(model_unknown, threads_that_are_granted_the_same_mode_leave_no_doubt)
{
	ask(20, by_thread(posix(A, S, 0, 30), 1));
	ask(25, by_thread(posix(A, S, 0, 20), 2));
	answer(20, 45, by_thread(posix(A, S, 0, 30), 1), 0);
	answer(25, 50, by_thread(posix(A, S, 0, 20), 2), 0);
	cr_expect_str_eq(held(), "A:S0-30");
	cr_expect_eq(model_quality(model)->doubts, 0);
}

Test(model_unknown, a_downgrade_that_exec_cut_short_may_have_taken_place)
{
	take(10, posix(A, X, 0, 10));
	take(12, posix(B, X, 20, 30));
	ask(20, waiting(by_thread(posix(A, S, 0, 30), 1)));
	born(30, BIRTH_EXEC, A, NONE, 1 << FD);
	cr_expect_str_eq(held(), "A:S0-10 B:X20-30");
	cr_expect_eq(model_quality(model)->doubts, 1);
}

Test(model_unknown, threads_that_convert_one_description_at_once_leave_it_unknown)
{
	take(10, by_thread(whole(A, 3, X), 1));
	ask(20, by_thread(whole(A, 3, S), 2));
	ask(22, by_thread(whole(A, 3, U), 1));
	answer(20, 25, by_thread(whole(A, 3, S), 2), 0);
	cr_expect_str_eq(held(), "");
	take(30, whole(B, 3, X));
	cr_expect_eq(model_quality(model)->overlaps, 0);
}

/* ---- Processes that share a description, and are told of late */

static void shared_by_a_and_b(void)
{
	take(1, whole(A, 3, S));
	forks(2, A);
	born(3, BIRTH_FORK, B, A, 0);
	forked(4, A, PID(B));
	take(5, whole(A, 3, U));
	other_call(6, A);
	told();
}

Test(model_unknown, what_another_process_gave_up_before_the_grant_was_told_is_in_nobodys_way)
{
	shared_by_a_and_b();
	ask(10, whole(A, 3, X));
	take(12, whole(B, 3, U));
	take(14, whole(C, 3, X));
	answer(10, 20, whole(A, 3, X), 0);
	cr_expect_str_eq(held(), "C:fX");
	cr_expect_eq(model_quality(model)->overlaps, 0);
	cr_expect_eq(model_quality(model)->implied_ends, 0);
}

Test(model_unknown, each_of_several_things_given_up_before_the_grant_was_told_counts)
{
	shared_by_a_and_b();
	take(12, ofd(B, 3, U, 0, 10));
	for (uint64_t time = 13; time < 16; time++)
		take(time, ofd(B, 3, U, 50, 60));
	take(16, ofd(C, 3, X, 5, 6));
	answer_alone(10, 20, ofd(A, 3, X, 0, 10), 0);
	cr_expect_str_eq(held(), "C:oX5-6");
	cr_expect_eq(model_quality(model)->overlaps, 0);
}

Test(model_unknown, so_many_things_given_up_that_some_are_forgotten_count_too)
{
	shared_by_a_and_b();
	take(12, ofd(B, 3, U, 0, 10));
	for (uint64_t time = 13; time < 40; time++)
		take(time, ofd(B, 3, U, 50, 60));
	take(40, ofd(C, 3, X, 5, 6));
	answer_alone(10, 50, ofd(A, 3, X, 0, 10), 0);
	cr_expect_str_eq(held(), "C:oX5-6");
	cr_expect_eq(model_quality(model)->overlaps, 0);
}

Test(model_unknown, an_unlock_that_was_under_way_as_the_request_began_may_have_come_after_the_grant)
{
	shared_by_a_and_b();
	ask(10, whole(B, 3, U));
	ask(12, whole(A, 3, X));
	take(15, whole(C, 3, X));
	other_call(30, B); /* by now it has unlocked */
	answer(12, 40, whole(A, 3, X), 0);
	cr_expect_str_eq(held(), "C:fX");
	cr_expect_eq(model_quality(model)->overlaps, 0);
}

Test(model_unknown, a_downgrade_by_another_process_may_have_come_after_the_grant)
{
	shared_by_a_and_b();
	take(12, ofd(B, 3, S, 0, 10));
	take(14, ofd(C, 3, S, 0, 10));
	answer_alone(10, 20, ofd(A, 3, X, 0, 10), 0);
	cr_expect_str_eq(held(), "C:oS0-10");
	cr_expect_eq(model_quality(model)->overlaps, 0);
}

Test(model_unknown, a_release_that_nobody_saw_still_counts_where_two_processes_are_at_work)
{
	shared_by_a_and_b();
	take(7, whole(C, 3, X));
	ask(10, whole(A, 3, X));
	take(12, whole(B, 3, U));
	answer(10, 20, whole(A, 3, X), 0);
	cr_expect_str_eq(held(), "");
	cr_expect_eq(model_quality(model)->overlaps, 1);
}

Test(model_unknown, an_unlock_that_was_long_over_leaves_no_doubt)
{
	shared_by_a_and_b();
	ask(10, whole(B, 3, U));
	other_call(11, B);
	ask(12, whole(A, 3, X));
	take(15, whole(C, 3, X)); /* its release was not seen */
	answer(12, 40, whole(A, 3, X), 0);
	cr_expect_str_eq(held(), "A:fX");
	cr_expect_eq(model_quality(model)->overlaps, 1);
}

/* ---- Descriptions that were there before the trace spoke of them */

Test(model_unknown, who_had_an_inherited_descriptor_before_may_have_locked_it)
{
	take(10, whole(A, 3, S));
	cr_expect_eq(model_quality(model)->unknown_pasts, 0);
	take(20, inherited(whole(B, 3, S)));
	take(30, inherited(whole(B, 3, U)));
	cr_expect_eq(model_quality(model)->unknown_pasts, 1);
}

Test(model_unknown, what_a_fork_child_is_known_to_have_from_its_parent_is_known)
{
	take(10, whole(A, 3, S));
	forks(20, A);
	forked(21, A, PID(B));
	born(30, BIRTH_FORK, B, A, 0);
	take(40, inherited(whole(B, 3, U)));
	cr_expect_eq(model_quality(model)->unknown_pasts, 0);
}

Test(model_unknown, two_that_turn_out_to_be_one_may_have_changed_each_others_locks)
{
	take(10, whole(A, 3, S));
	take(20, whole(B, 3, S));
	inherits(30, B, 3, A);
	cr_expect_eq(model_quality(model)->unknown_pasts, 1);
}
