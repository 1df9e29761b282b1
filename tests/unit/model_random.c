/* SPDX-License-Identifier: MIT */
/*
 * Several hundred thousand random calls, replayed by the model and by a kernel of bytes: for each
 * owner an array says for each byte in which mode it is held, and since when. After every call both
 * must say the same. The seed is printed; FLOCKTRACE_TEST_SEED and FLOCKTRACE_TEST_STEPS repeat a
 * run.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tests/unit/model_events.h"

#define BYTES	 24 /* of a file; a range to the last one goes to the end of file */
#define FILES	 2
#define ALIVE	 6 /* processes at one time */
#define FDS	 6
#define OWNERS	 64 /* processes' slots first, then descriptions */
#define PENDING	 64 /* holds that were in the way of a wait */
#define REMEMBER 256

struct byte {
	enum mode mode;
	uint64_t since;
	uint32_t taker; /* process index */
};

/* A process (its slot) or an open file description. */
struct owner {
	bool used;
	uint32_t file;
	unsigned refs;
	struct byte record[FILES][BYTES];
	struct byte flock;
};

struct task {
	bool alive, silent, waits;
	uint32_t index;	 /* of the process in events */
	unsigned parent; /* slot */
	int fd[FDS];	 /* owner, or -1 */
	bool cloexec[FDS];
	struct lock wanted; /* while it waits */
	unsigned wanted_owner;
	uint64_t since;
	uint64_t blockers[PENDING]; /* by the time of their grant */
	unsigned blocker_count;
	bool blocked_by_weakened;
};

static struct owner owners[OWNERS];
static struct task tasks[ALIVE];
static uint32_t next_index;
static uint64_t now;
static uint64_t random_state;
static unsigned long step;
static unsigned long waits_seen, grants, refusals;
static struct hold ended[REMEMBER];
static unsigned long ended_count;

static uint64_t random_number(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static unsigned below(unsigned limit)
{
	return (unsigned)(random_number() >> 20) % limit;
}

static bool one_in(unsigned n)
{
	return !below(n);
}

/* ---- The kernel of bytes */

static bool covers(const struct lock *lock, unsigned byte)
{
	return lock->start <= byte && byte < lock->end;
}

static bool clash(enum mode a, enum mode b)
{
	return a && b && (a == MODE_EXCLUSIVE || b == MODE_EXCLUSIVE);
}

/* Its owner asks for a shared lock over it, and waits: the model counts it as shared. */
static bool weakened(unsigned owner, uint32_t file, unsigned byte)
{
	for (unsigned i = 0; i < ALIVE; i++)
		if (tasks[i].waits && tasks[i].wanted_owner == owner &&
		    tasks[i].wanted.world == RECORD_LOCKS && tasks[i].wanted.mode == MODE_SHARED &&
		    tasks[i].wanted.file == file && covers(&tasks[i].wanted, byte))
			return true;
	return false;
}

static bool grantable(const struct lock *lock, unsigned owner)
{
	for (unsigned other = 0; other < OWNERS; other++) {
		if (other == owner || !owners[other].used)
			continue;
		if (lock->world == FLOCK_LOCKS) {
			if (owners[other].file == lock->file &&
			    clash(owners[other].flock.mode, lock->mode))
				return false;
			continue;
		}
		for (unsigned byte = 0; byte < BYTES; byte++)
			if (covers(lock, byte) &&
			    clash(owners[other].record[lock->file][byte].mode, lock->mode))
				return false;
	}
	return true;
}

static void set_byte(struct byte *byte, enum mode mode, uint32_t taker)
{
	if (mode == MODE_UNLOCK)
		byte->mode = MODE_NONE;
	else if (byte->mode != mode)
		*byte = (struct byte){ .mode = mode, .since = now, .taker = taker };
}

static void apply(const struct lock *lock, unsigned owner, enum mode mode)
{
	if (lock->world == FLOCK_LOCKS) {
		set_byte(&owners[owner].flock, mode, lock->process);
		return;
	}
	for (unsigned byte = 0; byte < BYTES; byte++)
		if (covers(lock, byte))
			set_byte(&owners[owner].record[lock->file][byte], mode, lock->process);
}

static void unrefer(unsigned description)
{
	if (!--owners[description].refs)
		owners[description] = (struct owner){ 0 };
}

static void close_fd(unsigned slot, unsigned fd)
{
	unsigned description = (unsigned)tasks[slot].fd[fd];
	uint32_t file = owners[description].file;

	for (unsigned byte = 0; byte < BYTES; byte++)
		owners[slot].record[file][byte].mode = MODE_NONE;
	tasks[slot].fd[fd] = -1;
	tasks[slot].cloexec[fd] = false;
	unrefer(description);
}

/* ---- What both must agree on */

static void collect_blockers(struct task *task)
{
	const struct lock *lock = &task->wanted;

	for (unsigned other = 0; other < OWNERS; other++) {
		if (other == task->wanted_owner || !owners[other].used)
			continue;
		for (unsigned byte = 0; byte < BYTES; byte++) {
			const struct byte *held = lock->world == FLOCK_LOCKS
							  ? &owners[other].flock
							  : &owners[other].record[lock->file][byte];
			unsigned known = 0;

			if (lock->world == FLOCK_LOCKS ? owners[other].file != lock->file || byte
						       : !covers(lock, byte))
				continue;
			if (!clash(held->mode, lock->mode))
				continue;
			if (lock->world == RECORD_LOCKS && weakened(other, lock->file, byte)) {
				task->blocked_by_weakened = true;
				if (lock->mode == MODE_SHARED)
					continue;
			}
			while (known < task->blocker_count && task->blockers[known] != held->since)
				known++;
			if (known == task->blocker_count && known < PENDING)
				task->blockers[task->blocker_count++] = held->since;
		}
	}
}

static void collect_all_blockers(void)
{
	for (unsigned i = 0; i < ALIVE; i++)
		if (tasks[i].waits)
			collect_blockers(&tasks[i]);
}

static bool same_holders(const struct wait *wait, const struct task *task)
{
	if (wait->overlap_count != task->blocker_count)
		return task->blocker_count == PENDING;
	for (unsigned i = 0; i < task->blocker_count; i++) {
		unsigned j = 0;

		while (j < wait->overlap_count &&
		       wait->overlaps[j].hold.granted != task->blockers[i])
			j++;
		if (j == wait->overlap_count)
			return false;
	}
	return true;
}

static void check_wait(void *context, const struct wait *wait)
{
	const struct task *task = NULL;

	(void)context;
	waits_seen++;
	for (unsigned i = 0; i < ALIVE; i++)
		if (tasks[i].alive && tasks[i].index == wait->process)
			task = &tasks[i];
	cr_assert(task && task->waits && task->since == wait->begin,
		  "step %lu: a wait of process %u that nobody began", step, wait->process);
	cr_assert(task->blocked_by_weakened || !wait->holder_unknown, "step %lu: unknown holder",
		  step);
	cr_assert(same_holders(wait, task), "step %lu: %u holders, not %u", step,
		  wait->overlap_count, task->blocker_count);
	for (unsigned i = 0; i < wait->overlap_count; i++)
		cr_assert(wait->overlaps[i].begin >= wait->begin &&
				  wait->overlaps[i].end <= wait->finish &&
				  wait->overlaps[i].begin < wait->overlaps[i].end,
			  "step %lu: an overlap outside its wait", step);
}

static bool surely_different_owners(const struct hold *a, const struct hold *b)
{
	if (a->world != b->world || a->file != b->file)
		return false;
	if (a->ownership != b->ownership)
		return true;
	return a->ownership == OWNED_BY_PROCESS && a->process != b->process;
}

/* Conflicting holds never overlap. */
static void check_hold(void *context, const struct hold *hold)
{
	unsigned long first = ended_count > REMEMBER ? ended_count - REMEMBER : 0;

	(void)context;
	for (unsigned long i = first; i < ended_count; i++) {
		const struct hold *other = &ended[i % REMEMBER];

		if (surely_different_owners(hold, other) && clash(hold->mode, other->mode) &&
		    hold->start < other->end && other->start < hold->end)
			cr_assert(hold->granted >= other->released ||
					  other->granted >= hold->released,
				  "step %lu: two at once", step);
	}
	ended[ended_count++ % REMEMBER] = *hold;
}

static bool has_byte(const struct hold *hold, const struct byte *byte, enum mode mode)
{
	return mode == hold->mode && byte->since == hold->granted && byte->taker == hold->process;
}

/* How many bytes of the kernel's are those of this hold. */
static unsigned find_bytes(const struct hold *hold)
{
	unsigned found = 0;
	unsigned first = hold->ownership == OWNED_BY_PROCESS ? 0 : ALIVE;
	unsigned last = hold->ownership == OWNED_BY_PROCESS ? ALIVE : OWNERS;

	for (unsigned owner = first; owner < last; owner++) {
		if (!owners[owner].used)
			continue;
		if (hold->world == FLOCK_LOCKS) {
			found += owners[owner].file == hold->file &&
				 has_byte(hold, &owners[owner].flock, owners[owner].flock.mode);
			continue;
		}
		for (unsigned i = 0; i < BYTES; i++) {
			const struct byte *byte = &owners[owner].record[hold->file][i];
			enum mode mode = byte->mode;

			if (i < hold->start || i >= hold->end || !mode)
				continue;
			if (mode == MODE_EXCLUSIVE && weakened(owner, hold->file, i))
				mode = MODE_SHARED;
			found += has_byte(hold, byte, mode);
		}
	}
	return found;
}

static unsigned bytes_of(const struct hold *hold)
{
	if (hold->world == FLOCK_LOCKS)
		return 1;
	return (unsigned)((hold->end == END ? BYTES : hold->end) - hold->start);
}

static void check_file(uint32_t file)
{
	struct hold holds[ALIVE * BYTES * 2];
	uint32_t count = model_holds(model, file, holds, sizeof(holds) / sizeof(*holds));
	unsigned modelled = 0, real = 0;

	for (uint32_t i = 0; i < count; i++) {
		modelled += bytes_of(&holds[i]);
		cr_assert_eq(find_bytes(&holds[i]), bytes_of(&holds[i]),
			     "step %lu: process %u does not hold %" PRIu64 "-%" PRIu64
			     " of file %u (world %d, ownership %d, mode %d)",
			     step, holds[i].process, holds[i].start, holds[i].end, file,
			     holds[i].world, holds[i].ownership, holds[i].mode);
	}
	for (unsigned owner = 0; owner < OWNERS; owner++) {
		if (!owners[owner].used)
			continue;
		real += owner >= ALIVE && owners[owner].file == file && owners[owner].flock.mode;
		for (unsigned i = 0; i < BYTES; i++)
			real += owners[owner].record[file][i].mode != MODE_NONE;
	}
	cr_assert_eq(modelled, real, "step %lu: file %u: %u bytes held, not %u", step, file,
		     modelled, real);
}

/* ---- Calls */

/*
 * Another process waits for a lock of the same description. In another mode: which of them would be
 * granted last the model could not tell. What is in its way is being weakened: nor whether it was
 * granted before this unlock or after it.
 */
static bool would_be_unknown(const struct lock *lock, unsigned owner)
{
	for (unsigned i = 0; i < ALIVE; i++) {
		if (!tasks[i].waits || tasks[i].wanted_owner != owner)
			continue;
		if (lock->mode == MODE_UNLOCK ? tasks[i].blocked_by_weakened
					      : tasks[i].wanted.world == lock->world &&
							tasks[i].wanted.mode != lock->mode)
			return true;
	}
	return false;
}

static void request(unsigned slot, struct lock lock, unsigned owner)
{
	struct task *task = &tasks[slot];
	uint64_t begin = now;

	if (would_be_unknown(&lock, owner))
		return;
	if (lock.mode == MODE_UNLOCK) {
		ask(begin, lock);
		if (one_in(10))
			answer(begin, ++now, lock, ENOLCK);
		else
			apply(&lock, owner, MODE_UNLOCK);
		return;
	}
	if (lock.world == FLOCK_LOCKS && owners[owner].flock.mode != lock.mode && !one_in(10))
		apply(&lock, owner, MODE_UNLOCK);
	else if (lock.world == FLOCK_LOCKS && owners[owner].flock.mode != lock.mode) {
		fail(begin, lock, ENOLCK); /* before anything was done */
		return;
	}
	if (grantable(&lock, owner)) {
		now++;
		apply(&lock, owner, lock.mode);
		take(begin, lock);
		grants++;
	} else if (!lock.wait) {
		fail(begin, lock, EAGAIN);
		refusals++;
	} else {
		ask(begin, lock);
		task->waits = true;
		task->wanted = lock;
		task->wanted_owner = owner;
		task->since = begin;
		task->blocker_count = 0;
		task->blocked_by_weakened = false;
	}
}

static bool pick_fd(const struct task *task, unsigned *fd)
{
	for (unsigned tries = 0; tries < 2 * FDS; tries++) {
		*fd = below(FDS);
		if (task->fd[*fd] >= 0)
			return true;
	}
	return false;
}

static void random_lock(unsigned slot)
{
	static const enum mode modes[] = { S, X, X, U };
	struct task *task = &tasks[slot];
	uint64_t start = below(BYTES), end = start + 1 + below((unsigned)(BYTES - start));
	enum mode mode = modes[below(4)];
	unsigned fd, owner;
	struct lock lock;

	if (!pick_fd(task, &fd))
		return;
	owner = (unsigned)task->fd[fd];
	if (end == BYTES)
		end = END;
	switch (below(3)) {
	case 0:
		lock = at_fd(posix(task->index, mode, start, end), (int)fd);
		owner = slot;
		break;
	case 1:
		lock = ofd(task->index, (int)fd, mode, start, end);
		break;
	default:
		lock = whole(task->index, (int)fd, mode);
		break;
	}
	lock.wait = one_in(3);
	request(slot, on_file(lock, owners[task->fd[fd]].file), owner);
}

/* The model learns of a descriptor by a query. */
static void random_open(unsigned slot)
{
	unsigned fd = below(FDS), owner = ALIVE;
	struct event event;

	while (owner < OWNERS && owners[owner].used)
		owner++;
	if (owner == OWNERS || tasks[slot].fd[fd] >= 0)
		return;
	owners[owner] = (struct owner){ .used = true, .refs = 1, .file = below(FILES) };
	tasks[slot].fd[fd] = (int)owner;
	event = (struct event){
		.kind = EVENT_REQUEST,
		.time = now,
		.process = tasks[slot].index,
		.tid = (uint32_t)PID(tasks[slot].index),
		.file = owners[owner].file,
		.stack = NONE,
		.lock = { .op = 9,
			  .query = true,
			  .mode = MODE_EXCLUSIVE,
			  .fd = (int)fd,
			  .end = END },
	};
	model_event(model, &event);
	event.kind = EVENT_RESULT;
	event.lock.has_request = true;
	model_event(model, &event);
}

static void random_close(unsigned slot)
{
	struct task *task = &tasks[slot];
	unsigned fd, last;

	if (!pick_fd(task, &fd))
		return;
	last = one_in(8) ? fd + below(FDS - fd) : fd;
	closes(now, task->index, (int)fd, (int)last,
	       fd == last && one_in(2) ? owners[task->fd[fd]].file : NONE);
	if (one_in(8)) {
		close_fails(now, task->index, (int)fd, (int)last, EBADF);
		return;
	}
	for (; fd <= last; fd++)
		if (task->fd[fd] >= 0)
			close_fd(slot, fd);
}

static void random_dup(unsigned slot)
{
	struct task *task = &tasks[slot];
	unsigned from, to = below(FDS);

	if (!pick_fd(task, &from) || from == to)
		return;
	if (task->fd[to] >= 0 || one_in(2)) {
		dup_over(now, task->index, (int)from, (int)to, NONE);
		if (one_in(6)) {
			dup_fails(now, task->index, (int)from, (int)to, EINTR);
			return;
		}
		if (task->fd[to] >= 0)
			close_fd(slot, to);
	}
	if (one_in(2) || task->fd[to] < 0)
		dup_to(now, task->index, (int)from, (int)to);
	task->fd[to] = task->fd[from];
	owners[task->fd[to]].refs++;
}

static void random_fork(unsigned slot)
{
	unsigned child = 0;
	struct task *task;
	bool early = one_in(2);

	while (child < ALIVE && tasks[child].alive)
		child++;
	forks(now, tasks[slot].index);
	if (child == ALIVE || one_in(6)) {
		forked(now, tasks[slot].index, -1);
		return;
	}
	task = &tasks[child];
	*task = tasks[slot];
	task->index = next_index++;
	task->parent = slot;
	task->silent = one_in(4);
	owners[child] = (struct owner){ .used = true };
	for (unsigned i = 0; i < FDS; i++)
		if (task->fd[i] >= 0)
			owners[task->fd[i]].refs++;
	if (!early)
		forked(now, tasks[slot].index, PID(task->index));
	if (!task->silent)
		born(now, BIRTH_FORK, task->index, tasks[slot].index, 0);
	if (early)
		forked(now, tasks[slot].index, PID(task->index));
}

static uint64_t open_after_exec(unsigned slot)
{
	uint64_t open = 0;

	for (unsigned i = 0; i < FDS; i++) {
		if (tasks[slot].fd[i] < 0)
			continue;
		if (tasks[slot].cloexec[i])
			close_fd(slot, i);
		else
			open |= UINT64_C(1) << i;
	}
	return open;
}

static void random_exec(unsigned slot)
{
	unsigned fd;

	if (pick_fd(&tasks[slot], &fd))
		tasks[slot].cloexec[fd] = one_in(2);
	if (one_in(2))
		born(now, BIRTH_EXEC, tasks[slot].index, NONE, open_after_exec(slot));
}

static void end_task(unsigned slot)
{
	for (unsigned i = 0; i < FDS; i++)
		if (tasks[slot].fd[i] >= 0)
			close_fd(slot, i);
	owners[slot] = (struct owner){ 0 };
	tasks[slot].alive = tasks[slot].waits = false;
}

static bool has_other_tasks(unsigned slot)
{
	for (unsigned i = 0; i < ALIVE; i++)
		if (i != slot && tasks[i].alive && !tasks[i].silent)
			return true;
	return false;
}

static bool has_silent_children(unsigned slot)
{
	for (unsigned i = 0; i < ALIVE; i++)
		if (tasks[i].alive && tasks[i].silent && tasks[i].parent == slot)
			return true;
	return false;
}

static void interrupt(unsigned slot)
{
	struct task *task = &tasks[slot];

	/* Whether it dropped what its description was given meanwhile is not known. */
	if (task->wanted.world == FLOCK_LOCKS &&
	    owners[task->wanted_owner].flock.mode != task->wanted.mode)
		owners[task->wanted_owner].flock.mode = MODE_NONE;
	answer(task->since, now, task->wanted, EINTR);
	task->waits = false;
	collect_all_blockers();
}

static void random_death(unsigned slot)
{
	if (!has_other_tasks(slot) || has_silent_children(slot))
		return;
	if (!tasks[slot].waits && one_in(2))
		exits(now++, tasks[slot].index);
	/* Whether a downgrade took place before its caller died, nobody would know. */
	if (tasks[slot].waits && tasks[slot].wanted.mode == S)
		interrupt(slot);
	now++;
	dies(now, tasks[slot].index);
	end_task(slot);
}

/* A child that never says a word: it dies and its parent sees it, or it says one after all. */
static void random_silence(unsigned slot)
{
	struct task *task = &tasks[slot];

	if (tasks[task->parent].waits)
		return;
	if (one_in(3)) {
		task->silent = false;
		if (one_in(2))
			born(now, BIRTH_FORK, task->index, tasks[task->parent].index, 0);
		else
			born(now, BIRTH_START, task->index, tasks[task->parent].index,
			     open_after_exec(slot));
		return;
	}
	end_task(slot);
	reaps(now, tasks[task->parent].index, PID(task->index), 0);
}

/* ---- Steps */

static void wake(unsigned slot)
{
	struct task *task = &tasks[slot];

	if (!task->waits || !grantable(&task->wanted, task->wanted_owner))
		return;
	apply(&task->wanted, task->wanted_owner, task->wanted.mode);
	answer(task->since, now, task->wanted, 0);
	task->waits = false;
	now++;
}

static void random_call(unsigned slot)
{
	unsigned what = below(100);

	if (!tasks[slot].alive)
		return;
	if (tasks[slot].silent)
		random_silence(slot);
	else if (what < 2)
		random_death(slot);
	else if (tasks[slot].waits && what < 20)
		interrupt(slot);
	else if (tasks[slot].waits)
		return;
	else if (what < 60)
		random_lock(slot);
	else if (what < 75)
		random_open(slot);
	else if (what < 85)
		random_close(slot);
	else if (what < 90)
		random_dup(slot);
	else if (what < 95)
		random_fork(slot);
	else
		random_exec(slot);
}

static void one_step(void)
{
	now += 1000 + below(5000);
	random_call(below(ALIVE));
	now++;
	collect_all_blockers();
	for (unsigned i = 0, first = below(ALIVE); i < ALIVE; i++) {
		wake((first + i) % ALIVE);
		collect_all_blockers();
	}
	for (uint32_t file = 0; file < FILES; file++)
		check_file(file);
}

static uint64_t number_from(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : otherwise;
}

Test(model_random, random_calls_leave_what_a_kernel_of_bytes_says, .timeout = 120)
{
	static const struct model_callbacks callbacks = { .hold = check_hold, .wait = check_wait };
	uint64_t seed = number_from("FLOCKTRACE_TEST_SEED", (uint64_t)time(NULL));
	uint64_t steps = number_from("FLOCKTRACE_TEST_STEPS", 300000);

	fprintf(stderr, "seed %" PRIu64 "\n", seed);
	random_state = seed * 2654435761u + 88172645463325252u;
	model = model_new(&callbacks);
	tasks[0] = (struct task){ .alive = true, .fd = { -1, -1, -1, -1, -1, -1 } };
	owners[0].used = true;
	next_index = 1;
	for (step = 0; step < steps; step++)
		one_step();
	cr_expect_eq(model_quality(model)->overlaps, 0);
	cr_expect_gt(waits_seen, steps / 100);
	cr_expect_gt(grants, steps / 100);
	cr_expect_gt(refusals, steps / 100);
	fprintf(stderr, "%lu waits, %lu grants, %lu refusals, %u processes\n", waits_seen, grants,
		refusals, next_index);
	model_free(model);
}
