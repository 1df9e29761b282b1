/* SPDX-License-Identifier: MIT */
#include "analyzer/live/holders.h"

#include <time.h>

#include "analyzer/live/in_the_way.h"
#include "analyzer/system/blocked.h"
#include "analyzer/system/process.h"

#define MS	    UINT64_C(1000000)
#define PATIENCE_NS (10 * MS) /* who waits for less costs nobody anything */
#define LOOK_NS	    (20 * MS)
#define SHARE	    800	      /* of a processor, one part of so many */
#define SAVED_MAX   (20 * MS) /* of processor time not used so far */
#define AT_ONCE	    64	      /* holders looked at in one look; the others have their turn */
#define TELL_NS	    (100 * MS)
#define TELL_PART   8 /* later on it is told when an eighth of all the time has gone by */
#define TALLIES	    8

struct tally {
	enum doing doing;
	int32_t call;
	uint32_t looks;
};

struct holder {
	struct way way;
	pid_t task;	/* who took it, as we see it; 0: has ended, or isn't known */
	uint32_t seen;	/* thread that was looked at */
	uint64_t first; /* look at it; 0: none so far */
	uint64_t since, last;
	struct tally tallies[TALLIES];
	uint32_t count;
	bool goes_on; /* neither stopped nor ended, when last looked at */
};

/* What somebody took who goes on. */
struct going {
	struct way way;
	uint64_t reach; /* the farthest end of this one and those of its file before it */
};

struct holder_list {
	VEC(struct holder) vec;
};

struct holders {
	struct in_the_way in_the_way;
	holders_tell tell;
	void *context;
	struct slot_waits waits;
	struct ways ways;
	struct holder_list list, next; /* by way */
	VEC(struct going) going;       /* by inode and start */
	uint32_t turn;
	uint64_t next_look, looked;
	int64_t saved; /* ns of processor time that may be used */
};

struct holders *holders_open(const struct header *mapped, const struct header *checked,
			     live_find find, const void *find_context, holders_tell tell,
			     void *context)
{
	struct holders *holders = xcalloc(1, sizeof(*holders));

	holders->in_the_way.slots = (struct slots){ mapped, checked };
	holders->in_the_way.find = find;
	holders->in_the_way.context = find_context;
	holders->in_the_way.pidns = process_own_pidns();
	holders->tell = tell;
	holders->context = context;
	return holders;
}

void holders_record(struct holders *holders, uint64_t position, const uint64_t *payload)
{
	file_names_record(&holders->in_the_way.files, position, payload);
}

void holders_close(struct holders *holders)
{
	in_the_way_free(&holders->in_the_way);
	vec_free(&holders->waits.vec);
	vec_free(&holders->ways.vec);
	vec_free(&holders->list.vec);
	vec_free(&holders->next.vec);
	vec_free(&holders->going);
	free(holders);
}

/* ---- Which thread */

static bool has_ended(const struct task *task)
{
	return task->state == 'Z' || task->state == 'X';
}

/* The thread that has this number in its own namespace. */
static pid_t thread_here(const struct way *way)
{
	struct tasks tasks = { 0 };
	pid_t found = 0;

	if (way->pid == way->inner || !way->tid)
		return (pid_t)way->tid;
	if (way->tid == (uint32_t)way->inner)
		return way->pid;
	if (tasks_read(way->pid, &tasks))
		for (uint32_t i = 0; i < tasks.vec.count; i++)
			if (tasks.vec.items[i].inner == (pid_t)way->tid)
				found = tasks.vec.items[i].tid;
	vec_free(&tasks.vec);
	return found;
}

static int liveliness(const struct task *task)
{
	switch (task->state) {
	case 'R':
		return 3;
	case 'D':
		return 2;
	case 'Z':
	case 'X':
		return 0;
	}
	return 1;
}

static bool read_liveliest(pid_t pid, struct task *task)
{
	struct tasks tasks = { 0 };
	bool any = tasks_read(pid, &tasks);

	for (uint32_t i = 0; i < tasks.vec.count; i++)
		if (!i || liveliness(&tasks.vec.items[i]) > liveliness(task))
			*task = tasks.vec.items[i];
	vec_free(&tasks.vec);
	return any;
}

static bool read_holder(struct holder *holder, struct task *task)
{
	if (holder->task && task_read(holder->way.pid, holder->task, task) && !has_ended(task))
		return true;
	holder->task = 0;
	return read_liveliest(holder->way.pid, task);
}

/* ---- What it does */

static enum doing doing_of(const struct task *task)
{
	if (blocked_on_lock(task))
		return DOING_WAITS;
	switch (task->state) {
	case 'R':
		return DOING_RUNS;
	case 'D':
		return DOING_IO;
	case 'T':
	case 't':
		return DOING_STOPPED;
	case 'Z':
	case 'X':
		return DOING_ZOMBIE;
	}
	return DOING_SLEEPS;
}

static void tell(struct holders *holders, struct holder *holder)
{
	for (uint32_t i = 0; i < holder->count; i++)
		holders->tell(holders->context, &(struct holder_seen){
							.process = holder->way.process,
							.tid = holder->seen,
							.file = holder->way.file,
							.op = holder->way.op,
							.start = holder->way.start,
							.end = holder->way.end,
							.since = holder->since,
							.time = holder->last,
							.doing = holder->tallies[i].doing,
							.call = holder->tallies[i].call,
							.looks = holder->tallies[i].looks,
						});
	holder->count = 0;
}

static void count(struct holders *holders, struct holder *holder, const struct task *task,
		  uint64_t now)
{
	enum doing doing = doing_of(task);
	int32_t call =
		doing == DOING_SLEEPS || doing == DOING_IO ? (int32_t)task->number : CALL_UNKNOWN;
	uint32_t at = 0;

	while (at < holder->count &&
	       (holder->tallies[at].doing != doing || holder->tallies[at].call != call))
		at++;
	if (at == TALLIES || holder->seen != (uint32_t)task->inner) {
		tell(holders, holder);
		at = 0;
	}
	if (!holder->count)
		holder->since = now;
	if (at == holder->count)
		holder->tallies[holder->count++] = (struct tally){ doing, call, 0 };
	holder->tallies[at].looks++;
	holder->seen = (uint32_t)task->inner;
	holder->goes_on = doing != DOING_STOPPED && doing != DOING_ZOMBIE;
	holder->last = now;
	if (!holder->first)
		holder->first = now;
}

static bool is_due(const struct holder *holder, uint64_t now)
{
	uint64_t part = (now - holder->first) / TELL_PART;

	return holder->count && now - holder->since >= (part > TELL_NS ? part : TELL_NS);
}

/* ---- Looking */

/* Both lists are by way: who is in the way still is kept with what was seen, the others are told
 * of. */
static void renew_list(struct holders *holders)
{
	struct holder_list *old = &holders->list, *new = &holders->next, swap;
	uint32_t at = 0;

	new->vec.count = 0;
	for (uint32_t i = 0; i < holders->ways.vec.count; i++) {
		const struct way *way = &holders->ways.vec.items[i];
		int order = 1;

		while (at < old->vec.count && (order = way_order(&old->vec.items[at].way, way)) < 0)
			tell(holders, &old->vec.items[at++]);
		if (at < old->vec.count && !order)
			vec_push(&new->vec, old->vec.items[at++]);
		else if (way->pid > 0)
			vec_push(&new->vec,
				 (struct holder){ .way = *way, .task = thread_here(way) });
	}
	while (at < old->vec.count)
		tell(holders, &old->vec.items[at++]);
	swap = *old;
	*old = *new;
	*new = swap;
}

static void look_at_each(struct holders *holders, uint64_t now)
{
	uint32_t all = holders->list.vec.count, some = all < AT_ONCE ? all : AT_ONCE;
	struct task task;

	for (uint32_t i = 0; i < some; i++) {
		struct holder *holder = &holders->list.vec.items[holders->turn++ % all];

		if (read_holder(holder, &task))
			count(holders, holder, &task, now);
		else
			holder->goes_on = false;
		if (is_due(holder, now))
			tell(holders, holder);
	}
}

static int going_order(const struct way *way, uint64_t inode, uint64_t start)
{
	if (way->inode != inode)
		return way->inode < inode ? -1 : 1;
	return way->start < start ? -1 : way->start > start;
}

static int by_place(const void *left, const void *right)
{
	const struct way *a = &((const struct going *)left)->way;
	const struct way *b = &((const struct going *)right)->way;

	return going_order(a, b->inode, b->start);
}

/* Who has inherited a lock need not know of it: the thread that took it is somebody else's. */
static bool has_taken(const struct holder *holder)
{
	return holder->task;
}

static void list_those_who_go_on(struct holders *holders)
{
	struct going *going;

	holders->going.count = 0;
	for (uint32_t i = 0; i < holders->list.vec.count; i++) {
		const struct holder *holder = &holders->list.vec.items[i];

		if (holder->goes_on && has_taken(holder))
			vec_push(&holders->going, (struct going){ holder->way, holder->way.end });
	}
	going = holders->going.items;
	if (holders->going.count)
		qsort(going, holders->going.count, sizeof(*going), by_place);
	for (uint32_t i = 1; i < holders->going.count; i++)
		if (going[i].way.inode == going[i - 1].way.inode &&
		    going[i].reach < going[i - 1].reach)
			going[i].reach = going[i - 1].reach;
}

/* How many come before this place. */
static uint32_t count_before(const struct holders *holders, uint64_t inode, uint64_t start)
{
	uint32_t first = 0, last = holders->going.count;

	while (first < last) {
		uint32_t middle = (first + last) / 2;

		if (going_order(&holders->going.items[middle].way, inode, start) < 0)
			first = middle + 1;
		else
			last = middle;
	}
	return first;
}

static uint64_t processor_time(void)
{
	struct timespec used;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
	return (uint64_t)used.tv_sec * 1000 * MS + (uint64_t)used.tv_nsec;
}

void holders_look(struct holders *holders, uint64_t now)
{
	uint64_t used;

	if (now < holders->next_look)
		return;
	used = processor_time();
	holders->saved += (int64_t)((now - holders->looked) / SHARE);
	if (holders->saved > (int64_t)SAVED_MAX)
		holders->saved = SAVED_MAX;
	holders->looked = now;
	slots_waits(&holders->in_the_way.slots, &holders->waits);
	in_the_way_find(&holders->in_the_way, &holders->waits, now - PATIENCE_NS, now,
			&holders->ways);
	renew_list(holders);
	look_at_each(holders, now);
	list_those_who_go_on(holders);
	holders->saved -= (int64_t)(processor_time() - used);
	holders->next_look = now + LOOK_NS;
	if (holders->saved < 0)
		holders->next_look += (uint64_t)-holders->saved * SHARE;
}

bool holders_go_on(const struct holders *holders, const struct slot_wait *wait)
{
	const struct file_name *file = file_names_find(&holders->in_the_way.files, wait->file);

	for (uint32_t i = file ? count_before(holders, file->inode, wait->end) : 0; i-- > 0;) {
		const struct going *going = &holders->going.items[i];
		const struct way *way = &going->way;

		if (way->inode != file->inode || going->reach <= wait->start)
			break;
		if (way->process != wait->process &&
		    wait_conflicts(wait, op_is_flock(way->op), way->shared, way->start, way->end))
			return true;
	}
	return false;
}

void holders_finish(struct holders *holders)
{
	for (uint32_t i = 0; i < holders->list.vec.count; i++)
		tell(holders, &holders->list.vec.items[i]);
	holders->list.vec.count = 0;
}
