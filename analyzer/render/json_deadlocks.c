/* SPDX-License-Identifier: MIT */
/* The deadlocks of the JSON report. */
#include "analyzer/render/json_parts.h"

static void set_lock(struct json_object *object, enum world world, enum mode mode, uint64_t start,
		     uint64_t end)
{
	set(object, "world", json_object_new_string(world == FLOCK_LOCKS ? "flock" : "record"));
	set(object, "mode", json_object_new_string(phrase_mode(mode)));
	set(object, "start", number(start));
	set(object, "end", offset_of(end));
}

static struct json_object *hold_object(struct json *json, const struct hold *hold)
{
	struct json_object *object = json_object_new_object(), *taker = json_object_new_object();

	json_set_file(object, json, hold->file);
	set_lock(object, hold->world, hold->mode, hold->start, hold->end);
	set(object, "since", iso(json, hold->granted));
	set_who(taker, json, hold->process, hold->tid);
	set(object, "acquired_by", taker);
	set(object, "site", index_of(hold->stack));
	return object;
}

static struct json_object *wanted_object(struct json *json, const struct deadlock_member *member)
{
	struct json_object *object = json_object_new_object();

	static const char *const kinds[] = {
		[WAITS_FOR_LOCK] = "lock",
		[WAITS_FOR_CHILD] = "child",
		[WAITS_FOR_PIPE] = "pipe",
	};

	set(object, "kind", json_object_new_string(kinds[member->waits_for]));
	set(object, "since", iso(json, member->since));
	if (member->waits_for != WAITS_FOR_LOCK) {
		set(object, "pid",
		    member->other < json->catalog->process_count
			    ? json_object_new_int(json->catalog->processes[member->other].pid)
			    : NULL);
		return object;
	}
	json_set_file(object, json, member->file);
	set_lock(object, member->world, member->mode, member->start, member->end);
	set(object, "call", json_object_new_string(phrase_call(&json->scratch, member->op)));
	set(object, "tries", json_object_new_boolean(member->tries));
	return object;
}

static struct json_object *member_object(struct json *json, const struct deadlock_member *member)
{
	struct json_object *object = json_object_new_object(), *holds = json_object_new_array();

	for (uint32_t i = 0; i < member->hold_count; i++)
		json_object_array_add(holds, hold_object(json, &member->holds[i]));
	set_who(object, json, member->process, member->tid);
	set(object, "behind", json_object_new_boolean(member->behind));
	set(object, "holds", holds);
	set(object, "waits_for", wanted_object(json, member));
	set(object, "site", index_of(member->stack));
	return object;
}

static const char *reason(const struct deadlock *deadlock)
{
	switch (deadlock->doubt) {
	case DOUBT_NONE:
		break;
	case DOUBT_UNSEEN:
		return "a thread that made no recorded call could release a lock";
	case DOUBT_SHARERS:
		return "a recorded thread that does not wait could release a lock";
	}
	return NULL;
}

static struct json_object *end_object(struct json *json, const struct deadlock *deadlock)
{
	static const char *const names[] = {
		[DEADLOCK_LASTS] = "lasts",
		[DEADLOCK_DIED] = "died",
		[DEADLOCK_INTERRUPTED] = "interrupted",
		[DEADLOCK_WENT_ON] = "went on",
	};
	struct json_object *object = json_object_new_object();

	set(object, "how", json_object_new_string(names[deadlock->how]));
	set(object, "time", iso(json, deadlock->until));
	set(object, "at_most", json_object_new_boolean(deadlock->at_most));
	set_who(object, json, deadlock->breaker, deadlock->breaker_tid);
	set(object, "error",
	    deadlock->error ? json_object_new_string(phrase_error(&json->scratch, deadlock->error))
			    : NULL);
	return object;
}

/* Whom EDEADLK or the timer's signal reaches, and when; NULL: nobody, or not known. */
static struct json_object *ends_object(struct json *json, const struct deadlock *deadlock)
{
	const struct deadlock_member *member;
	struct json_object *object, *opener = NULL;

	if (deadlock->ends == NONE)
		return NULL;
	member = &deadlock->members[deadlock->ends];
	object = json_object_new_object();
	if (deadlock->opener != NONE) {
		opener = json_object_new_object();
		set_who(opener, json, deadlock->opener, deadlock->opener_tid);
	}
	set_who(object, json, member->process, member->tid);
	set(object, "call",
	    deadlock->timer ? NULL
			    : json_object_new_string(phrase_call(&json->scratch, member->op)));
	set(object, "after", opener);
	set(object, "time", deadlock->timer ? iso(json, deadlock->timer) : NULL);
	return object;
}

struct json_object *json_deadlock(struct json *json, uint32_t index)
{
	const struct deadlock *deadlock = &json->deadlocks->items[index];
	struct json_object *object = json_object_new_object(), *members = json_object_new_array();
	const char *why = reason(deadlock);

	for (uint32_t i = 0; i < deadlock->member_count; i++)
		json_object_array_add(members, member_object(json, &deadlock->members[i]));
	set(object, "verdict", json_object_new_string(verdict_name(deadlock->verdict)));
	set(object, "reason", why ? json_object_new_string(why) : NULL);
	set(object, "consequence", json_object_new_string(consequence_name(deadlock->consequence)));
	set(object, "reaches", ends_object(json, deadlock));
	set(object, "since", iso(json, deadlock->since));
	set(object, "duration_ns", number(deadlock->until - deadlock->since));
	set(object, "end", end_object(json, deadlock));
	set(object, "cycle", number(deadlock->cycle));
	set(object, "members", members);
	return object;
}

struct json_object *json_refusal(struct json *json, uint32_t index)
{
	const struct deadlock *refused = &json->deadlocks->refused[index];
	struct json_object *object = json_object_new_object(), *members = json_object_new_array();
	struct json_object *releaser = NULL;

	if (refused->doubt == DOUBT_SHARERS && refused->sharer != NONE) {
		releaser = json_object_new_object();
		set_who(releaser, json, refused->sharer, refused->sharer_tid);
	}
	for (uint32_t i = 0; i < refused->knot; i++)
		json_object_array_add(members, member_object(json, &refused->members[i]));
	set(object, "time", iso(json, refused->until));
	set(object, "spurious", json_object_new_boolean(refused->spurious));
	set(object, "releaser", releaser);
	set(object, "members", members);
	return object;
}
