/* SPDX-License-Identifier: MIT */
#include "preload/stack.h"

#include <errno.h>
#include <string.h>

#include "preload/arch.h"
#include "preload/copy.h"
#include "preload/emit.h"
#include "preload/modules.h"
#include "preload/python.h"
#include "preload/signals.h"
#include "preload/unwind.h"

#define OWN_FRAMES   16	  /* of the recorder itself, between the walk and the hook */
#define STACKS_SEEN  1024 /* a power of two */
#define SCRIPTS_ROOM 4096 /* bytes of the lines of a script's stack */

/*
 * Stacks of this process that were announced, by hash. The first word holds hash ^ position, so
 * that words of two writers never fit together.
 */
static struct {
	_Atomic uint64_t mixed, position;
} seen[STACKS_SEEN];

/* How often libraries have gone: the same addresses mean something else from then on. */
static _Atomic uint32_t unloads;

void stack_unloaded(void)
{
	unwind_unloaded();
	if (modules_forget_unloaded())
		atomic_fetch_add_explicit(&unloads, 1, memory_order_release);
}

static uint32_t unloads_now(void)
{
	return atomic_load_explicit(&unloads, memory_order_acquire);
}

static uint64_t hash_addresses(const uintptr_t *addresses, uint32_t count)
{
	uint64_t hash = count + ((uint64_t)unloads_now() << 32) + UINT64_C(0x9e3779b97f4a7c15);

	for (uint32_t i = 0; i < count; i++) {
		hash = (hash ^ addresses[i]) * UINT64_C(0xbf58476d1ce4e5b9);
		hash ^= hash >> 29;
	}
	return hash ? hash : 1;
}

static uint64_t position_seen(uint64_t hash)
{
	uint32_t i = hash & (STACKS_SEEN - 1);
	uint64_t position = atomic_load_explicit(&seen[i].position, memory_order_acquire);

	return (atomic_load_explicit(&seen[i].mixed, memory_order_acquire) ^ position) == hash
		       ? position
		       : 0;
}

static void remember(uint64_t hash, uint64_t position)
{
	uint32_t i = hash & (STACKS_SEEN - 1);

	atomic_store_explicit(&seen[i].position, position, memory_order_release);
	atomic_store_explicit(&seen[i].mixed, hash ^ position, memory_order_release);
}

/* ---- Walking */

struct walk {
	uintptr_t addresses[OWN_FRAMES + STACK_MAX];
	uint32_t count;
	bool truncated, scripts_truncated;
	bool failed; /* only the hook's caller is known */
	struct script_frame scripts[STACK_MAX];
	uint32_t script_count;
};

static bool is_own(uintptr_t address)
{
	return address - recorder.text_start < recorder.text_end - recorder.text_start;
}

/* The frames from the hook's caller on; at least that one is always known. */
static void take_walk(struct thread *thread, struct site site, struct walk *walk)
{
	uint32_t depth = recorder.stack_depth, own = 0, found = 0;
	if (may_ask()) /* a walk probes memory by system calls */
		found = unwind_walk(thread, walk->addresses, OWN_FRAMES + depth);
	while (own < found && is_own(walk->addresses[own]))
		own++;
	walk->count = found - own < depth ? found - own : depth;
	walk->truncated = found - own > depth;
	walk->failed = false;
	copy_unseen(walk->addresses, walk->addresses + own, walk->count * sizeof(*walk->addresses));
	while (walk->count && !walk->addresses[walk->count - 1])
		walk->count--;
	if (!walk->count && site.caller) {
		walk->addresses[0] = site.caller;
		walk->count = 1;
		walk->truncated = walk->failed = true;
	}
	walk->script_count = python_frames(walk->scripts, depth, &walk->scripts_truncated);
}

/* Those that do not fit are left out. */
static struct piece describe_scripts(struct walk *walk, char *text, size_t room)
{
	struct piece piece = { text, 0 };

	for (uint32_t i = 0; i < walk->script_count; i++) {
		size_t length = python_describe(&walk->scripts[i], text + piece.length,
						room - piece.length);

		if (!length) {
			walk->script_count = i;
			walk->scripts_truncated = true;
		}
		piece.length += length;
	}
	return piece;
}

/* The innermost frame is named by an address inside the call, the others by where they go on. */
static uint64_t announce_with(const struct walk *walk, struct piece scripts, bool slow)
{
	uint64_t frames[STACK_MAX];
	struct piece pieces[] = { { frames, walk->count * sizeof(*frames) }, scripts };
	struct record_stack record = {
		.kind = RECORD_STACK,
		.process = recorder.process,
		.frames = (uint16_t)walk->count,
		.bytes = (uint16_t)(pieces[0].length + pieces[1].length),
		.truncated = (uint16_t)(walk->truncated | walk->scripts_truncated << 1),
		.scripts = walk->script_count,
	};

	for (uint32_t i = 0; i < walk->count; i++)
		frames[i] = modules_frame(walk->addresses[i] - (i == 0));
	if (!slow)
		return emit_long(&record, pieces, 2);
	modules_announce_slow(frames, walk->count);
	return emit_long_slow(&record, pieces, 2);
}

/* Its room is on the stack only where there is a script: behind a filter that stack is the host's.
 */
static __attribute__((noinline)) uint64_t announce_script(struct walk *walk, bool slow)
{
	char text[SCRIPTS_ROOM];

	return announce_with(walk, describe_scripts(walk, text, sizeof(text)), slow);
}

static uint64_t announce(struct walk *walk, bool slow)
{
	return walk->script_count ? announce_script(walk, slow)
				  : announce_with(walk, (struct piece){ "", 0 }, slow);
}

static uint64_t position_of(struct walk *walk, uint64_t hash)
{
	uint64_t position = position_seen(hash);

	if (!emit_is_fresh(position)) {
		position = announce(walk, false);
		remember(hash, position);
	}
	return position;
}

/* ---- Memo */

/* Sets of MEMO_WAYS, as a processor's cache has them: a lock and its unlock often share a set. */
static uint32_t memo_set(struct site site)
{
	uint64_t mixed = (site.frame ^ site.caller << 13) * UINT64_C(0x9e3779b97f4a7c15);

	return (uint32_t)(mixed >> 60) % (MEMOS / MEMO_WAYS) * MEMO_WAYS;
}

static bool is_key(const struct memo_key *key, struct site site)
{
	return key->frame == site.frame && key->caller == site.caller;
}

static bool any_pointers(const struct memo_frame *frames, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (frames[i].below)
			return true;
	return false;
}

/* Innermost first: as long as the inner return addresses are the same, the next place is on the
 * stack. */
static bool still_there(const struct memo *memo)
{
	const struct memo_frame *frame = memo->frames, *end = frame + memo->count;

	if (memo->pointers) {
		for (; frame < end; frame++)
			if (*frame->place != frame->address ||
			    (frame->below && frame->place[-1] != frame->below))
				return false;
	} else {
		for (; frame < end; frame++)
			if (*frame->place != frame->address)
				return false;
	}
	return memo->count;
}

/* NULL: this stack is not remembered. */
static const struct memo *memo_find(const struct thread *thread, struct site site, uint64_t script)
{
	uint32_t set = memo_set(site);

	for (uint32_t i = set; i < set + MEMO_WAYS; i++)
		if (is_key(&thread->memo_key[i], site) && thread->memo[i].script == script &&
		    still_there(&thread->memo[i]))
			return &thread->memo[i];
	return NULL;
}

/* The one of the same stack, armed or not yet, or the one that is to be given up for it. */
static uint32_t memo_for(struct thread *thread, struct site site, uint64_t hash)
{
	uint32_t set = memo_set(site);

	for (uint32_t i = set; i < set + MEMO_WAYS; i++)
		if (is_key(&thread->memo_key[i], site) && thread->memo[i].hash == hash)
			return i;
	return set + thread->next_memo++ % MEMO_WAYS;
}

static bool same_frames(const struct memo *memo, const struct walk *walk, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (memo->frames[i].address != walk->addresses[i])
			return false;
	return count == walk->count;
}

/*
 * A memo is armed when a site comes with the same stack for the second time: finding the places
 * takes microseconds, which would be wasted on a site that comes but once.
 */
static void learn(struct thread *thread, struct site site, const struct walk *walk, uint64_t hash,
		  uint64_t script, uint64_t position, uint32_t before)
{
	uint32_t index = memo_for(thread, site, hash), count;
	struct memo_key *key = &thread->memo_key[index];
	struct memo *memo = &thread->memo[index];
	bool again = is_key(key, site) && memo->hash == hash;

	memo->count = 0;
	*key = (struct memo_key){ site.frame, site.caller };
	memo->hash = hash;
	if (!again || walk->failed)
		return;
	count = unwind_places(thread, site.caller, memo->frames, walk->count);
	if (same_frames(memo, walk, count)) {
		memo->script = script;
		memo->position = position;
		memo->unloads = before;
		memo->pointers = any_pointers(memo->frames, count);
		memo->count = count;
	}
}

/* ---- On a stack of our own */

struct capture {
	struct thread *thread;
	struct site site;
	uint64_t script;
	uint64_t position;
};

/*
 * A signal handler that walked as well, for us or for the host, would find libunwind and the memos
 * in the middle of something. So none runs until it is over; that takes microseconds, and seldom
 * happens.
 */
static uint64_t run_with_room(void (*work)(void *capture), struct thread *thread, struct site site,
			      uint64_t script)
{
	struct capture capture = { .thread = thread, .site = site, .script = script };
	uint64_t signals = signals_block();
	int error = errno;

	if (unlikely(signals == SIGNALS_NOT_BLOCKED)) {
		work(&capture); /* a handler may come, and would take the same room */
	} else if (likely(!atomic_exchange(&thread->walk_stack_taken, true))) {
		unwind_with_room(thread, work, &capture);
		atomic_store(&thread->walk_stack_taken, false);
	} else {
		recorder_count(&recorder.session->lost_stacks);
	}
	errno = error;
	signals_restore(signals);
	return capture.position;
}

static void capture_anew(void *argument)
{
	struct capture *capture = argument;
	struct walk walk;
	uint32_t before = unloads_now();
	uint64_t hash;

	take_walk(capture->thread, capture->site, &walk);
	hash = hash_addresses(walk.addresses, walk.count) ^ capture->script;
	capture->position = position_of(&walk, hash);
	if (may_ask()) /* no memo of better days is given up for what could not be walked */
		learn(capture->thread, capture->site, &walk, hash, capture->script,
		      capture->position, before);
}

static void capture_slow(void *argument)
{
	struct capture *capture = argument;
	struct walk walk;

	take_walk(capture->thread, capture->site, &walk);
	capture->position = announce(&walk, true);
}

reference stack_capture(struct thread *thread, struct site site)
{
	uint64_t script = python_hash(recorder.stack_depth);
	const struct memo *memo = memo_find(thread, site, script);

	if (likely(memo) && likely(emit_is_fresh(memo->position)) &&
	    likely(memo->unloads == unloads_now()))
		return (reference)memo->position;
	if (!recorder.stack_depth)
		return 0;
	if (!unwind_usable()) {
		recorder_count(&recorder.session->lost_stacks);
		return 0;
	}
	return (reference)run_with_room(capture_anew, thread, site, script);
}

reference stack_announce_slow(struct thread *thread, struct site site)
{
	if (!recorder.stack_depth || !unwind_usable() || !may_ask())
		return 0;
	return (reference)run_with_room(capture_slow, thread, site, 0);
}
