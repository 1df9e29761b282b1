/* SPDX-License-Identifier: MIT */
#include "analyzer/launch/drain.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "trace/ring.h"
#include "trace/session.h"

static struct session session;
static struct trace_file_writer trace;
static struct drain drain;

static void begin(uint64_t ring_cells)
{
	struct header header = { 0 };
	char *error = NULL;

	session.bytes = session_layout(&header, (struct session_size){ 8, 8, 8, ring_cells });
	session.header = aligned_alloc(4096, (session.bytes + 4095) & ~UINT64_C(4095));
	memset(session.header, 0, session.bytes);
	memcpy(session.header, &header, sizeof(header));
	session.checked = header;
	cr_assert(trace_begin(&trace, memfd_create("trace", MFD_CLOEXEC), "trace", &session,
			      drain_first(&session), &error),
		  "%s", error);
	drain_begin(&drain, &session, &trace, NULL, NULL);
}

static uint64_t take(uint32_t cells)
{
	return ring_take(&session.header->ring_head.value, cells);
}

static void fill(uint64_t position, uint64_t value)
{
	uint64_t payload[PAYLOAD_WORDS] = { RECORD_RESULT, value, ~value };

	cell_write(&session_ring(&session)[position & (session.checked.ring_cells - 1)], position,
		   payload);
}

/* What the trace has at a position. */
enum content { NOTHING, WHOLE, WRONG };

static enum content content(uint64_t position, uint64_t *value)
{
	uint64_t cell[CELL_WORDS] = { 0 };
	uint64_t any = 0;
	ssize_t got = pread(trace.fd, cell, sizeof(cell),
			    (off_t)(trace.header.ring_offset +
				    (position - trace.header.ring_first) * CELL_SIZE));

	for (int i = 0; i < CELL_WORDS; i++)
		any |= cell[i];
	if (got <= 0 || !any)
		return NOTHING;
	*value = cell[1];
	return cell[PAYLOAD_WORDS] == cell_checksum(position, cell) && cell[2] == ~cell[1] ? WHOLE
											   : WRONG;
}

struct counts {
	uint64_t whole, nothing, wrong;
};

static struct counts count_all(void)
{
	struct counts counts = { 0 };
	uint64_t value;

	for (uint64_t p = trace.header.ring_first; p < drain.next; p++) {
		switch (content(p, &value)) {
		case NOTHING:
			counts.nothing++;
			break;
		case WHOLE:
			counts.whole++;
			break;
		case WRONG:
			counts.wrong++;
			break;
		}
	}
	return counts;
}

#define WRITERS 4
#define EACH	200000

static void *write_many(void *first)
{
	for (uint64_t i = 0; i < EACH; i++)
		fill(take(1), (uint64_t)(uintptr_t)first + i);
	return NULL;
}

static void drain_while_writing(void)
{
	pthread_t threads[WRITERS];
	uint64_t total = (uint64_t)WRITERS * EACH;

	for (uintptr_t i = 0; i < WRITERS; i++)
		pthread_create(&threads[i], NULL, write_many, (void *)(i * EACH));
	while (drain.next < 1 + total)
		drain_step(&drain);
	for (int i = 0; i < WRITERS; i++)
		pthread_join(threads[i], NULL);
	drain_step(&drain);
}

Test(drain, what_many_writers_write_meanwhile_is_all_in_the_trace_once)
{
	static bool seen[WRITERS * EACH];

	begin(1 << 20);
	drain_while_writing();
	cr_expect_eq(drain.lapped, 0);
	cr_expect_eq(drain.holes.count, 0);
	for (uint64_t p = 1; p < drain.next; p++) {
		uint64_t value = 0;

		cr_assert_eq(content(p, &value), WHOLE, "position %lu", (unsigned long)p);
		cr_assert(value < WRITERS * EACH && !seen[value]);
		seen[value] = true;
	}
}

Test(drain, in_a_ring_that_is_far_too_small_every_record_is_whole_or_counted_as_lost)
{
	struct counts counts;

	begin(1 << 7);
	drain_while_writing();
	counts = count_all();
	cr_expect_eq(counts.wrong, 0);
	cr_expect_eq(counts.nothing, drain.lapped + drain.holes.count);
	cr_expect_eq(counts.whole + counts.nothing, (uint64_t)WRITERS * EACH);
}

Test(drain, a_lapped_ring_loses_exactly_what_was_overwritten)
{
	struct counts counts;

	begin(64);
	for (uint64_t i = 0; i < 1000; i++)
		fill(take(1), i);
	drain_step(&drain);
	counts = count_all();
	cr_expect_eq(drain.lapped, 936);
	cr_expect_eq(counts.whole, 64);
	cr_expect_eq(counts.nothing, 936);
}

Test(drain, a_hole_is_filled_in_when_its_writer_gets_on)
{
	uint64_t late, value = 0;

	begin(64);
	late = take(1);
	for (uint64_t i = 0; i < 10; i++)
		fill(take(1), i);
	drain_step(&drain);
	cr_expect_eq(drain.holes.count, 1);
	cr_expect_eq(content(late, &value), NOTHING);
	fill(late, 77);
	drain_step(&drain);
	cr_expect_eq(drain.holes.count, 0);
	cr_expect_eq(content(late, &value), WHOLE);
	cr_expect_eq(value, 77);
}

Test(drain, a_writer_that_stalls_for_a_lap_costs_its_own_record_and_falsifies_none)
{
	uint64_t stalled, value = 0;
	struct counts counts;

	begin(64);
	stalled = take(1);
	for (uint64_t i = 0; i < 63; i++)
		fill(take(1), i);
	drain_step(&drain);
	/* The next lap's record of that cell is written, then the stalled writer wakes up. */
	fill(take(1), 100);
	fill(stalled, 200);
	fill(take(1), 101);
	drain_step(&drain);
	for (uint64_t i = 0; i < 64; i++)
		fill(take(1), 300 + i);
	drain_step(&drain);
	counts = count_all();
	cr_expect_eq(counts.wrong, 0);
	cr_expect_eq(counts.nothing, 1);
	cr_expect_eq(drain.holes.count, 0);
	cr_expect_eq(drain.lapped, 1);
	cr_expect_eq(content(stalled + 65, &value), WHOLE);
}

Test(drain, a_ring_head_that_leaps_is_damage_and_not_a_reason_to_loop)
{
	begin(64);
	atomic_store(&session.header->ring_head.value, UINT64_MAX / 2);
	cr_expect_eq(drain_step(&drain), 0);
	cr_expect(drain.damaged);
}

Test(drain, a_ring_head_that_goes_back_is_damage_and_counted)
{
	begin(64);
	take(10);
	drain_step(&drain);
	session.header->ring_head.value = 5;
	drain_step(&drain);
	cr_expect(drain.damaged);
	cr_expect_eq(session.header->lost_unseen.value, 1);
	session.header->ring_head.value = 20;
	cr_expect_eq(drain_step(&drain), 0);
	cr_expect_eq(session.header->lost_unseen.value, 1);
}

Test(drain, a_full_disk_ends_the_trace_and_not_the_draining)
{
	struct stat file;
	struct rlimit limit = { 0 };

	begin(1 << 12);
	cr_assert_eq(fstat(trace.fd, &file), 0);
	signal(SIGXFSZ, SIG_IGN);
	limit.rlim_cur = limit.rlim_max = (rlim_t)file.st_size + 10 * CELL_SIZE;
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	for (uint64_t i = 0; i < 100; i++)
		fill(take(1), i);
	cr_expect_eq(drain_step(&drain), 100);
	cr_expect(trace.failed);
	trace_update(&trace, &session, drain.next);
	cr_expect_eq(count_all().whole, 10);
	cr_expect_eq(atomic_load(&trace.header.ring_head.value), 101);
}

/* ---- Another process ------------------------------------------------------------------------- */

Test(drain, a_writer_killed_in_the_middle_of_a_record_leaves_one_hole)
{
	char *error = NULL;
	char *argv[] = { (char *)DRAIN_VICTIM, NULL, NULL };
	struct counts counts;
	uint64_t value;
	pid_t pid;
	int status;

	cr_assert(session_create(&session, &error), "%s", error);
	cr_assert(trace_begin(&trace, memfd_create("trace", MFD_CLOEXEC), "trace", &session, 1,
			      &error));
	drain_begin(&drain, &session, &trace, NULL, NULL);
	argv[1] = session.path;
	cr_assert_eq(posix_spawn(&pid, argv[0], NULL, NULL, argv, environ), 0);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	drain_step(&drain);
	drain_step(&drain);
	counts = count_all();
	cr_expect_eq(drain.next, 4);
	cr_expect_eq(counts.whole, 2);
	cr_expect_eq(counts.wrong, 0);
	cr_expect_eq(content(2, &value), NOTHING);
	cr_expect_eq(drain.holes.count, 1);
	session_close(&session);
}

Test(drain, the_slot_of_a_thread_that_died_inside_a_request_is_in_the_trace)
{
	struct thread_slot slot = { .tid = 4711 }, found;
	uint32_t i;

	begin(64);
	atomic_store(&slot.process, 9);
	atomic_store(&slot.depth, 1);
	trace_keep_pending(&trace, &slot);
	trace_update(&trace, &session, 1);
	for (i = 0; i < trace.header.thread_slots; i++) {
		cr_assert_eq(pread(trace.fd, &found, sizeof(found),
				   (off_t)(trace.header.thread_offset + i * sizeof(found))),
			     (ssize_t)sizeof(found));
		if (found.tid == 4711)
			break;
	}
	cr_expect(i < trace.header.thread_slots && atomic_load(&found.depth) == 1);
}
