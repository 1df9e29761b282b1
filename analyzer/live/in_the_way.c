/* SPDX-License-Identifier: MIT */
#include "analyzer/live/in_the_way.h"

#include "analyzer/system/fdinfo.h"
#include "analyzer/system/process.h"

#define MS	    UINT64_C(1000000)
#define PAUSE_MIN   (100 * MS)
#define PAUSE_MAX   (2000 * MS)
#define ORDER(a, b) ((a) < (b) ? -1 : (a) > (b))

/* A wait that has lasted. */
struct wanted {
	const struct slot_wait *wait;
	uint64_t device, inode;
	bool found; /* a hold in its way */
};

int way_order(const struct way *a, const struct way *b)
{
	int order = ORDER(a->process, b->process);

	if (!order)
		order = ORDER(a->inode, b->inode);
	if (!order)
		order = ORDER(a->time, b->time);
	if (!order)
		order = ORDER(a->start, b->start);
	return order ? order : ORDER(a->end, b->end);
}

static int compare_ways(const void *left, const void *right)
{
	return way_order(left, right);
}

static int by_inode(const void *left, const void *right)
{
	const struct wanted *a = left, *b = right;

	return ORDER(a->inode, b->inode);
}

static void list_wanted(struct in_the_way *all, const struct slot_waits *waits, uint64_t since)
{
	all->wanted.count = 0;
	for (uint32_t i = 0; i < waits->vec.count; i++) {
		const struct slot_wait *wait = &waits->vec.items[i];
		const struct file_name *file =
			wait->time <= since ? file_names_find(&all->files, wait->file) : NULL;

		if (file)
			vec_push(&all->wanted,
				 (struct wanted){ wait, file->device, file->inode, false });
	}
	if (all->wanted.count)
		qsort(all->wanted.items, all->wanted.count, sizeof(*all->wanted.items), by_inode);
}

static uint32_t first_of_inode(const struct in_the_way *all, uint64_t inode)
{
	uint32_t first = 0, last = all->wanted.count;

	while (first < last) {
		uint32_t middle = (first + last) / 2;

		if (all->wanted.items[middle].inode < inode)
			first = middle + 1;
		else
			last = middle;
	}
	return first;
}

/* ---- What the slots say */

static pid_t pid_of(const struct in_the_way *all, const struct peer *peer)
{
	return peer->pidns == all->pidns ? peer->inner
					 : all->find(all->context, peer->inner, peer->start_time);
}

static bool is_own(const struct slot_wait *wait, uint32_t process, const struct grant *grant)
{
	return process == wait->process && op_is_posix(grant->op) == op_is_posix(wait->op) &&
	       (op_is_posix(grant->op) || grant->fd == wait->fd);
}

static void add_grant(struct in_the_way *all, const struct peer *peer, const struct grant *grant,
		      struct ways *ways)
{
	const struct slot_wait *waits = NULL;

	for (uint32_t i = first_of_inode(all, grant->inode);
	     i < all->wanted.count && all->wanted.items[i].inode == grant->inode; i++) {
		struct wanted *wanted = &all->wanted.items[i];

		if (wanted->device != grant->device || is_own(wanted->wait, peer->process, grant) ||
		    !wait_conflicts(wanted->wait, op_is_flock(grant->op),
				    grant->mode == FLAG_SHARED, grant->start, grant->end))
			continue;
		wanted->found = true;
		waits = wanted->wait;
	}
	if (waits)
		vec_push(&ways->vec, (struct way){
					     .process = peer->process,
					     .pid = pid_of(all, peer),
					     .inner = peer->inner,
					     .tid = grant->tid,
					     .time = grant->time,
					     .inode = grant->inode,
					     .start = grant->start,
					     .end = grant->end,
					     .file = waits->file,
					     .op = waits->op,
					     .shared = grant->mode == FLAG_SHARED,
				     });
}

static void listen_to(struct in_the_way *all, const struct peer *peer, struct ways *ways)
{
	uint64_t used = atomic_load_explicit(&peer->slot->grants, memory_order_relaxed);

	for (uint32_t i = 0; i < GRANTS_MAX; i++) {
		/* What changes meanwhile is nonsense for one look. */
		struct grant grant = peer->slot->grant[i];

		if (used >> i & 1 && grant.start < grant.end && grant.end <= RANGE_EOF)
			add_grant(all, peer, &grant, ways);
	}
}

/* ---- What the kernel tells of descriptors */

/* The lock is there still, through the same descriptor. */
static bool stands(const struct open_lock *lock)
{
	struct fdinfo info;
	bool there = false;

	if (!fdinfo_read(&info, lock->pid, lock->fd))
		return false;
	for (uint32_t i = 0; i < info.locks.vec.count; i++) {
		const struct kernel_lock *now = &info.locks.vec.items[i];

		there |= now->kind == lock->lock.kind && now->start == lock->lock.start &&
			 now->end == lock->lock.end;
	}
	kernel_locks_free(&info.locks);
	return there;
}

static bool is_in_way(const struct in_the_way *all, const struct wanted *wanted,
		      const struct open_lock *lock, const struct peer *peer)
{
	bool posix = lock->lock.kind == LOCK_KIND_POSIX;

	if (wanted->found || wanted->inode != lock->file.inode ||
	    wanted->device != lock->file.device)
		return false;
	if (peer->process == wanted->wait->process &&
	    (posix ? op_is_posix(wanted->wait->op) : lock->fd == wanted->wait->fd))
		return false;
	return pid_of(all, peer) == lock->pid &&
	       wait_conflicts(wanted->wait, lock->lock.kind == LOCK_KIND_FLOCK, lock->lock.shared,
			      lock->lock.start, lock->lock.end);
}

static const struct peer *peer_of(const struct in_the_way *all, pid_t pid)
{
	for (uint32_t i = 0; i < all->peers.count; i++)
		if (pid_of(all, &all->peers.items[i]) == pid)
			return &all->peers.items[i];
	return NULL;
}

static void add_open(struct in_the_way *all, const struct open_lock *lock, struct ways *ways)
{
	const struct peer *peer = peer_of(all, lock->pid);
	const struct slot_wait *waits = NULL;

	for (uint32_t i = 0; peer && i < all->wanted.count && !waits; i++)
		if (is_in_way(all, &all->wanted.items[i], lock, peer))
			waits = all->wanted.items[i].wait;
	if (waits && stands(lock))
		vec_push(&ways->vec, (struct way){
					     .process = peer->process,
					     .pid = lock->pid,
					     .inner = peer->inner,
					     .inode = lock->file.inode,
					     .start = lock->lock.start,
					     .end = lock->lock.end,
					     .file = waits->file,
					     .op = waits->op,
					     .shared = lock->lock.shared,
				     });
}

/* The pause grows as long as there is something that the slots don't tell. */
static void ask_the_kernel(struct in_the_way *all, uint64_t now, struct ways *ways)
{
	VEC(struct file_id) files = { 0 };

	for (uint32_t i = 0; i < all->wanted.count; i++) {
		const struct wanted *wanted = &all->wanted.items[i];

		if (!wanted->found &&
		    (!files.count || files.items[files.count - 1].inode != wanted->inode))
			vec_push(&files, (struct file_id){ wanted->device, wanted->inode });
	}
	if (!files.count) {
		all->pause = 0;
	} else if (now >= all->next_open) {
		all->pause = all->pause ? 2 * all->pause : PAUSE_MIN;
		if (all->pause > PAUSE_MAX)
			all->pause = PAUSE_MAX;
		all->next_open = now + all->pause;
		open_files_free(&all->open);
		open_files_read(&all->open, files.items, files.count, 0);
	}
	for (uint32_t i = 0; files.count && i < all->open.locks.count; i++)
		add_open(all, &all->open.locks.items[i], ways);
	vec_free(&files);
}

/* ---- Both */

static void sort_ways(struct ways *ways)
{
	uint32_t kept = 0;

	if (ways->vec.count)
		qsort(ways->vec.items, ways->vec.count, sizeof(*ways->vec.items), compare_ways);
	for (uint32_t i = 0; i < ways->vec.count; i++)
		if (!kept || way_order(&ways->vec.items[kept - 1], &ways->vec.items[i]))
			ways->vec.items[kept++] = ways->vec.items[i];
	ways->vec.count = kept;
}

void in_the_way_find(struct in_the_way *all, const struct slot_waits *waits, uint64_t since,
		     uint64_t now, struct ways *ways)
{
	struct peer peer;
	uint32_t at = 0;

	ways->vec.count = 0;
	list_wanted(all, waits, since);
	if (!all->wanted.count)
		return;
	all->peers.count = 0;
	while (slots_next_peer(&all->slots, &at, &peer)) {
		vec_push(&all->peers, peer);
		listen_to(all, &peer, ways);
	}
	ask_the_kernel(all, now, ways);
	sort_ways(ways);
}

void in_the_way_free(struct in_the_way *all)
{
	file_names_free(&all->files);
	open_files_free(&all->open);
	vec_free(&all->peers);
	vec_free(&all->wanted);
}
