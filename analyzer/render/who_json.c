/* SPDX-License-Identifier: MIT */
/* Schema 1, an interface: keys may be added, none changes its meaning. */
#include <inttypes.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "analyzer/base/units.h"
#include "analyzer/render/json_text.h"
#include "analyzer/render/who.h"
#include "analyzer/symbols/native_stack.h"

static void set(struct json_object *object, const char *key, struct json_object *value)
{
	json_object_object_add(object, key, value);
}

static struct json_object *number(uint64_t value)
{
	return json_object_new_uint64(value);
}

static struct json_object *boolean(bool value)
{
	return json_object_new_boolean(value);
}

static struct json_object *text_or_null(const char *text)
{
	return text ? json_bytes(text) : NULL;
}

static void set_lock(struct json_object *object, const struct now *now,
		     const struct kernel_lock *lock, uint32_t file, bool range_known)
{
	const struct now_file *at = &now->files.items[file];
	char text[64];

	set(object, "path", text_or_null(at->path));
	set(object, "deleted", at->path ? boolean(at->deleted) : NULL);
	snprintf(text, sizeof(text), "%u:%u", major(at->device), minor(at->device));
	set(object, "device", json_object_new_string(text));
	snprintf(text, sizeof(text), "%" PRIu64, at->inode);
	set(object, "inode", json_object_new_string(text));
	set(object, "kind", json_object_new_string(lock_kind_name(lock->kind)));
	set(object, "mode",
	    json_object_new_string(lock->unlocks  ? "none"
				   : lock->shared ? "shared"
						  : "exclusive"));
	set(object, "start", range_known ? number(lock->start) : NULL);
	set(object, "end", range_known && lock->end < LOCK_TO_EOF ? number(lock->end) : NULL);
}

static void set_process(struct json_object *object, const struct now *now, pid_t pid)
{
	const struct now_process *process = now_process(now, pid);
	struct scratch scratch = { 0 };

	set(object, "pid", pid > 0 ? json_object_new_int(pid) : NULL);
	set(object, "command", text_or_null(process ? process->command : NULL));
	set(object, "state", process ? json_bytes(who_state(&scratch, process)) : NULL);
	set(object, "age_ns", process && process->alive ? number(process->age) : NULL);
	set(object, "unit", text_or_null(process ? process->unit : NULL));
	scratch_free(&scratch);
}

/* null: not to be had. */
static struct json_object *stack_of(pid_t pid, pid_t tid)
{
	struct native_stack stack;
	struct json_object *list = NULL;

	if (!native_stack_read(&stack, pid, tid)) {
		list = json_object_new_array();
		for (uint32_t i = 0; i < stack.frames.count; i++)
			json_object_array_add(list, json_bytes(stack.frames.items[i]));
	}
	native_stack_free(&stack);
	return list;
}

static struct json_object *hold_object(const struct now *now, uint32_t index,
				       const struct who_options *options)
{
	const struct now_hold *hold = &now->holds.items[index];
	struct json_object *object = json_object_new_object(), *list = json_object_new_array();

	set(object, "id", number(index));
	set_lock(object, now, &hold->lock, hold->file, true);
	set(object, "breaking", boolean(hold->lock.breaking));
	set(object, "listed", boolean(hold->listed));
	set(object, "taker", hold->lock.pid > 0 ? json_object_new_int64(hold->lock.pid) : NULL);
	set(object, "taker_is_dead", boolean(now_taker_is_dead(now, hold)));
	for (uint32_t i = 0; i < hold->sharers.count; i++) {
		const struct now_sharer *sharer = &hold->sharers.items[i];
		struct json_object *one = json_object_new_object();

		set_process(one, now, sharer->pid);
		set(one, "fd", json_object_new_int(sharer->fd));
		if (options->stacks)
			set(one, "stack", stack_of(sharer->pid, sharer->pid));
		json_object_array_add(list, one);
	}
	set(object, "holders", list);
	return object;
}

static struct json_object *wait_object(const struct now *now, uint32_t index,
				       const struct who_options *options)
{
	const struct now_wait *wait = &now->waits.items[index];
	struct json_object *object = json_object_new_object(), *list = json_object_new_array();

	set(object, "id", number(index));
	set_lock(object, now, &wait->lock, wait->file, wait->range_known);
	set(object, "range_known", boolean(wait->range_known));
	set(object, "listed", boolean(wait->listed));
	set_process(object, now, wait->pid);
	set(object, "tid", wait->tid ? json_object_new_int(wait->tid) : NULL);
	set(object, "fd", wait->tid ? json_object_new_int(wait->fd) : NULL);
	set(object, "asleep_ns", wait->asleep ? number(wait->asleep) : NULL);
	for (uint32_t i = 0; i < wait->blockers.count; i++)
		json_object_array_add(list, number(wait->blockers.items[i]));
	set(object, "blocked_by", list);
	if (options->stacks)
		set(object, "stack", wait->tid ? stack_of(wait->pid, wait->tid) : NULL);
	return object;
}

static struct json_object *circle_object(const struct now *now, uint32_t index,
					 const struct who_options *options)
{
	const struct now_circle *circle = &now->circles.items[index];
	struct json_object *object = json_object_new_object(), *list = json_object_new_array();

	(void)options;
	set(object, "verdict",
	    json_object_new_string(circle->until_timeout ? "until-timeout"
				   : circle->others	 ? "likely"
							 : "deadlock"));
	set(object, "cycle", number(circle->cycle));
	for (uint32_t i = 0; i < circle->members.count; i++) {
		const struct now_member *member = &circle->members.items[i];
		struct json_object *one = json_object_new_object();

		set(one, "pid", json_object_new_int(member->pid));
		set(one, "tid", json_object_new_int(member->tid));
		set(one, "wait", member->wait == NOT_KNOWN ? NULL : number(member->wait));
		set(one, "waits_for",
		    json_object_new_string(member->wait != NOT_KNOWN ? "lock"
					   : member->pipe	     ? "pipe"
								     : "child"));
		json_object_array_add(list, one);
	}
	set(object, "members", list);
	return object;
}

typedef struct json_object *(*element)(const struct now *now, uint32_t index,
				       const struct who_options *options);

static void write_list(FILE *out, const char *name, const struct now *now, uint32_t count,
		       element make, const struct who_options *options)
{
	fprintf(out, "\"%s\": [", name);
	for (uint32_t i = 0; i < count; i++) {
		struct json_object *object = make(now, i, options);

		fprintf(out, "%s\n  %s", i ? "," : "",
			json_object_to_json_string_ext(object, JSON_C_TO_STRING_NOSLASHESCAPE));
		json_object_put(object);
	}
	fprintf(out, "%s]", count ? "\n" : "");
}

void who_json(FILE *out, const struct now *now, const struct who_options *options)
{
	char time[UNITS_ROOM];

	fprintf(out,
		"{\"schema\": 1,\n\"time\": \"%s\",\n\"processes_looked_at\": %u,\n"
		"\"processes_not_looked_at\": %u,\n",
		units_iso(time, now->wall), now->looked_at, now->hidden);
	write_list(out, "locks", now, now->holds.count, hold_object, options);
	fputs(",\n", out);
	write_list(out, "waits", now, now->waits.count, wait_object, options);
	fputs(",\n", out);
	write_list(out, "deadlocks", now, now->circles.count, circle_object, options);
	fputs("}\n", out);
}
