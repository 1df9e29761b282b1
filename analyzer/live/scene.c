/* SPDX-License-Identifier: MIT */
#include "analyzer/live/scene.h"

#include "analyzer/live/tries.h"
#include "analyzer/system/blocked.h"
#include "analyzer/system/fdinfo.h"
#include "analyzer/system/process.h"

/* ---- Who is who */

static void read_peers(struct scene *scene, const struct slots *slots, live_find find,
		       const void *context)
{
	uint64_t pidns = process_own_pidns();
	struct known_peer known;
	uint32_t at = 0;

	while (slots_next_peer(slots, &at, &known.peer)) {
		known.pid = known.peer.pidns == pidns
				    ? known.peer.inner
				    : find(context, known.peer.inner, known.peer.start_time);
		if (known.pid)
			vec_push(&scene->peers, known);
	}
}

static const struct known_peer *peer_of(const struct scene *scene, uint32_t process)
{
	for (uint32_t i = 0; i < scene->peers.count; i++)
		if (scene->peers.items[i].peer.process == process)
			return &scene->peers.items[i];
	return NULL;
}

uint32_t scene_process(const struct scene *scene, pid_t pid)
{
	for (uint32_t i = 0; i < scene->peers.count; i++)
		if (scene->peers.items[i].pid == pid)
			return scene->peers.items[i].peer.process;
	return 0;
}

/* ---- Locks */

static bool same_lock(const struct open_lock *a, const struct open_lock *b)
{
	return a->file.inode == b->file.inode && a->file.device == b->file.device &&
	       a->lock.kind == b->lock.kind && a->lock.shared == b->lock.shared &&
	       a->lock.start == b->lock.start && a->lock.end == b->lock.end &&
	       a->lock.pid == b->lock.pid;
}

bool held_is(const struct held *held, const struct open_lock *lock)
{
	if (!same_lock(&held->lock, lock))
		return false;
	if (lock->lock.kind == LOCK_KIND_POSIX)
		return lock->lock.pid > 0 || lock->pid == held->lock.pid;
	return !lock->lock.shared ||
	       fd_is_same(held->lock.pid, held->lock.fd, lock->pid, lock->fd, true);
}

static void read_locks(struct scene *scene)
{
	for (uint32_t i = 0; i < scene->open.locks.count; i++) {
		const struct open_lock *lock = &scene->open.locks.items[i];
		uint32_t at = 0;

		while (at < scene->held.count && !held_is(&scene->held.items[at], lock))
			at++;
		if (at == scene->held.count)
			vec_push(&scene->held, (struct held){ .lock = *lock });
		vec_push(&scene->held.items[at].sharers, *lock);
	}
}

static uint64_t oldest_start(const struct scene *scene)
{
	uint64_t oldest = UINT64_MAX;

	for (uint32_t i = 0; i < scene->waits->vec.count; i++) {
		const struct known_peer *known = peer_of(scene, scene->waits->vec.items[i].process);

		if (known && known->peer.start_time < oldest)
			oldest = known->peer.start_time;
	}
	return oldest;
}

static void read_files(struct scene *scene)
{
	for (uint32_t i = 0; i < scene->waits->vec.count; i++) {
		const struct slot_wait *wait = &scene->waits->vec.items[i];
		const struct known_peer *known = peer_of(scene, wait->process);
		const struct file_name *name =
			wait_tries(wait) ? file_names_find(scene->names, wait->file) : NULL;
		struct file_id file = { 0 };

		/* Who tries may have closed the descriptor again. */
		if (name)
			file = (struct file_id){ name->device, name->inode };
		else if (known && !wait_tries(wait))
			open_file_id(known->pid, wait->fd, &file);
		vec_push(&scene->files, file);
	}
	open_files_read(&scene->open, scene->files.items, scene->files.count, oldest_start(scene));
	read_locks(scene);
}

/* ---- Threads */

struct pid_key {
	const struct scene *scene;
	pid_t pid;
};

static bool same_pid(const void *context, uint32_t index)
{
	const struct pid_key *key = context;

	return key->scene->crowds.items[index].pid == key->pid;
}

/* The threads of a process, which are read when they are first asked for. */
static struct crowd *crowd_of(struct scene *scene, pid_t pid)
{
	struct pid_key key = { scene, pid };
	uint32_t *at = map_find(&scene->by_pid, hash_u64((uint64_t)pid, 0), same_pid, &key);
	struct crowd crowd = { .pid = pid, .first = scene->tasks.vec.count };

	if (*at != MAP_NEW)
		return &scene->crowds.items[*at];
	*at = scene->crowds.count;
	crowd.process = scene_process(scene, pid);
	/* Of whom nothing can be seen runs, for all that is known. */
	if (!tasks_read(pid, &scene->tasks))
		vec_push(&scene->tasks.vec,
			 (struct task){ .pid = pid, .state = '?', .number = SYSCALL_NONE });
	crowd.count = scene->tasks.vec.count - crowd.first;
	for (uint32_t i = 0; i < crowd.count; i++) {
		graph_agent(scene->graph);
		vec_push(&scene->actors, (struct actor){ .wait = NONE });
	}
	vec_push(&scene->crowds, crowd);
	return &scene->crowds.items[scene->crowds.count - 1];
}

/* A timer's signal may end any wait of its process. */
static void wind_timers(struct scene *scene, struct crowd *crowd)
{
	switch (timers_of(scene->timers, crowd->process, crowd->pid, scene->now)) {
	case TIMING_NONE:
		return;
	case TIMING_UNKNOWN:
		crowd->doubtful = true;
		return;
	case TIMING_RUNS:
		for (uint32_t i = 0; i < crowd->count; i++)
			graph_has_timer(scene->graph, crowd->first + i);
	}
}

/* ---- What they wait for */

/* What its process' slot says of a lock; NULL: nothing. */
static const struct grant *grant_of(const struct scene *scene, const struct open_lock *lock)
{
	const struct known_peer *known = peer_of(scene, scene_process(scene, lock->pid));

	for (uint32_t i = 0; known && i < GRANTS_MAX; i++) {
		const struct grant *grant = &known->peer.slot->grant[i];

		if (atomic_load_explicit(&grant->state, memory_order_acquire) == GRANT_HELD &&
		    grant->fd == lock->fd && grant->inode == lock->file.inode &&
		    grant->start == lock->lock.start && grant->end == lock->lock.end)
			return grant;
	}
	return NULL;
}

/* Since when it has been held without a break; UINT64_MAX: nobody says. */
static uint64_t held_since(const struct scene *scene, const struct held *held)
{
	uint64_t since = UINT64_MAX;

	for (uint32_t i = 0; i < held->sharers.count; i++) {
		const struct grant *grant = grant_of(scene, &held->sharers.items[i]);

		if (grant && grant->time < since)
			since = grant->time;
	}
	return since;
}

static bool is_own(const struct held *held, const struct slot_wait *wait, pid_t pid)
{
	bool posix = held->lock.lock.kind == LOCK_KIND_POSIX;

	if (posix != op_is_posix(wait->op))
		return false;
	for (uint32_t i = 0; i < held->sharers.count; i++) {
		const struct open_lock *sharer = &held->sharers.items[i];

		if (sharer->pid == pid && (posix || sharer->fd == wait->fd))
			return true;
	}
	return false;
}

static void releasable_by(struct scene *scene, uint32_t hold, const struct open_lock *sharer)
{
	const struct grant *grant = grant_of(scene, sharer);
	struct crowd crowd = *crowd_of(scene, sharer->pid);

	for (uint32_t i = crowd.first; i < crowd.first + crowd.count; i++)
		graph_can_release(scene->graph, i, hold,
				  grant && (uint32_t)scene->tasks.vec.items[i].inner == grant->tid);
}

/* Puts all locks that are in somebody's way into the graph, in their order. */
static void add_locks(struct scene *scene)
{
	for (uint32_t i = 0; i < scene->held.count; i++) {
		const struct held *held = &scene->held.items[i];
		uint32_t hold = graph_hold(scene->graph);

		for (uint32_t j = 0; j < held->sharers.count; j++)
			releasable_by(scene, hold, &held->sharers.items[j]);
		if (scene->open.hidden)
			graph_unknown_releaser(scene->graph, hold);
	}
}

static uint32_t agent_of_wait(struct scene *scene, const struct slot_wait *wait, pid_t *pid)
{
	const struct known_peer *known = peer_of(scene, wait->process);
	struct crowd crowd;

	if (!known)
		return NONE;
	*pid = known->pid;
	crowd = *crowd_of(scene, known->pid);
	for (uint32_t i = crowd.first; i < crowd.first + crowd.count; i++)
		if ((uint32_t)scene->tasks.vec.items[i].inner == wait->tid)
			return i;
	return NONE;
}

static bool is_in_the_way(const struct held *held, const struct slot_wait *wait,
			  const struct file_id *file, pid_t pid)
{
	const struct kernel_lock *lock = &held->lock.lock;

	return held->lock.file.inode == file->inode && held->lock.file.device == file->device &&
	       wait_conflicts(wait, lock->kind == LOCK_KIND_FLOCK, lock->shared, lock->start,
			      lock->end) &&
	       !is_own(held, wait, pid);
}

bool scene_tries(const struct scene *scene, uint32_t agent)
{
	uint32_t wait = scene->actors.items[agent].wait;

	return wait != NONE && wait_tries(&scene->waits->vec.items[wait]);
}

/* Between two tries a lock may come free and be taken by the next: who tries waits for those alone
 * that have been held all the time. */
static void wait_for_lock(struct scene *scene, uint32_t agent, uint32_t at, uint32_t hold)
{
	const struct slot_wait *wait = &scene->waits->vec.items[at];
	struct actor *actor = &scene->actors.items[agent];
	uint64_t since = wait->time;

	if (wait_tries(wait)) {
		uint64_t held = held_since(scene, &scene->held.items[hold]);

		if (held > scene->now - TRIED_NS)
			return;
		if (held > since)
			since = held;
	}
	graph_waits_for(scene->graph, agent, hold);
	if (actor->waits && actor->since < since)
		since = actor->since;
	*actor = (struct actor){
		.waits_for = WAITS_FOR_LOCK, .waits = true, .wait = at, .since = since
	};
}

static void wait_for_locks(struct scene *scene, uint32_t at)
{
	const struct slot_wait *wait = &scene->waits->vec.items[at];
	const struct file_id *file = &scene->files.items[at];
	pid_t pid;
	uint32_t agent = agent_of_wait(scene, wait, &pid);

	if (agent == NONE || !file->inode ||
	    (!wait_tries(wait) && !blocked_on_lock(&scene->tasks.vec.items[agent])))
		return;
	/* Who tries, and then waits in a call for another lock, waits in the call. */
	if (wait_tries(wait) && scene->actors.items[agent].waits)
		return;
	for (uint32_t i = 0; i < scene->held.count; i++)
		if (is_in_the_way(&scene->held.items[i], wait, file, pid))
			wait_for_lock(scene, agent, at, i);
}

static void wait_for_others(struct scene *scene, uint32_t agent)
{
	struct pids others = { 0 };
	struct task task = scene->tasks.vec.items[agent];
	struct actor actor = { .wait = NONE };
	bool pipe;

	actor.waits = blocked_on_others(&task, &scene->open, &others, &pipe);
	if (actor.waits)
		actor.waits_for = pipe ? WAITS_FOR_PIPE : WAITS_FOR_CHILD;
	for (uint32_t i = 0; actor.waits && i < others.vec.count; i++) {
		struct crowd crowd = *crowd_of(scene, others.vec.items[i]);

		actor.other = others.vec.count == 1 ? crowd.pid : 0;
		for (uint32_t j = crowd.first; j < crowd.first + crowd.count; j++)
			if (j != agent)
				graph_awaits(scene->graph, agent, j);
	}
	scene->actors.items[agent] = actor;
	vec_free(&others.vec);
}

void scene_take(struct scene *scene, const struct slots *slots, const struct slot_waits *waits,
		const struct timers *timers, const struct file_names *names, live_find find,
		const void *context, uint64_t now)
{
	*scene = (struct scene){
		.waits = waits, .timers = timers, .names = names, .now = now, .graph = graph_new()
	};
	read_peers(scene, slots, find, context);
	read_files(scene);
	add_locks(scene);
	for (uint32_t i = 0; i < waits->vec.count; i++)
		wait_for_locks(scene, i);
	/* Whom somebody waits for is looked at, too. */
	for (uint32_t i = 0; i < scene->tasks.vec.count; i++)
		if (!scene->actors.items[i].waits)
			wait_for_others(scene, i);
	for (uint32_t i = 0; i < scene->crowds.count; i++)
		wind_timers(scene, &scene->crowds.items[i]);
}

void scene_free(struct scene *scene)
{
	for (uint32_t i = 0; i < scene->held.count; i++)
		vec_free(&scene->held.items[i].sharers);
	vec_free(&scene->held);
	vec_free(&scene->peers);
	vec_free(&scene->files);
	open_files_free(&scene->open);
	vec_free(&scene->tasks.vec);
	vec_free(&scene->actors);
	vec_free(&scene->crowds);
	map_free(&scene->by_pid);
	graph_free(scene->graph);
}
