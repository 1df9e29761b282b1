/* SPDX-License-Identifier: MIT */
/* flock(2): conversion, loss, and descriptions that are shared. */
#include <criterion/criterion.h>
#include <errno.h>

#include "tests/unit/model_events.h"

TestSuite(model_flock, .init = begin_model, .fini = end_model);

Test(model_flock, a_conversion_drops_the_old_lock_first)
{
	take(10, whole(A, 3, S));
	ask(20, waiting(whole(A, 3, X)));
	cr_expect_str_eq(held(), "");
	answer(20, 50, waiting(whole(A, 3, X)), 0);
	cr_expect_str_eq(held(), "A:fX");
	cr_expect_str_eq(told(), "A:fS 11..20 released\n");
}

Test(model_flock, a_downgrade_drops_the_old_lock_too)
{
	take(10, whole(A, 3, X));
	take(20, whole(A, 3, S));
	cr_expect_str_eq(held(), "A:fS");
	cr_expect_str_eq(told(), "A:fX 11..20 released\n");
}

Test(model_flock, a_refused_or_interrupted_conversion_has_lost_the_lock)
{
	static const int errors[] = { EWOULDBLOCK, EINTR };

	for (size_t i = 0; i < 2; i++) {
		take(10 + i * 100, whole(A, 3, S));
		fail(20 + i * 100, whole(A, 3, X), errors[i]);
		cr_expect_str_eq(held(), "");
	}
	cr_expect_str_eq(told(), "A:fS 11..20 released\nA:fS 111..120 released\n");
}

Test(model_flock, other_errors_leave_it_alone)
{
	static const int errors[] = { EBADF, EINVAL, ENOLCK, ENOMEM };

	take(10, whole(A, 3, S));
	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		fail(20 + i, whole(A, 3, X), errors[i]);
		cr_expect_str_eq(held(), "A:fS");
	}
	take(40, whole(A, 3, U));
	other_call(50, A);
	cr_expect_str_eq(told(), "A:fS 11..40 released\n");
}

Test(model_flock, asking_for_the_mode_that_is_held_changes_nothing)
{
	take(10, whole(A, 3, X));
	ask(20, whole(A, 3, X));
	cr_expect_str_eq(held(), "A:fX");
	answer(20, 21, whole(A, 3, X), 0);
	take(30, whole(A, 3, U));
	other_call(40, A);
	cr_expect_str_eq(told(), "A:fX 11..30 released\n");
}

Test(model_flock, a_failed_unlock_did_not_happen)
{
	take(10, whole(A, 3, X));
	fail(20, whole(A, 3, U), EINTR);
	cr_expect_str_eq(held(), "A:fX");
	cr_expect_str_eq(told(), "");
}

Test(model_flock, two_opens_of_one_process_exclude_each_other)
{
	take(10, whole(A, 3, X));
	ask(20, waiting(whole(A, 4, X)));
	ends(20000);
	cr_expect_str_eq(told(),
			 "A waits fX 20..20000 waiting: A 20..20000\nA:fX 11..20000 open\n");
}

Test(model_flock, two_readers_who_both_upgrade_do_not_hang)
{
	take(10, whole(A, 3, S));
	take(11, whole(B, 3, S));
	ask(20, waiting(whole(A, 3, X)));
	ask(30, waiting(whole(B, 3, X)));
	answer(20, 40, waiting(whole(A, 3, X)), 0);
	cr_expect_str_eq(held(), "A:fX");
	cr_expect_eq(model_quality(model)->overlaps, 0);
}

/* ---- Shared descriptions */

Test(model_flock, a_duplicate_keeps_the_lock)
{
	take(10, whole(A, 3, X));
	dup_to(20, A, 3, 7);
	closes(30, A, 3, 3, 0);
	cr_expect_str_eq(held(), "A:fX");
	closes(40, A, 7, 7, 0);
	other_call(50, A);
	cr_expect_str_eq(told(), "A:fX 11..40 closed\n");
}

Test(model_flock, unlocking_through_a_duplicate_unlocks)
{
	take(10, whole(A, 3, X));
	dup_to(20, A, 3, 7);
	take(30, whole(A, 7, U));
	cr_expect_str_eq(held(), "");
}

Test(model_flock, a_duplicate_onto_the_locked_fd_drops_the_lock)
{
	take(10, whole(A, 3, X));
	dup_over(20, A, 5, 3, 0);
	cr_expect_str_eq(held(), "");
	other_call(30, A);
	cr_expect_str_eq(told(), "A:fX 11..20 closed\n");
}

Test(model_flock, a_failed_dup2_drops_nothing)
{
	take(10, whole(A, 3, X));
	take(11, at_fd(on_file(whole(A, 0, S), 1), 5));
	dup_over(20, A, 5, 3, 0);
	dup_fails(20, A, 5, 3, EBADF);
	cr_expect_str_eq(held(), "A:fX");
	closes(30, A, 5, 5, 1);
	cr_expect_str_eq(held(), "A:fX");
	cr_expect_str_eq(held_on(1), "");
}

Test(model_flock, dup2_onto_itself_does_nothing)
{
	take(10, whole(A, 3, X));
	dup_over(20, A, 3, 3, 0);
	dup_to(20, A, 3, 3);
	cr_expect_str_eq(held(), "A:fX");
}

Test(model_flock, a_fork_child_shares_and_can_unlock)
{
	take(10, whole(A, 3, X));
	forks(20, A);
	born(21, BIRTH_FORK, B, A, 0);
	forked(22, A, PID(B));
	take(30, whole(B, 3, U));
	cr_expect_str_eq(held(), "");
	other_call(40, B);
	cr_expect_str_eq(told(), "A:fX 11..30 released\n");
}

Test(model_flock, the_parents_close_leaves_it_to_the_child)
{
	take(10, whole(A, 3, X));
	forks(20, A);
	forked(22, A, PID(B));
	born(25, BIRTH_FORK, B, A, 0);
	closes(30, A, 3, 3, 0);
	cr_expect_str_eq(held(), "A(B):fX");
	exits(35, B);
	dies(40, B);
	cr_expect_str_eq(told(), "A(B):fX 11..40 died\n");
}

Test(model_flock, a_silent_child_keeps_it_until_it_is_reaped)
{
	take(10, whole(A, 3, X));
	forks(20, A);
	forked(22, A, PID(B));
	closes(30, A, 3, 3, 0);
	cr_expect_str_eq(held(), "A:fX");
	reaps(35, A, PID(B), 0x7f | 19 << 8); /* only stopped */
	cr_expect_str_eq(held(), "A:fX");
	reaps(40, A, PID(B), 0);
	cr_expect_str_eq(held(), "");
	cr_expect_str_eq(told(), "A:fX 11..40 died\n");
}

Test(model_flock, a_silent_child_keeps_it_when_its_parent_dies)
{
	take(10, whole(A, 3, X));
	forks(20, A);
	forked(22, A, PID(B));
	dies(30, A);
	cr_expect_str_eq(held(), "A:fX");
	take(50, whole(C, 3, X));
	cr_expect_str_eq(told(), "A:fX 11..30 implied\n");
	cr_expect_eq(model_quality(model)->overlaps, 0);
	cr_expect_eq(model_quality(model)->unknown_ends, 1);
}

Test(model_flock, a_failed_fork_leaves_nothing_behind)
{
	take(10, whole(A, 3, X));
	forks(20, A);
	forked(22, A, -1);
	closes(30, A, 3, 3, 0);
	cr_expect_str_eq(held(), "");
}

Test(model_flock, fork_children_are_told_apart_by_their_pid)
{
	forks(10, A);
	forked(11, A, PID(B)); /* before the lock */
	take(20, whole(A, 3, X));
	forks(30, A);
	forked(31, A, PID(C));
	born(40, BIRTH_FORK, C, A, 0);
	born(41, BIRTH_FORK, B, A, 0);
	closes(50, A, 3, 3, 0);
	dies(60, B);
	cr_expect_str_eq(held(), "A(C):fX");
	dies(70, C);
	cr_expect_str_eq(held(), "");
}

Test(model_flock, a_child_that_spoke_before_it_was_announced_shares_the_rest)
{
	take(10, whole(A, 3, X));
	take(11, on_file(whole(A, 4, X), 1));
	forks(20, A);
	take(25, on_file(whole(B, 4, X), 2));
	born(26, BIRTH_FORK, B, A, 0);
	closes(30, A, 3, 4, NONE);
	cr_expect_str_eq(held(), "A(B):fX");
	cr_expect_str_eq(held_on(1), "");
	cr_expect_str_eq(held_on(2), "B:fX");
}

/* ( flock 9; work ) 9>f */
Test(model_flock, the_subshell_keeps_what_flock_locked_for_it)
{
	born(10, BIRTH_START, A, NONE, 1 << 9);
	born(20, BIRTH_START, B, A, 1 << 9);
	inherits(21, B, 9, A);
	take(22, whole(B, 9, X));
	exits(30, B);
	dies(31, B);
	cr_expect_str_eq(held(), "B(A):fX");
	closes(90, A, 9, 9, 0);
	other_call(99, A);
	cr_expect_str_eq(told(), "B(A):fX 23..90 closed\n");
}

Test(model_flock, who_waits_for_a_subshell_is_told_of_the_shell_and_of_who_locked_for_it)
{
	struct lock wanted = waiting(whole(C, 3, X));

	born(10, BIRTH_START, A, NONE, 1 << 9);
	born(20, BIRTH_START, B, A, 1 << 3);
	inherits_as(21, B, 3, A, 9); /* flock 3 3>&9 */
	take(22, whole(B, 3, X));
	ask(25, wanted);
	dies(31, B);
	closes(5000, A, 9, 9, 0);
	answer(25, 5001, wanted, 0);
	cr_expect_str_eq(told(), "C waits fX 25..5001 granted: B(A) 25..5000\n");
}

Test(model_flock, a_child_keeps_what_its_parent_locked_and_closed)
{
	take(10, whole(A, 3, X));
	forks(20, A);
	forked(21, A, PID(B));
	born(22, BIRTH_FORK, B, A, 0);
	cr_expect_str_eq(held(), "A:fX");
	closes(30, A, 3, 3, 0);
	cr_expect_str_eq(held(), "A(B):fX");
	dies(90, B);
	cr_expect_str_eq(held(), "");
}

Test(model_flock, a_child_that_speaks_up_late_keeps_what_its_parent_has_left)
{
	take(10, whole(A, 3, X));
	forks(20, A);
	forked(21, A, PID(B));
	closes(30, A, 3, 3, 0);
	cr_expect_str_eq(held(), "A:fX"); /* nobody else is known yet */
	born(40, BIRTH_FORK, B, A, 0);
	cr_expect_str_eq(held(), "A(B):fX");
}

Test(model_flock, a_lock_goes_to_the_grandparent_whose_child_is_gone)
{
	take(10, whole(A, 3, S));
	forks(11, A);
	forked(12, A, PID(B));
	born(13, BIRTH_FORK, B, A, 0);
	forks(14, B);
	forked(15, B, PID(C));
	born(16, BIRTH_FORK, C, B, 0);
	take(20, whole(C, 3, X));
	dies(30, B);
	cr_expect_str_eq(held(), "C:fX");
	dies(40, C);
	cr_expect_str_eq(held(), "C(A):fX");
}

/* exec 9>f; flock 9; …; flock -u 9 */
Test(model_flock, another_flock_unlocks_what_the_first_locked)
{
	born(10, BIRTH_START, A, NONE, 1 << 9);
	born(20, BIRTH_START, B, A, 1 << 9);
	inherits(21, B, 9, A);
	take(22, whole(B, 9, X));
	dies(30, B);
	born(40, BIRTH_START, C, A, 1 << 9);
	inherits(41, C, 9, A);
	take(42, whole(C, 9, U));
	dies(50, C);
	cr_expect_str_eq(told(), "B(A):fX 23..42 released\n");
}

Test(model_flock, what_turns_out_to_be_one_description_is_one)
{
	take(10, whole(B, 9, X));
	take(11, at_fd(on_file(whole(A, 0, S), 0), 9)); /* seems to contradict */
	inherits(20, B, 9, A);
	take(30, whole(B, 9, U));
	cr_expect_str_eq(held(), "");
}

Test(model_flock, posix_spawn_shares_nothing_that_is_not_said)
{
	take(10, whole(A, 3, X));
	born(20, BIRTH_START, B, A, 1 << 3);
	closes(30, A, 3, 3, 0);
	cr_expect_str_eq(held(), "");
}

Test(model_flock, a_close_during_the_wait_takes_the_lock_with_it)
{
	ask(10, waiting(by_thread(whole(A, 3, X), 1)));
	closes(20, A, 3, 3, 0);
	answer(10, 30, waiting(by_thread(whole(A, 3, X), 1)), 0);
	cr_expect_str_eq(held(), "");
}

Test(model_flock, a_lock_that_went_with_its_fd_is_in_nobodys_way)
{
	take(5, whole(D, 3, X));
	ask(10, waiting(by_thread(whole(A, 3, S), 1)));
	ask(12, waiting(whole(C, 3, X)));
	closes(20, A, 3, 3, 0);
	take(30, whole(D, 3, U));
	other_call(35, D);
	answer(12, 40, waiting(whole(C, 3, X)), 0);
	answer(10, 41, waiting(by_thread(whole(A, 3, S), 1)), 0);
	cr_expect_str_eq(held(), "C:fX");
	cr_expect_eq(model_quality(model)->overlaps, 0);
}
