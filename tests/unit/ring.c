/* SPDX-License-Identifier: MIT */
/* The ring under many threads: nothing torn, nothing stale, and every record either read or counted
 * as lost. */
#include "trace/ring.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#define WRITERS 64
#define CELLS	16
#define EVENTS	1000000

/* A record tells everything about itself, so that a mixture of two gives itself away. */
static void fill(uint64_t payload[PAYLOAD_WORDS], uint64_t position, uint64_t writer)
{
	payload[0] = position;
	payload[1] = writer;
	for (int i = 2; i < PAYLOAD_WORDS; i++)
		payload[i] = (position ^ writer << 48) * (uint64_t)(2 * i + 1);
}

static bool whole(const uint64_t payload[PAYLOAD_WORDS], uint64_t position)
{
	uint64_t expected[PAYLOAD_WORDS];

	fill(expected, position, payload[1]);
	return !memcmp(payload, expected, sizeof(expected));
}

struct ring {
	_Atomic uint64_t head;
	_Atomic uint64_t writers_left;
	struct cell cell[CELLS];
};

struct reading {
	uint64_t accepted, lost, torn, stale;
};

struct writer {
	pthread_t thread;
	struct ring *ring;
	uint64_t number;
	unsigned pause; /* yields between taking a position and filling it, each so many records; 0:
			   never */
};

static void *write_records(void *argument)
{
	struct writer *writer = argument;
	struct ring *ring = writer->ring;

	for (unsigned i = 0; i < EVENTS / WRITERS; i++) {
		uint64_t payload[PAYLOAD_WORDS], position = ring_take(&ring->head, 1);

		if (writer->pause && i % writer->pause == 0)
			sched_yield();
		fill(payload, position, writer->number);
		cell_write(&ring->cell[position % CELLS], position, payload);
	}
	atomic_fetch_sub(&ring->writers_left, 1);
	return NULL;
}

/* Reads like a drainer that never waits: a position is lost once it was lapped, or is empty with no
 * writer left. */
static struct reading drain(struct ring *ring)
{
	struct reading reading = { 0 };
	uint64_t next = 1;

	for (;;) {
		uint64_t payload[PAYLOAD_WORDS];
		bool last = !atomic_load(&ring->writers_left);
		uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire);

		if (next == head) {
			if (last)
				return reading;
			sched_yield();
			continue;
		}
		if (cell_read(&ring->cell[next % CELLS], next, payload)) {
			reading.accepted++;
			reading.torn += !whole(payload, next);
			/* The same cell, asked for another lap's record, has none. */
			reading.stale +=
				cell_read(&ring->cell[next % CELLS], next + CELLS, payload) &&
				!whole(payload, next + CELLS);
			next++;
		} else if (head - next > CELLS || last) {
			reading.lost++;
			next++;
		}
	}
}

static struct reading run(unsigned pause)
{
	static struct ring ring;
	struct writer writer[WRITERS];
	struct reading reading;

	memset(&ring, 0, sizeof(ring));
	atomic_store(&ring.head, 1);
	atomic_store(&ring.writers_left, WRITERS);
	for (int i = 0; i < WRITERS; i++) {
		writer[i] = (struct writer){ .ring = &ring, .number = (uint64_t)i, .pause = pause };
		cr_assert_eq(pthread_create(&writer[i].thread, NULL, write_records, &writer[i]), 0);
	}
	reading = drain(&ring);
	for (int i = 0; i < WRITERS; i++)
		pthread_join(writer[i].thread, NULL);
	return reading;
}

static void check(const struct reading *reading)
{
	cr_assert_eq(reading->accepted + reading->lost, EVENTS, "%lu accepted, %lu lost",
		     reading->accepted, reading->lost);
	cr_assert_eq(reading->torn, 0, "%lu torn records were accepted", reading->torn);
	cr_assert_eq(reading->stale, 0, "%lu records of another lap were accepted", reading->stale);
	cr_assert_gt(reading->accepted, 0);
}

Test(ring, of_64_writers_in_16_cells_every_record_is_read_whole_or_counted_as_lost, .timeout = 120)
{
	struct reading reading = run(0);

	check(&reading);
}

Test(ring, writers_that_stall_between_taking_and_filling_a_position_harm_nobody, .timeout = 120)
{
	struct reading reading = run(7);

	check(&reading);
	cr_assert_gt(reading.lost, 0, "no writer was lapped: the test has shown nothing");
}

Test(ring, cell_gives_back_the_record_of_its_position_and_of_no_other)
{
	struct cell cell = { 0 };
	uint64_t written[PAYLOAD_WORDS], read[PAYLOAD_WORDS];

	fill(written, 77, 5);
	cell_write(&cell, 77, written);
	cr_assert(cell_read(&cell, 77, read));
	cr_assert_eq(memcmp(written, read, sizeof(read)), 0);
	for (uint64_t lap = 1; lap < 100000; lap++)
		cr_assert_not(cell_read(&cell, 77 + lap * CELLS, read), "accepted for lap %lu",
			      lap);
}

Test(ring, empty_cell_is_no_record_of_any_position)
{
	struct cell cell = { 0 };
	uint64_t read[PAYLOAD_WORDS];

	for (uint64_t position = 0; position < 100000; position++)
		cr_assert_not(cell_read(&cell, position, read));
}

Test(ring, any_one_changed_bit_is_noticed)
{
	struct cell cell = { 0 };
	uint64_t written[PAYLOAD_WORDS], read[PAYLOAD_WORDS];

	fill(written, 123, 5);
	cell_write(&cell, 123, written);
	for (int word = 0; word < CELL_WORDS; word++)
		for (int bit = 0; bit < 64; bit++) {
			cell.word[word] ^= UINT64_C(1) << bit;
			cr_assert_not(cell_read(&cell, 123, read), "word %d bit %d", word, bit);
			cell.word[word] ^= UINT64_C(1) << bit;
		}
	cr_assert(cell_read(&cell, 123, read));
}

/* A cell overwritten in any order of its words, the checksum first or last, seen at any moment. */
Test(ring, every_mixture_of_two_laps_is_refused)
{
	uint64_t old[PAYLOAD_WORDS], new[PAYLOAD_WORDS], read[PAYLOAD_WORDS];
	struct cell before = { 0 }, after = { 0 };

	fill(old, 40, 5);
	fill(new, 40 + CELLS, 6);
	cell_write(&before, 40, old);
	cell_write(&after, 40 + CELLS, new);
	for (unsigned mixture = 1; mixture < (1 << CELL_WORDS) - 1; mixture++) {
		struct cell cell;

		for (int i = 0; i < CELL_WORDS; i++)
			cell.word[i] = mixture >> i & 1 ? after.word[i] : before.word[i];
		cr_assert_not(cell_read(&cell, 40, read), "mixture %#x", mixture);
		cr_assert_not(cell_read(&cell, 40 + CELLS, read), "mixture %#x", mixture);
	}
}

/* What differs in real records is little: a time, a thread, a range. */
Test(ring, every_mixture_of_two_records_that_differ_in_small_numbers_is_refused)
{
	for (uint64_t step = 1; step < 50; step++) {
		uint64_t old[PAYLOAD_WORDS], new[PAYLOAD_WORDS], read[PAYLOAD_WORDS];
		struct cell before = { 0 }, after = { 0 };

		for (int i = 0; i < PAYLOAD_WORDS; i++) {
			old[i] = 1000 + step;
			new[i] = 1000 + 2 * step;
		}
		cell_write(&before, step, old);
		cell_write(&after, step + CELLS, new);
		for (unsigned mixture = 1; mixture < (1 << CELL_WORDS) - 1; mixture++) {
			struct cell cell;

			for (int i = 0; i < CELL_WORDS; i++)
				cell.word[i] = mixture >> i & 1 ? after.word[i] : before.word[i];
			cr_assert_not(cell_read(&cell, step, read) ||
					      cell_read(&cell, step + CELLS, read),
				      "step %lu mixture %#x", step, mixture);
		}
	}
}

Test(ring, positions_that_are_taken_together_follow_each_other)
{
	_Atomic uint64_t head = 1;

	cr_assert_eq(ring_take(&head, 3), 1);
	cr_assert_eq(ring_take(&head, 1), 4);
	cr_assert_eq(ring_take(&head, 255), 5);
	cr_assert_eq(head, 260);
}

Test(ring, reference_means_the_last_position_with_those_low_bits)
{
	const uint64_t lap = UINT64_C(1) << 32;

	cr_assert_eq(reference_position(5, 9), 5);
	cr_assert_eq(reference_position(9, 9), 9);
	cr_assert_eq(reference_position(5, 3 * lap + 9), 3 * lap + 5);
	/* Announced before the low half wrapped, used after. */
	cr_assert_eq(reference_position(0xffffffff, lap), lap - 1);
	cr_assert_eq(reference_position(0xffffff00, 3 * lap + 2), 3 * lap - 256);
	cr_assert_eq(reference_position(0, lap), lap);
	for (uint64_t position = lap - 1000; position < lap + 1000; position++)
		for (uint64_t age = 0; age < 1000; age += 7)
			cr_assert_eq(reference_position((reference)(position - age), position),
				     position - age);
}
