/* SPDX-License-Identifier: MIT */
/* The kernel's list and what the processes show, put together. */
#include "analyzer/now/scan.h"

static bool same_lock(const struct kernel_lock *one, const struct kernel_lock *other)
{
	return one->kind == other->kind && one->shared == other->shared &&
	       one->unlocks == other->unlocks && one->start == other->start &&
	       one->end == other->end;
}

/* fdinfo tells the pid of a taker that is dead or outside of our pid namespace as 0. */
static bool same_taker(const struct now_hold *hold, const struct share *share)
{
	if (hold->lock.kind == LOCK_KIND_POSIX)
		return hold->lock.pid == share->who.pid;
	return hold->lock.pid == share->lock.pid;
}

static bool has_description(const struct now_hold *hold, const struct now_sharer *who)
{
	const struct now_sharer *first = hold->sharers.items;

	return !hold->sharers.count ||
	       (hold->lock.kind == LOCK_KIND_POSIX
			? first->pid == who->pid
			: fd_is_same(first->pid, first->fd, who->pid, who->fd, true));
}

static void add_share(struct now *now, const struct share *share)
{
	struct now_hold hold = { .lock = share->lock, .file = share->file };

	for (uint32_t i = 0; i < now->holds.count; i++) {
		struct now_hold *known = &now->holds.items[i];

		if (known->file == share->file && same_lock(&known->lock, &share->lock) &&
		    same_taker(known, share) && has_description(known, &share->who)) {
			vec_push(&known->sharers, share->who);
			return;
		}
	}
	vec_push(&hold.sharers, share->who);
	vec_push(&now->holds, hold);
}

/*
 * The kernel gives its list page by page, and what changes meanwhile moves lines from one to
 * another: some come twice. Such a one finds no process that isn't taken, and an exclusive lock
 * can't be held twice.
 */
static bool is_repeated(const struct now *now, uint32_t index)
{
	const struct now_hold *hold = &now->holds.items[index];

	for (uint32_t i = 0; i < now->holds.count && !hold->sharers.count; i++) {
		const struct now_hold *other = &now->holds.items[i];

		if (i != index && other->file == hold->file && other->lock.pid == hold->lock.pid &&
		    same_lock(&other->lock, &hold->lock) &&
		    (other->sharers.count || (!hold->lock.shared && i < index)))
			return true;
	}
	return false;
}

static void drop_repeated(struct now *now)
{
	for (uint32_t i = now->holds.count; i-- > 0;)
		if (is_repeated(now, i)) {
			vec_free(&now->holds.items[i].sharers);
			vec_remove(&now->holds, i);
		}
}

void merge_holds(struct scan *scan, const struct kernel_locks *locks)
{
	struct now *now = scan->now;

	for (uint32_t i = 0; i < locks->vec.count; i++) {
		const struct kernel_lock *lock = &locks->vec.items[i];

		if (!lock->depth && lock->has_file)
			vec_push(&now->holds,
				 (struct now_hold){
					 .lock = *lock,
					 .file = scan_file(scan, lock->device, lock->inode),
					 .listed = true,
				 });
	}
	for (uint32_t i = 0; i < scan->shares.count; i++)
		add_share(now, &scan->shares.items[i]);
	drop_repeated(now);
}

/* The thread that is in the call of a wait in the kernel's list. */
static struct caller *caller_of(struct scan *scan, const struct kernel_lock *lock, uint32_t file)
{
	for (uint32_t i = 0; i < scan->callers.count; i++) {
		struct caller *caller = &scan->callers.items[i];

		if (!caller->used && caller->file == file && caller->lock.kind == lock->kind &&
		    (lock->pid <= 0 || lock->pid == caller->pid) &&
		    (!caller->range_known || same_lock(&caller->lock, lock)))
			return caller;
	}
	return NULL;
}

static void tell_caller(struct now_wait *wait, struct caller *caller)
{
	caller->used = true;
	wait->pid = caller->pid;
	wait->tid = caller->tid;
	wait->fd = caller->fd;
	wait->switches = caller->switches;
	wait->asleep = caller->asleep;
}

/* As for holds: a thread waits for one lock at a time. */
static bool is_told(const struct now *now, const struct now_wait *wait)
{
	for (uint32_t i = 0; i < now->waits.count; i++) {
		const struct now_wait *other = &now->waits.items[i];

		if (other->tid && other->pid == wait->pid && other->file == wait->file &&
		    same_lock(&other->lock, &wait->lock))
			return true;
	}
	return false;
}

/* It may have begun or ended its call since; asleep in it all the time, it waits. */
static bool still_waits(const struct caller *caller)
{
	struct task task = { .pid = caller->pid, .tid = caller->tid };

	return task_switches(&task) == caller->switches;
}

void merge_waits(struct scan *scan, const struct kernel_locks *locks)
{
	struct now *now = scan->now;

	for (uint32_t i = 0; i < locks->vec.count; i++) {
		const struct kernel_lock *lock = &locks->vec.items[i];
		struct now_wait wait = {
			.lock = *lock, .listed = true, .range_known = true, .fd = -1
		};
		struct caller *caller;

		if (!lock->depth || !lock->has_file)
			continue;
		wait.file = scan_file(scan, lock->device, lock->inode);
		wait.pid = lock->pid > 0 ? (pid_t)lock->pid : 0;
		caller = caller_of(scan, lock, wait.file);
		if (caller)
			tell_caller(&wait, caller);
		else if (is_told(now, &wait))
			continue;
		vec_push(&now->waits, wait);
	}
	for (uint32_t i = 0; i < scan->callers.count; i++) {
		struct caller *caller = &scan->callers.items[i];
		struct now_wait wait = {
			.lock = caller->lock,
			.file = caller->file,
			.range_known = caller->range_known,
		};

		if (caller->used || caller->file == NOT_KNOWN || !still_waits(caller))
			continue;
		tell_caller(&wait, caller);
		vec_push(&now->waits, wait);
	}
}

/* Whether the one who waits is the owner of the lock: then it isn't in its way. */
static bool owns(const struct now_hold *hold, const struct now_wait *wait)
{
	if (hold->lock.kind != wait->lock.kind)
		return false;
	if (hold->lock.kind == LOCK_KIND_POSIX)
		return hold->lock.pid == wait->pid;
	for (uint32_t i = 0; i < hold->sharers.count; i++)
		if (wait->tid && fd_is_same(hold->sharers.items[i].pid, hold->sharers.items[i].fd,
					    wait->pid, wait->fd, false))
			return true;
	return false;
}

void find_blockers(struct now *now)
{
	for (uint32_t i = 0; i < now->waits.count; i++) {
		struct now_wait *wait = &now->waits.items[i];

		for (uint32_t j = 0; j < now->holds.count; j++) {
			const struct now_hold *hold = &now->holds.items[j];

			if (hold->file == wait->file &&
			    kernel_locks_conflict(&hold->lock, &wait->lock) && !owns(hold, wait))
				vec_push(&wait->blockers, j);
		}
	}
}
