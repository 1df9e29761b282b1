/* SPDX-License-Identifier: MIT */
#include "preload/grants.h"

#include <string.h>

#define ALL_GRANTS (UINT64_MAX >> (64 - GRANTS_MAX))

static bool owned_by_process(uint8_t op)
{
	switch ((enum lock_op)op) {
#define X(id, call, command, world, owner, action) \
	case OP_##id:                              \
		return OWNER_##owner == OWNER_PROCESS;
#include "trace/lock_ops.def"
#undef X
	case LOCK_OPS:
		break;
	}
	return true;
}

static bool is_flock(uint8_t op)
{
	return op == OP_FLOCK;
}

static bool held(const struct grant *grant)
{
	uint32_t state = atomic_load_explicit(&grant->state, memory_order_acquire);

	return state == GRANT_HELD || state == GRANT_PARTLY;
}

static uint64_t bits(const struct process_slot *slot)
{
	return atomic_load_explicit(&slot->grants, memory_order_relaxed) & ALL_GRANTS;
}

#define each_grant(grant, slot)                                  \
	for (uint64_t left = bits(slot); left; left &= left - 1) \
		if (held(grant = &(slot)->grant[__builtin_ctzll(left)]))

static void drop(struct process_slot *slot, struct grant *grant)
{
	atomic_store_explicit(&grant->state, GRANT_FREE, memory_order_relaxed);
	atomic_fetch_and_explicit(&slot->grants, ~(UINT64_C(1) << (grant - slot->grant)),
				  memory_order_release);
}

static struct grant *claim(struct process_slot *slot)
{
	uint64_t used = bits(slot);

	for (;;) {
		int free = __builtin_ctzll(~(used & ALL_GRANTS) | UINT64_C(1) << GRANTS_MAX);

		if (free >= GRANTS_MAX) {
			atomic_fetch_add_explicit(&slot->overflow, 1, memory_order_relaxed);
			return NULL;
		}
		if (atomic_compare_exchange_weak_explicit(
			    &slot->grants, &used, used | UINT64_C(1) << free, memory_order_acquire,
			    memory_order_relaxed))
			return &slot->grant[free];
	}
}

/* Same owner as far as this process can tell: the process for POSIX locks, the fd for the others.
 */
static bool same_owner(const struct grant *grant, const struct lock *lock)
{
	if (is_flock(grant->op) != is_flock(lock->op) ||
	    owned_by_process(grant->op) != owned_by_process(lock->op))
		return false;
	return owned_by_process(grant->op) || grant->fd == lock->fd;
}

/* A part goes: what stays at one side is kept exactly; of two sides, only that there are some. */
static void trim(struct grant *grant, const struct range *gone)
{
	atomic_store_explicit(&grant->state, GRANT_BUSY, memory_order_relaxed);
	if (gone->start <= grant->start)
		grant->start = gone->end;
	else if (gone->end >= grant->end)
		grant->end = gone->start;
	else {
		atomic_store_explicit(&grant->state, GRANT_PARTLY, memory_order_release);
		return;
	}
	atomic_store_explicit(&grant->state, GRANT_HELD, memory_order_release);
}

void grants_release(const struct lock *lock)
{
	struct process_slot *slot = recorder.slot;
	struct grant *grant;

	each_grant(grant, slot)
	{
		if (!same_owner(grant, lock) || grant->inode != lock->file.inode ||
		    grant->device != lock->file.device || grant->start >= lock->range.end ||
		    grant->end <= lock->range.start)
			continue;
		if (grant->start >= lock->range.start && grant->end <= lock->range.end)
			drop(slot, grant);
		else
			trim(grant, &lock->range);
	}
}

void grants_add(const struct lock *lock, uint32_t tid, uint64_t time, reference stack)
{
	struct grant *grant;

	grants_release(lock); /* a conversion replaces what it covers */
	grant = claim(recorder.slot);
	if (!grant)
		return;
	atomic_store_explicit(&grant->state, GRANT_BUSY, memory_order_relaxed);
	grant->op = lock->op;
	grant->mode = lock->mode;
	grant->fd = lock->fd;
	grant->tid = tid;
	grant->device = lock->file.device;
	grant->inode = lock->file.inode;
	grant->start = lock->range.start;
	grant->end = lock->range.end;
	grant->time = time;
	grant->file = lock->file.name;
	grant->stack = stack;
	atomic_store_explicit(&grant->state, GRANT_HELD, memory_order_release);
}

void grants_close(int fd, uint64_t device, uint64_t inode)
{
	struct process_slot *slot = recorder.slot;
	struct grant *grant;

	each_grant(grant, slot)
	{
		if (owned_by_process(grant->op) ? grant->device == device && grant->inode == inode
						: grant->fd == fd)
			drop(slot, grant);
	}
}

void grants_close_range(int first, int last)
{
	struct process_slot *slot = recorder.slot;
	struct grant *grant;

	each_grant(grant, slot)
	{
		if (!owned_by_process(grant->op) && grant->fd >= first && grant->fd <= last)
			drop(slot, grant);
	}
}

bool grants_any_posix(void)
{
	const struct process_slot *slot = recorder.slot;
	const struct grant *grant;

	if (likely(!bits(slot)))
		return false;
	if (atomic_load_explicit(&slot->overflow, memory_order_relaxed))
		return true;
	each_grant(grant, slot)
	{
		if (owned_by_process(grant->op))
			return true;
	}
	return false;
}

void grants_each_posix(void (*found)(const struct grant *grant))
{
	const struct process_slot *slot = recorder.slot;
	const struct grant *grant;

	each_grant(grant, slot)
	{
		if (owned_by_process(grant->op))
			found(grant);
	}
}

bool grants_posix_on(uint64_t device, uint64_t inode)
{
	const struct process_slot *slot = recorder.slot;
	const struct grant *grant;

	if (atomic_load_explicit(&slot->overflow, memory_order_relaxed))
		return true;
	each_grant(grant, slot)
	{
		if (owned_by_process(grant->op) && grant->device == device && grant->inode == inode)
			return true;
	}
	return false;
}

void grants_inherit(struct process_slot *child, const struct process_slot *parent)
{
	const struct grant *grant;
	uint64_t count = 0;

	/* A parent that finds the child's slot already may have told it of an fd. */
	atomic_fetch_or_explicit(&child->watch,
				 atomic_load_explicit(&parent->watch, memory_order_relaxed),
				 memory_order_relaxed);
	each_grant(grant, parent)
	{
		if (owned_by_process(grant->op))
			continue;
		memcpy((char *)&child->grant[count] + sizeof(grant->state),
		       (const char *)grant + sizeof(grant->state),
		       sizeof(*grant) - sizeof(grant->state));
		atomic_store_explicit(&child->grant[count++].state, GRANT_HELD,
				      memory_order_relaxed);
	}
	atomic_store_explicit(&child->grants, (UINT64_C(1) << count) - 1, memory_order_release);
}
