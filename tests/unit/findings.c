/* SPDX-License-Identifier: MIT */
/* What is a mistake and what only comes close, by events and by what a model tells of them, both
 * written by hand. */
#include "analyzer/findings/findings.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define MS UINT64_C(1000000)

enum { A, B, C };
enum { LOCAL, SHARED_FOLDER, OPENAFS, NFS, OLD, NEW, FILES };
enum { HERE, THERE };

static struct file_info files[FILES];
static struct catalog catalog;
static struct findings_builder *builder;
static struct model_callbacks tell;

static void begin(void)
{
	static const struct file_info all[FILES] = {
		[LOCAL] = { .path = "/f", .mode = S_IFREG, .links = 1, .fs_type = 0xef53 },
		[SHARED_FOLDER] = { .path = "/s",
				    .mode = S_IFREG,
				    .links = 1,
				    .fs_type = 0x786f4256 },
		[OPENAFS] = { .path = "/afs/f",
			      .mode = S_IFREG,
			      .links = 1,
			      .fs_type = 0x5346414f },
		[NFS] = { .path = "/n", .mode = S_IFREG, .links = 1, .fs_type = 0x6969 },
		[OLD] = { .path = "/lock", .mode = S_IFREG, .links = 1, .inode = 1 },
		[NEW] = { .path = "/lock", .mode = S_IFREG, .links = 1, .inode = 2 },
	};

	memcpy(files, all, sizeof(files));
	catalog = (struct catalog){ .files = files, .file_count = FILES };
	builder = findings_builder_new(&catalog);
	tell = findings_builder_callbacks(builder);
}

static void end(void)
{
	findings_builder_free(builder);
}

TestSuite(findings, .init = begin, .fini = end);

/* ---- What happens. Record locks of [0, 10), unless a test says otherwise. */

static void event(struct event event)
{
	event.stack = event.kind == EVENT_CALL ? THERE : NONE;
	event.tid = event.process + 1000;
	findings_builder_event(builder, &event);
}

static void closes(uint64_t time, uint32_t process, int32_t fd)
{
	event((struct event){ .kind = EVENT_CALL,
			      .time = time,
			      .process = process,
			      .file = LOCAL,
			      .call = { .call = CLOSE_FDS, .fd = fd, .last = fd } });
}

static void exits(uint64_t time, uint32_t process)
{
	event((struct event){ .kind = EVENT_CALL,
			      .time = time,
			      .process = process,
			      .call = { .call = EXIT_PROCESS } });
}

static void born(uint64_t time, uint32_t process, uint32_t parent)
{
	event((struct event){ .kind = EVENT_PROCESS,
			      .time = time,
			      .process = process,
			      .born = { .birth = BIRTH_FORK, .parent = parent } });
}

static void asks(uint64_t time, uint32_t process, enum mode mode)
{
	event((struct event){ .kind = EVENT_REQUEST,
			      .time = time,
			      .process = process,
			      .file = LOCAL,
			      .lock = { .mode = mode, .fd = 3, .end = 10 } });
}

static struct request request(uint64_t time, uint32_t process, uint32_t file, int error)
{
	return (struct request){
		.process = process,
		.tid = process + 1000,
		.file = file,
		.stack = HERE,
		.mode = MODE_EXCLUSIVE,
		.end = 10,
		.begin = time,
		.duration = 100,
		.error = error,
	};
}

static void tells(struct request request)
{
	tell.request(tell.context, &request);
}

static struct hold hold(uint32_t process, uint64_t granted, uint64_t released, enum hold_end how)
{
	return (struct hold){
		.file = LOCAL,
		.ownership = OWNED_BY_PROCESS,
		.mode = MODE_EXCLUSIVE,
		.end = 10,
		.process = process,
		.tid = process + 1000,
		.keeper = process,
		.stack = HERE,
		.fd = 3,
		.granted = granted,
		.released = released,
		.how = how,
	};
}

static void ends(struct hold hold)
{
	tell.hold(tell.context, &hold);
}

static const struct findings *found(void)
{
	return findings_builder_finish(builder);
}

static void expect(enum finding_id id, uint64_t count)
{
	const struct findings *findings = found();

	cr_assert_eq(findings->count, 1);
	cr_assert_eq(findings->items[0].id, id, "%s", finding_kinds[findings->items[0].id].name);
	cr_assert_eq(findings->items[0].count, count);
}

static void expect_nothing(void)
{
	const struct findings *findings = found();

	cr_assert_eq(findings->count, 0, "%s",
		     findings->count ? finding_kinds[findings->items[0].id].name : "");
}

/* ---- close-drops-lock */

static void drops(uint64_t time)
{
	closes(time, A, 4);
	/* The model tells at the next event of the thread. */
	asks(time + 100, A, MODE_NONE);
	ends(hold(A, 1, time, HOLD_CLOSED));
}

Test(findings, a_lock_that_another_close_dropped_is_missed_by_an_unlock)
{
	drops(1 * MS);
	asks(2 * MS, A, MODE_UNLOCK);
	expect(FINDING_CLOSE_DROPS_LOCK, 1);
}

Test(findings, who_closes_the_locked_descriptor_right_after_has_just_cleaned_up)
{
	closes(1 * MS, A, 4);
	closes(2 * MS, A, 3);
	ends(hold(A, 1, 1 * MS, HOLD_CLOSED));
	expect_nothing();
}

Test(findings, who_closes_the_locked_descriptor_much_later_believed_to_have_the_lock)
{
	closes(1 * MS, A, 4);
	closes(100 * MS, A, 3);
	ends(hold(A, 1, 1 * MS, HOLD_CLOSED));
	expect(FINDING_CLOSE_DROPS_LOCK, 1);
}

Test(findings, the_close_of_the_descriptor_that_was_locked_is_a_release)
{
	closes(1 * MS, A, 3);
	closes(100 * MS, A, 4);
	ends(hold(A, 1, 1 * MS, HOLD_CLOSED));
	asks(200 * MS, A, MODE_UNLOCK);
	expect_nothing();
}

Test(findings, the_same_mistake_at_the_same_sites_is_one_finding_that_is_counted)
{
	for (uint64_t i = 1; i <= 3; i++) {
		drops(i * 10 * MS);
		asks(i * 10 * MS + 1 * MS, A, MODE_UNLOCK);
	}
	expect(FINDING_CLOSE_DROPS_LOCK, 3);
}

Test(findings, who_got_in_is_named)
{
	closes(1 * MS, A, 4);
	tells(request(2 * MS, B, LOCAL, 0));
	asks(3 * MS, A, MODE_UNLOCK);
	ends(hold(A, 1, 1 * MS, HOLD_CLOSED));
	expect(FINDING_CLOSE_DROPS_LOCK, 1);
	cr_assert_eq(found()->items[0].sides[2].process, B);
}

/* ---- unlocked-by-other */

/* Another thread of A unlocks what A's own has taken. */
static void other_thread_unlocks(void)
{
	struct event other = {
		.kind = EVENT_REQUEST,
		.time = 1 * MS,
		.process = A,
		.tid = 7,
		.file = LOCAL,
		.stack = THERE,
		.lock = { .mode = MODE_UNLOCK, .fd = 3, .end = 10 },
	};

	findings_builder_event(builder, &other);
	other.time = 2 * MS;
	other.lock.start = 50;
	other.lock.end = 60;
	findings_builder_event(builder, &other);
	ends(hold(A, 1, 1 * MS, HOLD_RELEASED));
}

Test(findings, a_thread_that_unlocks_what_another_has_unlocked_believed_to_have_it)
{
	other_thread_unlocks();
	asks(3 * MS, A, MODE_UNLOCK);
	expect(FINDING_UNLOCKED_BY_OTHER, 1);
}

Test(findings, a_thread_that_goes_on_with_a_new_lock_had_another_release_the_old_one)
{
	other_thread_unlocks();
	asks(3 * MS, A, MODE_EXCLUSIVE);
	expect_nothing();
}

/* ---- polling */

static void polls(unsigned times, uint64_t step)
{
	for (unsigned i = 1; i <= times; i++)
		tells(request(i * step, A, LOCAL, EAGAIN));
}

Test(findings, twenty_tries_in_a_row_are_polling)
{
	polls(20, 1 * MS);
	expect(FINDING_POLLING, 1);
	cr_assert_eq(found()->items[0].number, 20);
	cr_assert_eq(found()->items[0].duration, 19 * MS);
}

Test(findings, fewer_are_none)
{
	polls(19, 1 * MS);
	expect_nothing();
}

Test(findings, tries_that_leave_time_are_none)
{
	polls(100, 50 * MS);
	expect_nothing();
}

Test(findings, a_try_that_succeeds_ends_the_row)
{
	polls(15, 1 * MS);
	tells(request(16 * MS, A, LOCAL, 0));
	polls(15, 1 * MS);
	expect_nothing();
}

Test(findings, tries_for_other_ranges_are_other_rows)
{
	for (unsigned i = 1; i <= 30; i++) {
		struct request try = request(i * MS, A, LOCAL, EAGAIN);

		try.start = i % 2 ? 0 : 5;
		tells(try);
	}
	expect_nothing();
}

/* ---- slow-nonblocking */

static void slow(unsigned times, unsigned of, uint32_t file)
{
	for (unsigned i = 0; i < of; i++) {
		struct request call = request((i + 1) * 100 * MS, A, file, 0);

		if (i < times)
			call.duration = 20 * MS;
		tells(call);
	}
}

Test(findings, one_slow_call_over_the_network_is_enough)
{
	slow(1, 100, NFS);
	expect(FINDING_SLOW_NONBLOCKING, 1);
}

Test(findings, a_slow_call_here_and_there_on_a_local_file_is_the_schedulers)
{
	slow(3, 1000, LOCAL);
	expect_nothing();
}

Test(findings, slow_calls_again_and_again_are_not)
{
	slow(3, 10, LOCAL);
	expect(FINDING_SLOW_NONBLOCKING, 3);
}

/* ---- excludes-nobody */

Test(findings, a_file_system_that_keeps_locks_to_itself_excludes_nobody)
{
	tells(request(1 * MS, A, SHARED_FOLDER, 0));
	tells(request(2 * MS, A, SHARED_FOLDER, 0));
	expect(FINDING_EXCLUDES_NOBODY, 1);
}

Test(findings, openafs_tells_its_server_of_locks_of_the_whole_file)
{
	struct request whole = request(1 * MS, A, OPENAFS, 0);

	whole.end = RANGE_TO_EOF;
	tells(whole);
	expect_nothing();
}

Test(findings, openafs_keeps_other_ranges_to_itself)
{
	tells(request(1 * MS, A, OPENAFS, 0));
	expect(FINDING_EXCLUDES_NOBODY, 1);
}

Test(findings, other_file_systems_do_exclude)
{
	tells(request(1 * MS, A, LOCAL, 0));
	tells(request(2 * MS, A, NFS, 0));
	expect_nothing();
}

/* ---- mixed-apis */

static void locks_by(uint32_t process, enum world world, enum mode mode)
{
	struct request one = request((process + 1) * MS, process, LOCAL, 0);

	one.world = world;
	one.mode = mode;
	tells(one);
}

Test(findings, flock_here_and_record_locks_there_exclude_nobody)
{
	locks_by(A, FLOCK_LOCKS, MODE_SHARED);
	locks_by(B, RECORD_LOCKS, MODE_EXCLUSIVE);
	expect(FINDING_MIXED_APIS, 1);
}

Test(findings, readers_of_both_kinds_do_no_harm)
{
	locks_by(A, FLOCK_LOCKS, MODE_SHARED);
	locks_by(B, RECORD_LOCKS, MODE_SHARED);
	expect_nothing();
}

Test(findings, a_process_that_takes_both_kinds_is_excluded_by_both)
{
	locks_by(A, FLOCK_LOCKS, MODE_EXCLUSIVE);
	locks_by(B, RECORD_LOCKS, MODE_EXCLUSIVE);
	locks_by(B, FLOCK_LOCKS, MODE_EXCLUSIVE);
	expect_nothing();
}

Test(findings, whichever_of_two_it_is)
{
	locks_by(A, FLOCK_LOCKS, MODE_EXCLUSIVE);
	locks_by(A, RECORD_LOCKS, MODE_EXCLUSIVE);
	locks_by(B, RECORD_LOCKS, MODE_EXCLUSIVE);
	expect_nothing();
}

Test(findings, what_runs_under_the_flock_of_its_parent_needs_none)
{
	born(1, B, A);
	locks_by(A, FLOCK_LOCKS, MODE_EXCLUSIVE);
	locks_by(B, RECORD_LOCKS, MODE_EXCLUSIVE);
	expect_nothing();
}

/* ---- unlinked-lock-file */

static void locks_nameless(uint64_t released)
{
	struct hold late = hold(B, 2 * MS + 100, released, HOLD_RELEASED);

	tells(request(1 * MS, A, OLD, 0));
	files[OLD].path = "/lock (deleted)";
	files[OLD].links = 0;
	tells(request(2 * MS, B, OLD, 0));
	late.file = OLD;
	ends(late);
}

Test(findings, work_under_a_lock_of_a_file_that_has_no_name_is_not_protected)
{
	locks_nameless(100 * MS);
	expect(FINDING_UNLINKED_LOCK_FILE, 1);
}

Test(findings, who_notices_and_lets_go_has_done_right)
{
	locks_nameless(3 * MS);
	expect_nothing();
}

Test(findings, who_notices_late_and_takes_the_new_file_has_done_right_too)
{
	locks_nameless(100 * MS);
	tells(request(101 * MS, B, NEW, 0));
	expect_nothing();
}

Test(findings, children_that_share_a_file_whose_name_their_parent_removed_mean_it)
{
	born(1, B, A);
	locks_nameless(100 * MS);
	expect_nothing();
}

/* ---- never-released */

static void holds(unsigned times, uint64_t last, bool exits_itself)
{
	for (unsigned i = 1; i <= times; i++)
		ends(hold(A, i * MS, i * MS + 1000, HOLD_RELEASED));
	if (exits_itself)
		exits(1000 * MS + last, A);
	ends(hold(A, 1000 * MS, 1000 * MS + last, HOLD_DIED));
}

Test(findings, a_lock_that_is_kept_until_exit_by_one_that_usually_does_not)
{
	holds(20, 5000 * MS, true);
	expect(FINDING_NEVER_RELEASED, 1);
	cr_assert_eq(found()->items[0].number, 20);
}

Test(findings, without_a_habit_it_is_the_lock_of_a_lifetime)
{
	holds(2, 5000 * MS, true);
	expect_nothing();
}

Test(findings, killed_it_may_have_been_about_to_release)
{
	holds(20, 5000 * MS, false);
	expect_nothing();
}

Test(findings, an_exit_within_a_second_leaves_it_to_the_kernel)
{
	holds(20, 500 * MS, true);
	expect_nothing();
}

/* ---- leaked-to-child */

static void leaks(bool executes, uint64_t refused)
{
	struct hold kept = hold(A, 1 * MS, 500 * MS, HOLD_DIED);

	event((struct event){
		.kind = EVENT_PROCESS,
		.time = 1,
		.process = B,
		.born = { .birth = executes ? BIRTH_START : BIRTH_FORK, .parent = A } });
	tells(request(refused, C, LOCAL, EAGAIN));
	kept.ownership = OWNED_BY_DESCRIPTION;
	kept.keeper = B;
	kept.kept_since = 100 * MS;
	ends(kept);
}

Test(findings, a_program_that_inherited_a_lock_keeps_it_from_others)
{
	leaks(true, 200 * MS);
	expect(FINDING_LEAKED_TO_CHILD, 1);
	cr_assert_eq(found()->items[0].sides[2].process, C);
}

Test(findings, as_long_as_its_taker_has_it_too_it_is_kept_by_right)
{
	leaks(true, 50 * MS);
	expect_nothing();
}

Test(findings, a_daemon_that_forks_takes_its_lock_along)
{
	leaks(false, 200 * MS);
	expect_nothing();
}

Test(findings, a_shell_keeps_what_flock_has_taken_for_it)
{
	struct hold kept = hold(B, 1 * MS, 500 * MS, HOLD_CLOSED);

	event((struct event){ .kind = EVENT_PROCESS,
			      .time = 1,
			      .process = A,
			      .born = { .birth = BIRTH_START, .parent = NONE } });
	born(1, B, A);
	tells(request(200 * MS, C, LOCAL, EAGAIN));
	kept.ownership = OWNED_BY_DESCRIPTION;
	kept.keeper = A;
	kept.kept_since = 100 * MS;
	ends(kept);
	expect_nothing();
}

/* ---- starved-writer */

static void overtaken(unsigned times, uint64_t duration)
{
	struct overlap overlaps[8] = { 0 };
	struct wait wait = {
		.process = A,
		.tid = A + 1000,
		.file = LOCAL,
		.stack = HERE,
		.mode = MODE_EXCLUSIVE,
		.end = 10,
		.begin = 10 * MS,
		.finish = 10 * MS + duration,
		.overlaps = overlaps,
		.overlap_count = times,
	};

	for (unsigned i = 0; i < times; i++) {
		overlaps[i].hold = hold(B, 10 * MS + i + 1, 0, HOLD_RELEASED);
		overlaps[i].hold.mode = MODE_SHARED;
		overlaps[i].begin = overlaps[i].hold.granted;
		overlaps[i].end = overlaps[i].begin + 1;
	}
	event((struct event){ .kind = EVENT_REQUEST,
			      .time = 10 * MS,
			      .process = A,
			      .file = LOCAL,
			      .lock = { .mode = MODE_EXCLUSIVE, .may_block = true, .end = 10 } });
	tell.wait(tell.context, &wait);
}

Test(findings, three_readers_that_overtake_a_writer_starve_it)
{
	overtaken(3, 20 * MS);
	expect(FINDING_STARVED_WRITER, 1);
	cr_assert_eq(found()->items[0].number, 3);
}

Test(findings, two_do_not)
{
	overtaken(2, 20 * MS);
	expect_nothing();
}

Test(findings, a_moment_is_no_starvation)
{
	overtaken(8, 1 * MS);
	expect_nothing();
}

/* ---- The list */

/* ---- Holders who sleep. B holds as A waits; seconds. */

#define S (1000 * MS)

static void does(uint64_t since, uint64_t until, enum doing doing, int32_t call)
{
	event((struct event){
		.kind = EVENT_DOING,
		.time = until,
		.process = B,
		.file = LOCAL,
		.doing = {
			.doing = doing, .call = call, .looks = 50, .end = 10, .since = since } });
}

/* So many times it has held the lock for 10 ms. */
static void used_to_hold(unsigned times)
{
	for (unsigned i = 0; i < times; i++)
		ends(hold(B, S + 20 * i * MS, S + (20 * i + 10) * MS, HOLD_RELEASED));
}

static void waited_for_it(uint64_t begin, uint64_t end)
{
	struct overlap overlap = { .hold = hold(B, begin - S, end, HOLD_RELEASED),
				   .begin = begin,
				   .end = end };
	struct wait wait = {
		.process = A,
		.tid = A + 1000,
		.file = LOCAL,
		.stack = THERE,
		.mode = MODE_EXCLUSIVE,
		.end = 10,
		.begin = begin,
		.finish = end,
		.overlaps = &overlap,
		.overlap_count = 1,
	};

	tell.wait(tell.context, &wait);
}

Test(findings, a_holder_that_sleeps_for_far_longer_than_it_ever_held_the_lock_is_idle)
{
	used_to_hold(8);
	does(20 * S, 24 * S, DOING_SLEEPS, SYS_clock_nanosleep);
	does(24 * S + 1, 31 * S, DOING_SLEEPS, SYS_clock_nanosleep);
	waited_for_it(20 * S, 32 * S);
	expect(FINDING_STUCK_IDLE, 1);
	cr_expect_eq(found()->items[0].duration, 12 * S);
}

Test(findings, a_holder_that_works_writes_or_waits_for_a_child_is_not_idle)
{
	used_to_hold(8);
	does(20 * S, 31 * S, DOING_SLEEPS, SYS_clock_nanosleep);
	does(20 * S, 31 * S, DOING_RUNS, CALL_UNKNOWN);
	waited_for_it(20 * S, 32 * S);
	does(40 * S, 51 * S, DOING_IO, SYS_fsync);
	waited_for_it(40 * S, 52 * S);
	does(60 * S, 71 * S, DOING_SLEEPS, SYS_wait4);
	waited_for_it(60 * S, 72 * S);
	expect_nothing();
}

Test(findings, one_that_slept_before_and_works_now_is_not_idle)
{
	used_to_hold(8);
	does(20 * S, 28 * S, DOING_SLEEPS, SYS_clock_nanosleep);
	does(28 * S, 29 * S, DOING_RUNS, CALL_UNKNOWN);
	does(29 * S + 1, 31 * S, DOING_SLEEPS, SYS_clock_nanosleep);
	waited_for_it(20 * S, 32 * S);
	expect_nothing();
}

Test(findings, whose_child_lives_may_have_it_work)
{
	used_to_hold(8);
	born(2 * S, C, B);
	does(20 * S, 31 * S, DOING_SLEEPS, SYS_poll);
	waited_for_it(20 * S, 32 * S);
	expect_nothing();
}

Test(findings, without_a_habit_nobody_knows_how_long_it_is_held_mostly)
{
	used_to_hold(7);
	does(20 * S, 31 * S, DOING_SLEEPS, SYS_clock_nanosleep);
	waited_for_it(20 * S, 32 * S);
	expect_nothing();
}

Test(findings, the_heaviest_come_first)
{
	polls(20, 1 * MS);
	tells(request(900 * MS, B, SHARED_FOLDER, 0));
	closes(1000 * MS, A, 4);
	asks(1001 * MS, A, MODE_UNLOCK);
	ends(hold(A, 999 * MS, 1000 * MS, HOLD_CLOSED));
	cr_assert_eq(found()->count, 3);
	cr_assert_eq(found()->items[0].id, FINDING_CLOSE_DROPS_LOCK);
	cr_assert_eq(found()->items[1].id, FINDING_EXCLUDES_NOBODY);
	cr_assert_eq(found()->items[2].id, FINDING_POLLING);
}

Test(findings, names_are_words_with_hyphens_and_each_is_there_once)
{
	for (unsigned i = 0; i < FINDINGS; i++) {
		cr_assert_eq(finding_kinds[i].name[strspn(finding_kinds[i].name,
							  "abcdefghijklmnopqrstuvwxyz-")],
			     '\0');
		for (unsigned j = 0; j < i; j++)
			cr_assert_str_neq(finding_kinds[i].name, finding_kinds[j].name);
	}
}
