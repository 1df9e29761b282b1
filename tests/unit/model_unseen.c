/* SPDX-License-Identifier: MIT */
/* Ends that nobody saw: sessions without a launcher, where nobody tells who has died. */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/unit/model_events.h"

#define US     UINT64_C(1000)
#define MS     UINT64_C(1000000)
#define SECOND (1000 * MS)

TestSuite(model_unseen, .init = begin_model, .fini = end_model);

static uint64_t unknown_ends(void)
{
	return model_quality(model)->unknown_ends;
}

/* A blocking call that takes so long. */
static void gets(uint64_t begin, uint64_t duration, struct lock lock)
{
	ask(begin, waiting(lock));
	answer(begin, begin + duration, waiting(lock), 0);
}

Test(model_unseen, programs_one_after_another_do_not_wait_for_each_other)
{
	gets(1 * MS, 5 * US, posix(A, X, 0, END));
	exits(3 * MS, A);
	gets(60 * MS, 5 * US, posix(B, X, 0, END));
	exits(62 * MS, B);
	gets(120 * MS, 5 * US, posix(C, X, 0, END));
	cr_expect_str_eq(told(), "A:X0-END 1005000..3000000 implied\n"
				 "B:X0-END 60005000..62000000 implied\n");
	cr_expect_eq(unknown_ends(), 0);
	cr_expect_eq(model_quality(model)->overlaps, 0);
}

Test(model_unseen, flock_and_its_child_hold_until_both_have_said_that_they_exit)
{
	take(1 * MS, whole(A, 3, X));
	forks(2 * MS, A);
	born(3 * MS, BIRTH_FORK, B, A, 0);
	forked(3 * MS, A, PID(B));
	exits(8 * MS, B);
	exits(9 * MS, A);
	gets(30 * MS, 5 * US, whole(C, 3, X));
	cr_expect_str_eq(told(), "A:fX 1000001..9000000 implied\n");
	cr_expect_eq(unknown_ends(), 0);
}

Test(model_unseen, what_was_kept_by_one_that_closed_it_last_is_not_forgotten)
{
	take(1 * MS, whole(A, 3, X));
	forks(2 * MS, A);
	born(3 * MS, BIRTH_FORK, B, A, 0);
	forked(3 * MS, A, PID(B));
	exits(4 * MS, B);
	closes(9 * MS, A, 3, 3, 0); /* and B may have gone long before */
	gets(30 * MS, 5 * US, whole(C, 3, X));
	cr_expect_str_eq(told(), "A(B):fX 1000001..9000000 implied\n");
}

Test(model_unseen, what_a_new_process_was_left_it_keeps)
{
	take(10, whole(A, 4, X));
	exits(20, A);
	born(30, BIRTH_START, B, NONE, 1 << 4);
	cr_expect_str_eq(held(), "A:fX");
	keeps(31, whole(B, 4, X));
	cr_expect_str_eq(held(), "A(B):fX");
	dies(40, A);
	cr_expect_str_eq(held(), "A(B):fX");
	closes(50, B, 4, 4, 0);
	cr_expect_str_eq(held(), "");
	cr_expect_eq(model_quality(model)->overlaps, 0);
}

/* A vfork child says nothing before its new program's recorder does. */
Test(model_unseen, what_a_dead_taker_left_to_a_program_that_had_not_spoken_yet_is_still_his)
{
	born(1, BIRTH_START, A, NONE, 0);
	take(10, whole(A, 4, X));
	ask(10000000, waiting(whole(C, 3, X)));
	dies(20000000, A);
	cr_expect_str_eq(held(), "");
	born(30000000, BIRTH_START, B, NONE, 1 << 4);
	keeps_of(30000001, whole(B, 4, X), A);
	cr_expect_str_eq(held(), "A(B):fX");
	dies(90000000, B);
	answer(10000000, 90000001, waiting(whole(C, 3, X)), 0);
	cr_expect_str_eq(told(), "A:fX 11..20000000 died\n"
				 "A(B):fX 20000000..90000000 died\n"
				 "C waits fX 10000000..90000001 granted: A 10000000..20000000, "
				 "A(B) 20000000..90000000\n");
	cr_expect_eq(model_quality(model)->unknown_waits, 0);
}

Test(model_unseen, what_its_taker_closed_before_the_heir_spoke_is_still_his)
{
	born(1, BIRTH_START, A, NONE, 0);
	take(10, whole(A, 4, X));
	closes(20, A, 4, 4, 0);
	other_call(21, A);
	born(30, BIRTH_START, B, A, 1 << 4);
	keeps_of(31, whole(B, 4, X), A);
	cr_expect_str_eq(held(), "A(B):fX");
}

/* The kernel does not say who took such a lock, and shows neighbours as one. */
Test(model_unseen, what_somebody_has_waited_for_all_the_time_is_still_the_same_lock)
{
	take(10, ofd(A, 4, S, 5, 10));
	take(11, ofd(A, 4, S, 10, 30));
	take(12, ofd(A, 4, S, 40, 50));
	ask(15, waiting(ofd(C, 3, X, 0, 100)));
	closes(20, A, 4, 4, 0);
	other_call(21, A);
	born(30, BIRTH_START, B, NONE, 1 << 4);
	keeps(31, ofd(B, 4, S, 5, 30));
	keeps(31, ofd(B, 4, S, 40, 50));
	cr_expect_str_eq(held(), "A(B):oS5-10 A(B):oS10-30 A(B):oS40-50");
}

Test(model_unseen, what_nobody_waited_for_may_have_been_released_and_taken_anew)
{
	take(10, ofd(A, 4, X, 5, 10));
	closes(20, A, 4, 4, 0);
	other_call(21, A);
	ask(25, waiting(ofd(C, 3, X, 0, 100)));
	born(30, BIRTH_START, B, NONE, 1 << 4);
	keeps(31, ofd(B, 4, X, 5, 10));
	cr_expect_str_eq(held(), "B:oX5-10");
}

Test(model_unseen, where_records_are_missing_nobody_knows_who_took_what_was_left)
{
	born(1, BIRTH_START, A, NONE, 0);
	take(10, whole(A, 4, X));
	dies(20, A);
	loses(25);
	born(30, BIRTH_START, B, NONE, 1 << 4);
	keeps_of(31, whole(B, 4, X), A);
	cr_expect_str_eq(held(), "B:fX");
}

Test(model_unseen, a_close_that_failed_has_left_nothing)
{
	born(1, BIRTH_START, A, NONE, 0);
	take(10, whole(A, 4, X));
	dup_over(20, A, 9, 4, 0);
	dup_fails(20, A, 9, 4, 9 /* EBADF */);
	cr_expect_str_eq(held(), "A:fX");
	take(30, whole(A, 4, U));
	other_call(31, A);
	born(40, BIRTH_START, B, NONE, 1 << 4);
	keeps_of(41, whole(B, 4, X), A);
	cr_expect_str_eq(held(), "B:fX");
}

Test(model_unseen, a_second_descriptor_of_the_heir_shows_the_same_lock)
{
	born(1, BIRTH_START, A, NONE, 0);
	born(2, BIRTH_START, C, NONE, 0);
	take(10, whole(A, 4, S));
	take(11, whole(C, 4, S));
	dies(20, C);
	born(30, BIRTH_START, B, NONE, 3 << 4);
	inherits(31, B, 4, A);
	keeps_of(32, whole(B, 4, S), A);
	inherits_as(33, B, 5, A, 4);
	keeps_of(34, whole(B, 5, S), A);
	cr_expect_str_eq(held(), "A:fS");
}

Test(model_unseen, a_shared_lock_of_the_living_is_that_of_the_taker_whom_the_kernel_names)
{
	born(1, BIRTH_START, A, NONE, 0);
	born(2, BIRTH_START, C, NONE, 0);
	take(10, whole(A, 70, S));
	take(11, whole(C, 4, S));
	born(30, BIRTH_START, B, A, 1 << 4);
	keeps_of(31, whole(B, 4, S), A);
	cr_expect_str_eq(held(), "A:fS C:fS");
	take(40, whole(A, 70, U));
	other_call(41, A);
	cr_expect_str_eq(held(), "C:fS");
	take(50, whole(C, 4, U));
	take(51, whole(D, 4, X));
	cr_expect_eq(model_quality(model)->overlaps, 0);
}

Test(model_unseen, what_was_unlocked_after_it_was_found_is_not_held)
{
	born(1, BIRTH_START, A, NONE, 0);
	take(10, whole(A, 4, X));
	born(30, BIRTH_START, B, A, 1 << 4);
	inherits(31, B, 4, A);
	take(33, whole(A, 4, U));
	keeps_of(32, whole(B, 4, X), A);
	cr_expect_str_eq(held(), "");
}

Test(model_unseen, what_is_asked_for_when_it_is_found_is_told_by_who_asks)
{
	born(1, BIRTH_START, A, NONE, 0);
	take(9, whole(A, 4, X));
	take(10, whole(A, 4, U));
	born(30, BIRTH_START, B, A, 1 << 4);
	inherits(31, B, 4, A);
	ask(32, waiting(whole(A, 4, X)));
	keeps_of(33, whole(B, 4, X), A);
	answer(32, 34, waiting(whole(A, 4, X)), 0);
	cr_expect_str_eq(held(), "A:fX");
	cr_expect_eq(model_quality(model)->overlaps, 0);
}

/* Another thread has closed it while the call was under way; the child's death is told late. */
Test(model_unseen, a_lock_that_is_granted_after_its_close_is_kept_by_who_shares_it)
{
	take(1, whole(C, 3, X));
	ask(10, waiting(whole(A, 4, X)));
	forks(11, A);
	born(12, BIRTH_FORK, B, A, 0);
	forked(12, A, PID(B));
	closes(13, A, 4, 4, 0);
	take(20, whole(C, 3, U));
	answer(10, 21, waiting(whole(A, 4, X)), 0);
	cr_expect_str_eq(held(), "A(B):fX");
	take(30, whole(C, 3, X));
	other_call(31, A);
	dies(32, B);
	cr_expect_eq(model_quality(model)->overlaps, 0);
}

/* A has forked B, B a silent one, which is the only one left to have it. */
Test(model_unseen, the_lock_of_the_dead_is_kept_by_who_speaks_last)
{
	take(10, whole(A, 4, X));
	forks(11, A);
	born(12, BIRTH_FORK, B, A, 0);
	forked(12, A, PID(B));
	forks(13, B);
	forked(14, B, PID(C));
	closes(15, B, 4, 4, 0);
	exits(16, A);
	dies(17, A);
	born(18, BIRTH_FORK, C, B, 0);
	cr_expect_str_eq(held(), "A(C):fX");
}

Test(model_unseen, what_somebody_else_has_been_granted_since_has_no_heir)
{
	take(10, whole(A, 4, X));
	dies(20, A);
	take(21, whole(C, 3, X));
	take(22, whole(C, 3, U));
	other_call(23, C);
	born(30, BIRTH_START, B, NONE, 1 << 4);
	keeps(31, whole(B, 4, X));
	cr_expect_str_eq(held(), "B:fX");
}

Test(model_unseen, what_somebody_else_took_is_not_the_heirs)
{
	born(1, BIRTH_START, A, NONE, 0);
	take(10, whole(A, 4, X));
	dies(20, A);
	born(30, BIRTH_START, B, NONE, 1 << 4);
	keeps_of(31, whole(B, 4, X), C);
	cr_expect_str_eq(held(), "B:fX");
}

Test(model_unseen, of_several_that_shared_it_nobody_knows_whose_heir_it_is_unless_the_kernel_says)
{
	born(1, BIRTH_START, A, NONE, 0);
	born(2, BIRTH_START, C, NONE, 0);
	take(10, whole(A, 4, S));
	take(11, whole(C, 4, S));
	dies(20, A);
	dies(21, C);
	born(30, BIRTH_START, B, NONE, 1 << 4);
	keeps(31, whole(B, 4, S));
	cr_expect_str_eq(held(), "B:fS");
	dies(40, B);
	born(50, BIRTH_START, D, NONE, 1 << 4);
	keeps_of(51, whole(D, 4, S), C);
	cr_expect_str_eq(held(), "C(D):fS");
}

Test(model_unseen, what_nobody_is_known_to_have_left_is_held_from_when_it_was_found)
{
	ask(20, waiting(whole(C, 3, X)));
	born(30, BIRTH_START, B, NONE, 1 << 4);
	keeps(31, whole(B, 4, X));
	keeps(32, ofd(B, 5, S, 5, 10));
	cr_expect_str_eq(held(), "B:oS5-10 B:fX");
	dies(20000000, B);
	answer(20, 20000001, waiting(whole(C, 3, X)), 0);
	cr_expect_not_null(strstr(told(), "C waits fX 20..20000001 granted: B 31..20000000"));
}

Test(model_unseen, of_shared_locks_of_the_living_none_is_taken_for_the_one_that_was_left)
{
	take(10, whole(A, 4, S));
	born(30, BIRTH_START, B, NONE, 1 << 4);
	keeps(31, whole(B, 4, S));
	closes(40, B, 4, 4, 0);
	other_call(41, B);
	cr_expect_str_eq(held(), "A:fS");
}

Test(model_unseen, a_wait_that_ends_with_the_exit_of_the_holder_is_charged_to_it)
{
	take(1 * MS, posix(A, X, 0, 10));
	ask(10 * MS, waiting(posix(B, X, 0, 10)));
	exits(90 * MS, A);
	answer(10 * MS, 91 * MS, waiting(posix(B, X, 0, 10)), 0);
	cr_expect_str_eq(told(), "B waits X0-10 10000000..91000000 granted: A 10000000..91000000\n"
				 "A:X0-10 1000001..91000000 implied\n");
}

Test(model_unseen, of_two_that_exit_only_the_last_is_charged_to_the_end)
{
	take(1 * MS, posix(A, S, 0, 10));
	take(2 * MS, posix(B, S, 0, 10));
	ask(10 * MS, waiting(posix(C, X, 0, 10)));
	exits(30 * MS, A);
	exits(90 * MS, B);
	answer(10 * MS, 91 * MS, waiting(posix(C, X, 0, 10)), 0);
	cr_expect_str_eq(told(), "C waits X0-10 10000000..91000000 granted: A 10000000..30000000, "
				 "B 10000000..91000000\n"
				 "B:S0-10 2000001..91000000 implied\n"
				 "A:S0-10 1000001..30000000 implied\n");
}

Test(model_unseen, memory_takes_time_to_go_before_the_locks_do)
{
	take(1 * MS, posix(A, X, 0, 10));
	exits(9 * MS, A);
	gets(10 * MS, 40 * MS, posix(B, X, 0, 10));
	cr_expect_str_eq(told(), "B waits X0-10 10000000..50000000 granted: A 10000000..50000000\n"
				 "A:X0-10 1000001..50000000 implied\n");
}

Test(model_unseen, who_said_long_ago_that_it_exits_is_no_holder)
{
	take(1 * MS, posix(A, X, 0, 10));
	exits(9 * MS, A);
	gets(5 * SECOND, 40 * MS, posix(B, X, 0, 10));
	cr_expect_str_eq(told(), "B waits X0-10 5000000000..5040000000 granted: ?\n"
				 "A:X0-10 1000001..9000000 implied\n");
}

Test(model_unseen, a_killed_holder_held_as_long_as_somebody_waited_for_its_end)
{
	take(1 * MS, posix(A, X, 0, 10));
	gets(10 * MS, 5 * SECOND, posix(B, X, 0, 10));
	cr_expect_str_eq(told(),
			 "B waits X0-10 10000000..5010000000 granted: A 10000000..5010000000\n"
			 "A:X0-10 1000001..5010000000 implied\n");
	found_dead(9 * SECOND, A);
	cr_expect_eq(unknown_ends(), 0);
	cr_expect_eq(model_quality(model)->overlaps, 0);
}

Test(model_unseen, a_killed_holder_that_nobody_waited_for_held_nobody_knows_how_long)
{
	take(1 * MS, posix(A, X, 0, 10));
	other_call(4 * MS, A);
	gets(5 * SECOND, 5 * US, posix(B, X, 0, 10));
	cr_expect_str_eq(told(), "A:X0-10 1000001..4000000 implied\n");
	cr_expect_eq(model_quality(model)->overlaps, 1);
	cr_expect_eq(unknown_ends(), 0); /* an unlock may have been missed: that is said already */
	found_dead(9 * SECOND, A);
	cr_expect_eq(model_quality(model)->overlaps, 0);
	cr_expect_eq(unknown_ends(), 1);
}

Test(model_unseen, who_is_found_dead_held_until_its_last_word_for_certain)
{
	take(1 * MS, posix(A, X, 0, 10));
	take(2 * MS, whole(A, 4, X));
	other_call(4 * MS, A);
	take(5 * MS, on_file(posix(B, X, 0, 10), 1));
	exits(6 * MS, B);
	found_dead(9 * SECOND, A);
	found_dead(9 * SECOND, B);
	cr_expect_str_eq(told(), "A:X0-10 1000001..4000000 died\nA:fX 2000001..4000000 died\n"
				 "B:X0-10 5000001..6000000 died\n");
	cr_expect_eq(unknown_ends(), 2);
	cr_expect_str_eq(held(), "");
}

Test(model_unseen, a_death_that_was_watched_is_an_end)
{
	take(1 * MS, posix(A, X, 0, 10));
	dies(9 * SECOND, A);
	cr_expect_str_eq(told(), "A:X0-10 1000001..9000000000 died\n");
	cr_expect_eq(unknown_ends(), 0);
}

/* ---- Waiters */

Test(model_unseen, a_waiter_that_is_found_dead_waited_at_most_until_then)
{
	take(1 * MS, posix(A, X, 0, 10));
	ask(10 * MS, waiting(posix(B, X, 0, 10)));
	found_dead(9 * SECOND, B);
	cr_expect_str_eq(told(), "B waits X0-10 10000000..<=9000000000 died: "
				 "A 10000000..9000000000\n");
}

Test(model_unseen, a_waiter_that_did_not_take_what_became_free_was_dead_by_then)
{
	take(1 * MS, posix(A, X, 0, 10));
	ask(10 * MS, waiting(posix(B, X, 0, 10)));
	take(2 * SECOND, posix(A, U, 0, 10));
	other_call(3 * SECOND, A);
	found_dead(9 * SECOND, B);
	cr_expect_str_eq(told(), "A:X0-10 1000001..2000000000 released\n"
				 "B waits X0-10 10000000..<=2000000000 died: "
				 "A 10000000..2000000000\n");
}

Test(model_unseen, the_holder_of_a_job_that_was_killed_as_a_whole_is_still_named)
{
	take(1 * MS, posix(A, X, 0, 10));
	ask(10 * MS, waiting(posix(B, X, 0, 10)));
	found_dead(9 * SECOND, A);
	found_dead(9 * SECOND, B);
	cr_expect_str_eq(told(), "A:X0-10 1000001..1000001 died\n"
				 "B waits X0-10 10000000..<=9000000000 died: "
				 "A 10000000..9000000000\n");
}

Test(model_unseen, where_nobody_knows_who_lives_a_wait_lasts_at_most_to_the_end)
{
	take(1 * MS, posix(A, X, 0, 10));
	ask(10 * MS, waiting(posix(B, X, 0, 10)));
	ends_unwatched(9 * SECOND);
	cr_expect_str_eq(told(), "B waits X0-10 10000000..<=9000000000 waiting: "
				 "A 10000000..9000000000\n"
				 "A:X0-10 1000001..9000000000 open\n");
}

Test(model_unseen, a_request_that_nobody_answered_is_no_wait_where_nothing_was_in_its_way)
{
	ask(10 * MS, waiting(posix(B, X, 0, 10)));
	ends_unwatched(9 * SECOND);
	cr_expect_str_eq(told(), "");
	cr_expect_eq(model_quality(model)->unknown_requests, 1);
}

/* ---- Threads that never speak again */

Test(model_unseen, the_unlock_of_a_thread_that_never_speaks_again_is_an_unlock)
{
	take(1 * MS, by_thread(posix(A, X, 0, 10), 1));
	take(4 * MS, by_thread(posix(A, U, 0, 10), 2));
	cr_expect_str_eq(held(), "");
	gets(20 * MS, 5 * US, posix(B, X, 0, 10));
	exits(30 * MS, A);
	cr_expect_eq(model_quality(model)->overlaps, 0);
	ends(90 * MS);
	cr_expect_str_eq(told(), "A:X0-10 1000001..4000000 released\n"
				 "B:X0-10 20005000..90000000 open\n");
}
