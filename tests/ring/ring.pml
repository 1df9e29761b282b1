/* SPDX-License-Identifier: MIT */
/*
 * trace/ring.h and the drainer, for spin: every interleaving of writers that stall or are killed at any store, laps
 * included.
 *
 * A cell has two words of payload, stored and loaded in either order as relaxed accesses may be, and the word that is
 * stored last. The checksum is ideal: it is the same only for the same position and payload. Records are two zeros or two
 * ones, so that those of different laps are often alike and a torn one shows.
 *
 * Proven:
 *   1 what the reader accepts at a position is exactly the record written there, and was written whole;
 *   2 no writer and no reader ever waits for another (no step of theirs blocks: spin's "invalid end state");
 *   3 at the end every position is read or counted as lost, a killed writer's is lost;
 *   4 what was written whole, was not lapped, and was not written over by a writer that had itself been lapped is read,
 *     in the first pass that begins after it was written, whatever stalled or killed writers left before it.
 *
 * Variants that must be refuted, so that the proof is known to be able to fail:
 *   -DBARE_STAMP      the last word is the position alone: torn records pass
 *   -DNO_POSITION     the checksum leaves the position out: records of another lap pass
 *   -DSTOP_AT_HOLE    the drainer goes no further than the first hole: a stalled writer hides the records behind it
 *   -DASK_TOO_LATE    the drainer looks whether writers are left after it read, not before: it loses records
 *   -DREACH_HOLE      claims that nothing is ever read behind a killed writer's hole
 *   -DREACH_LAP       claims that no writer is ever lapped and then writes over a later lap's record
 */
#ifndef POSITIONS
#define POSITIONS 4 /* at most 6: three laps */
#endif
#define CELLS 2

/* Never 0 and injective, like a checksum that never collides; an empty cell is 0. */
#if defined(BARE_STAMP)
#define SUM(position, first, second) ((position) + 1)
#elif defined(NO_POSITION)
#define SUM(position, first, second) (1 + (first) * 2 + (second))
#else
#define SUM(position, first, second) (1 + (position) * 4 + (first) * 2 + (second))
#endif

byte head;
byte writers_left = POSITIONS;

typedef cell {
	bit first, second;
	byte sum;
}
cell ring[CELLS];

/* What really happened, unseen by the protocol. */
typedef truth {
	bit value;	/* of both words */
	bool whole;	/* its last word was stored */
	bool killed;	/* its writer will never finish it */
	bool spoilt;	/* not all of it was in the cell by then, or later: a writer of another lap stored there too */
}
truth written[POSITIONS];

mtype = { unread, hole, read, lost };
mtype state[POSITIONS] = unread;

#define INTACT(position) \
	(ring[(position) % CELLS].sum == \
		 SUM(position, written[position].value, written[position].value) && \
	 ring[(position) % CELLS].first == written[position].value && \
	 ring[(position) % CELLS].second == written[position].value)

inline look_at(position)
{
	if
	:: position < POSITIONS && written[position].whole && !INTACT(position) -> written[position].spoilt = true
	:: else
	fi
}

/* After a store into the cell of `position`: which of the records written there does it end? */
inline note_store(position)
{
#ifdef REACH_LAP
	assert(position + CELLS >= POSITIONS || !written[position + CELLS].whole);
#endif
	look_at(position % CELLS);
	look_at(position % CELLS + CELLS);
	look_at(position % CELLS + 2 * CELLS)
}

inline store_first()
{
	ring[position % CELLS].first = written[position].value;
	note_store(position)
}

inline store_second()
{
	ring[position % CELLS].second = written[position].value;
	note_store(position)
}

#define KILLED atomic { true -> written[position].killed = true; goto end_of_writer }

/*
 * One record, whose position is taken. At each store the writer may be killed; stalled it is in every interleaving.
 * Writers of several records would add nothing: theirs are the interleavings of these in which one ends before the next
 * begins.
 */
proctype writer(byte position)
{
	if
	:: KILLED
	:: atomic { store_first() };
	   if
	   :: KILLED
	   :: atomic { store_second() }
	   fi
	:: atomic { store_second() };
	   if
	   :: KILLED
	   :: atomic { store_first() }
	   fi
	fi;
	if
	:: KILLED
	:: atomic {
		ring[position % CELLS].sum = SUM(position, written[position].value, written[position].value);
		written[position].whole = true;
		note_store(position)
	   }
	fi;
end_of_writer:
	writers_left--
}

/* What follows the last load of cell_read(): touches nothing shared, so it is one step with that load. */
inline judge(position)
{
	accepted = (sum == SUM(position, first, second));
	assert(!accepted || (written[position].whole && first == written[position].value &&
			     second == written[position].value));
#ifdef REACH_HOLE
	assert(!accepted || position == 0 || !written[position - 1].killed);
#endif
	if
	:: accepted -> state[position] = read
	:: !accepted && (last || end - position > CELLS) -> state[position] = lost
	:: else -> state[position] = hole
	fi;
	sum = 0; first = 0; second = 0; accepted = false
}

/* Goes over all open positions again and again, and never waits at one. */
proctype drainer()
{
	byte at, end, sum;
	bit first, second;
	bool accepted, last, due[POSITIONS]; /* due: there to be read when this pass began */

	do
	:: last = (writers_left == 0);
	   atomic {
		end = head;
		for (at : 0 .. POSITIONS - 1) {
			due[at] = (at < end && written[at].whole && !written[at].spoilt && head - at <= CELLS)
		}
		at = 0
	   };
	   do
	   :: atomic { at < end && (state[at] == read || state[at] == lost) -> at++ }
	   :: atomic { at < end && (state[at] == unread || state[at] == hole) -> sum = ring[at % CELLS].sum };
#ifdef ASK_TOO_LATE
		last = (writers_left == 0);
#endif
		if
		:: first = ring[at % CELLS].first;
		   atomic { second = ring[at % CELLS].second; judge(at) }
		:: second = ring[at % CELLS].second;
		   atomic { first = ring[at % CELLS].first; judge(at) }
		fi;
#ifdef STOP_AT_HOLE
		if
		:: state[at] == hole -> break
		:: else
		fi;
#endif
		at++
	   :: at == end -> break
	   od;
	   atomic {
		for (at : 0 .. POSITIONS - 1) {
			assert(!due[at] || state[at] == read || written[at].spoilt || head - at > CELLS);
			due[at] = false
		}
	   };
	   if
	   :: last -> break
	   :: else
	   fi
	od;

	atomic {
		for (at : 0 .. POSITIONS - 1) {
			assert(state[at] == read || state[at] == lost);
			assert(state[at] == lost || !written[at].killed);
			assert(state[at] == read || !written[at].whole || written[at].spoilt || head - at > CELLS)
		}
	}
}

/* ring_take() is one atomic add; it may come at any time. */
init {
	byte position;

	run drainer();
	do
	:: head == POSITIONS -> break
	:: head < POSITIONS ->
		atomic {
			position = head;
			head++;
			if
			:: written[position].value = 0
			:: written[position].value = 1
			fi;
			run writer(position)
		}
	od
}
