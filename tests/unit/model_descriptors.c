/* SPDX-License-Identifier: MIT */
/* Close, exec, exit and death. */
#include <criterion/criterion.h>
#include <errno.h>

#include "tests/unit/model_events.h"

TestSuite(model_descriptors, .init = begin_model, .fini = end_model);

Test(model_descriptors, closing_any_fd_of_a_file_drops_all_posix_locks_on_it)
{
	take(10, posix(A, X, 0, 10));
	take(11, posix(A, S, 50, 60));
	take(12, on_file(at_fd(posix(A, X, 0, 10), 8), 1));
	closes(20, A, 5, 5, 0); /* an fd that was never locked */
	cr_expect_str_eq(held(), "");
	cr_expect_str_eq(held_on(1), "A:X0-10");
	other_call(30, A);
	cr_expect_str_eq(told(), "A:X0-10 11..20 closed\nA:S50-60 12..20 closed\n");
}

Test(model_descriptors, the_locked_fd_tells_the_file_where_the_event_does_not)
{
	take(10, at_fd(posix(A, X, 0, 10), 4));
	closes(20, A, 4, 4, NONE);
	cr_expect_str_eq(held(), "");
}

Test(model_descriptors, a_close_leaves_ofd_locks_of_other_descriptions_alone)
{
	take(10, ofd(A, 3, X, 0, 10));
	take(11, ofd(A, 4, X, 10, 20));
	closes(20, A, 4, 4, 0);
	cr_expect_str_eq(held(), "A:oX0-10");
	closes(30, A, 3, 3, 0);
	cr_expect_str_eq(held(), "");
}

Test(model_descriptors, a_range_of_fds_closes_each)
{
	take(10, whole(A, 3, X));
	take(11, on_file(whole(A, 4, X), 1));
	take(12, on_file(whole(A, 9, X), 2));
	take(13, on_file(at_fd(posix(A, X, 0, 10), 5), 3));
	closes(20, A, 4, 7, NONE);
	cr_expect_str_eq(held_on(0), "A:fX");
	cr_expect_str_eq(held_on(1), "");
	cr_expect_str_eq(held_on(2), "A:fX");
	cr_expect_str_eq(held_on(3), "");
}

Test(model_descriptors, a_close_that_fails_with_ebadf_closed_nothing)
{
	take(10, at_fd(posix(A, X, 0, 10), 3));
	take(11, whole(A, 3, X));
	closes(20, A, 3, 3, 0);
	cr_expect_str_eq(held(), "");
	close_fails(20, A, 3, 3, EBADF);
	cr_expect_str_eq(held(), "A:X0-10 A:fX");
	cr_expect_str_eq(told(), "");
	closes(30, A, 3, 3, 0);
	other_call(31, A);
	cr_expect_str_eq(told(), "A:X0-10 11..30 closed\nA:fX 12..30 closed\n");
}

Test(model_descriptors, a_close_that_fails_later_has_closed)
{
	static const int errors[] = { EINTR, EIO, ENOSPC, EDQUOT };

	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		take(10 + 100 * i, whole(A, 3, X));
		closes(20 + 100 * i, A, 3, 3, 0);
		close_fails(20 + 100 * i, A, 3, 3, errors[i]);
		cr_expect_str_eq(held(), "");
	}
}

Test(model_descriptors, an_fd_that_is_another_file_now_was_closed_unseen)
{
	take(10, whole(A, 3, X));
	take(11, at_fd(posix(A, X, 0, 10), 3));
	take(20, on_file(whole(A, 3, X), 1));
	cr_expect_str_eq(held(), "");
	cr_expect_str_eq(held_on(1), "A:fX");
	cr_expect_str_eq(told(), "A:X0-10 12..20 closed\nA:fX 11..20 closed\n");
}

/* ---- fork */

Test(model_descriptors, posix_locks_are_not_inherited)
{
	take(10, posix(A, X, 0, 10));
	forks(20, A);
	born(21, BIRTH_FORK, B, A, 0);
	forked(22, A, PID(B));
	take(30, posix(B, U, 0, END));
	closes(40, B, FD, FD, 0);
	cr_expect_str_eq(held(), "A:X0-10");
	dies(50, A);
	cr_expect_str_eq(held(), "");
}

Test(model_descriptors, a_fork_that_nobody_announced_copies_what_the_parent_has)
{
	take(10, ofd(A, 3, X, 0, 10));
	born(20, BIRTH_FORK, B, A, 0);
	dies(30, A);
	cr_expect_str_eq(held(), "A(B):oX0-10");
	take(40, ofd(B, 3, U, 0, 10));
	cr_expect_str_eq(held(), "");
}

/* ---- exec */

Test(model_descriptors, exec_keeps_locks_but_for_closed_fds)
{
	take(10, at_fd(posix(A, X, 0, 10), 3));
	take(11, whole(A, 3, X));
	take(12, on_file(at_fd(posix(A, X, 0, 10), 4), 1));
	take(13, on_file(whole(A, 4, X), 1));
	born(50, BIRTH_EXEC, A, NONE, 1 << 3);
	cr_expect_str_eq(held(), "A:X0-10 A:fX");
	cr_expect_str_eq(held_on(1), "");
	cr_expect_str_eq(told(), "A:X0-10 13..50 exec\nA:fX 14..50 exec\n");
}

Test(model_descriptors, high_fds_close_on_exec_as_they_were_told_to)
{
	take(10, whole(A, 70, X));
	take(11, on_file(whole(A, 71, X), 1));
	take(12, on_file(whole(A, 72, X), 2));
	cloexec(20, A, 71, true);
	cloexec(21, A, 72, true);
	cloexec(22, A, 72, false);
	born(50, BIRTH_EXEC, A, NONE, 0);
	cr_expect_str_eq(held_on(0), "A:fX");
	cr_expect_str_eq(held_on(1), "");
	cr_expect_str_eq(held_on(2), "A:fX");
}

Test(model_descriptors, a_duplicate_survives_exec_where_the_original_does_not)
{
	take(10, whole(A, 3, X));
	dup_to(20, A, 3, 8);
	born(50, BIRTH_EXEC, A, NONE, 1 << 8);
	cr_expect_str_eq(held(), "A:fX");
	closes(60, A, 8, 8, 0);
	cr_expect_str_eq(held(), "");
}

Test(model_descriptors, exec_ends_the_calls_of_other_threads)
{
	take(10, posix(B, X, 0, 10));
	ask(20, waiting(by_thread(posix(A, X, 0, 10), 7)));
	born(50020, BIRTH_EXEC, A, NONE, 1 << FD);
	cr_expect_str_eq(told(), "A waits X0-10 20..50020 abandoned: B 20..50020\n");
}

Test(model_descriptors, a_lock_that_exec_drops_may_be_granted_before_exec_says_so)
{
	take(10, posix(A, X, 0, 10));
	ask(20, waiting(at_fd(posix(B, X, 0, 10), 5)));
	answer(20, 60, waiting(at_fd(posix(B, X, 0, 10), 5)), 0);
	cr_expect_eq(model_quality(model)->overlaps, 1);
	born(70, BIRTH_EXEC, A, NONE, 0);
	cr_expect_str_eq(held(), "B:X0-10");
	cr_expect_eq(model_quality(model)->overlaps, 0);
}

/* ---- A close while a lock of the same fd is waited for */

Test(model_descriptors, a_lock_granted_after_its_fd_was_closed_takes_the_others_along)
{
	take(10, posix(B, X, 0, 10));
	ask(20, waiting(by_thread(posix(A, X, 0, 10), 7)));
	closes(30, A, FD, FD, 0);
	take(40, at_fd(posix(A, X, 50, END), 8));
	closes(50, B, FD, FD, 0);
	answer(20, 60, waiting(by_thread(posix(A, X, 0, 10), 7)), EBADF);
	cr_expect_str_eq(held(), "");
	cr_expect_eq(model_quality(model)->doubts, 1);
}

Test(model_descriptors, a_lock_that_its_fd_does_not_allow_takes_nothing_along)
{
	take(10, at_fd(posix(A, X, 50, END), 8));
	fail(40, posix(A, X, 0, 10), EBADF);
	cr_expect_str_eq(held(), "A:X50-END");
	cr_expect_eq(model_quality(model)->doubts, 0);
}

Test(model_descriptors, a_silent_fork_child_that_execs_is_known_by_its_pid)
{
	take(10, whole(A, 3, X));
	take(11, on_file(whole(A, 4, X), 1));
	forks(20, A);
	forked(21, A, PID(B));
	born(30, BIRTH_START, B, A, 1 << 3);
	closes(40, A, 3, 4, NONE);
	cr_expect_str_eq(held(), "A(B):fX");
	cr_expect_str_eq(held_on(1), "");
	take(50, whole(B, 3, U));
	cr_expect_str_eq(held(), "");
}

/* ---- exit and death */

Test(model_descriptors, exit_is_only_a_hint)
{
	take(10, posix(A, X, 0, 10));
	exits(20, A);
	cr_expect_str_eq(held(), "A:X0-10");
	take(30, posix(A, U, 0, 5)); /* a destructor */
	dies(40, A);
	cr_expect_str_eq(told(), "A:X0-5 11..30 released\nA:X5-10 11..40 died\n");
	cr_expect_eq(model_quality(model)->implied_ends, 1);
}

Test(model_descriptors, a_lock_after_exit_implies_the_end_without_a_contradiction)
{
	take(10, posix(A, X, 0, 10));
	take(11, on_file(whole(A, 4, X), 1));
	exits(20, A);
	take(30, posix(B, X, 0, 10));
	take(40, on_file(whole(B, 4, X), 1));
	cr_expect_str_eq(told(), "A:X0-10 11..20 implied\nA:fX 12..20 implied\n");
	cr_expect_eq(model_quality(model)->implied_ends, 2);
	cr_expect_eq(model_quality(model)->unknown_ends, 0);
	cr_expect_eq(model_quality(model)->overlaps, 0);
}

Test(model_descriptors, a_killed_holder_contradicts_nothing_although_its_death_is_seen_late)
{
	take(10, posix(A, X, 0, 10));
	take(30, posix(B, X, 0, 10));
	cr_expect_eq(model_quality(model)->overlaps, 1);
	dies(40, A);
	cr_expect_eq(model_quality(model)->overlaps, 0);
	cr_expect_eq(model_quality(model)->implied_ends, 1);
}

Test(model_descriptors, a_killed_keeper_contradicts_nothing_though_another_took_the_lock)
{
	take(10, whole(A, 4, X));
	inherits(15, B, 4, A);
	closes(20, A, 4, 4, 0);
	other_call(21, A);
	take(30, whole(C, 4, X));
	cr_expect_eq(model_quality(model)->overlaps, 1);
	dies(40, B);
	cr_expect_eq(model_quality(model)->overlaps, 0);
}

Test(model_descriptors, a_holder_that_went_on_was_no_dead_one)
{
	take(10, posix(A, X, 0, 10));
	take(30, posix(B, X, 0, 10));
	other_call(35, A);
	dies(40, A);
	cr_expect_eq(model_quality(model)->overlaps, 1);
}

Test(model_descriptors, a_dead_process_that_speaks_is_not_dead)
{
	forks(5, A);
	forked(6, A, PID(B)); /* a child that has not spoken: A is not forgotten */
	dies(10, A);
	take(20, posix(A, X, 0, 10));
	dies(30, A);
	cr_expect_str_eq(told(), "A:X0-10 21..30 died\n");
	take(40, posix(B, X, 0, 10));
	cr_expect_eq(model_quality(model)->overlaps, 0);
}

Test(model_descriptors, a_child_that_was_reaped_is_dead)
{
	born(5, BIRTH_START, B, A, 1 << FD);
	take(10, posix(B, X, 0, 10));
	reaps(40, A, PID(B), 9);
	cr_expect_str_eq(told(), "B:X0-10 11..40 died\n");
	dies(50, B);
	cr_expect_str_eq(told(), "");
}

Test(model_descriptors, death_ends_what_the_process_was_waiting_for)
{
	take(10, posix(A, X, 0, 10));
	ask(20, waiting(posix(B, X, 0, 10)));
	dies(50020, B);
	cr_expect_str_eq(told(), "B waits X0-10 20..50020 died: A 20..50020\n");
	take(60000, posix(A, U, 0, END));
	other_call(60001, A);
	cr_expect_str_eq(told(), "A:X0-10 11..60000 released\n");
}
