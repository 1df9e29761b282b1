/* SPDX-License-Identifier: MIT */
/* The waits of the JSON report, each with its holders. */
#include "analyzer/render/json_parts.h"

static const char *outcome_name(enum outcome outcome)
{
	switch (outcome) {
	case OUTCOME_GRANTED:
		return "granted";
	case OUTCOME_FAILED:
		return "failed";
	case OUTCOME_ABANDONED:
		return "abandoned";
	case OUTCOME_DIED:
		return "died";
	case OUTCOME_WAITING:
		break;
	}
	return "waiting";
}

/* null: the holder itself. */
static struct json_object *taker_object(const struct json *json, uint32_t taker)
{
	struct json_object *object;

	if (taker == NONE)
		return NULL;
	object = json_object_new_object();
	set_who(object, json, taker, 0);
	return object;
}

/* null: it has passed nothing on. */
static struct json_object *passed_object(const struct json *json,
					 const struct report_holder *holder)
{
	const struct catalog *catalog = json->catalog;
	struct json_object *object, *root;

	if (!holder->passed_on)
		return NULL;
	object = json_object_new_object();
	root = json_object_new_object();
	set_who(root, json, holder->root_process, holder->root_tid);
	set(root, "site", index_of(holder->root_stack));
	set(object, "ns", number(holder->passed_on));
	set(object, "path",
	    holder->passed_file < catalog->file_count
		    ? json_bytes(catalog->files[holder->passed_file].path)
		    : NULL);
	set(object, "world",
	    json_object_new_string(holder->passed_world == FLOCK_LOCKS ? "flock" : "record"));
	json_set_range(object, json, holder->passed_file, holder->passed_world,
		       holder->passed_start, holder->passed_end);
	set(object, "root", root);
	return object;
}

static struct json_object *holder_object(const struct json *json, const struct report_wait *wait,
					 const struct report_holder *holder)
{
	struct json_object *object = json_object_new_object();

	set_who(object, json, holder->process, holder->tid);
	set(object, "mode", json_object_new_string(phrase_mode(holder->mode)));
	set(object, "start", number(holder->start));
	set(object, "end", offset_of(holder->end));
	set(object, "name",
	    json_range_name(json, wait->file, wait->world, holder->start, holder->end));
	set(object, "overlap_ns", number(holder->overlap));
	set(object, "still_held", json_object_new_boolean(holder->still_held));
	set(object, "traced", json_object_new_boolean(true));
	set(object, "acquired_by", taker_object(json, holder->taker));
	set(object, "waited_itself", passed_object(json, holder));
	set(object, "looks", number(holder->doing ? holder->doing->looks : 0));
	set(object, "doing", json_doing(holder->doing));
	set(object, "site", index_of(holder->stack));
	return object;
}

/* The time without a known holder belongs to somebody too. */
static struct json_object *unknown_holder(const struct json *json, const struct report_wait *wait)
{
	struct json_object *object = json_object_new_object();

	set_who(object, json, NONE, 0);
	set(object, "mode", NULL);
	set(object, "start", NULL);
	set(object, "end", NULL);
	set(object, "name", NULL);
	set(object, "overlap_ns", number(wait->parts.unknown));
	set(object, "still_held", NULL);
	set(object, "traced", json_object_new_boolean(false));
	set(object, "acquired_by", NULL);
	set(object, "waited_itself", NULL);
	set(object, "looks", number(0));
	set(object, "doing", json_doing(NULL));
	set(object, "site", NULL);
	return object;
}

/* null: it did not poll, or nobody knows when the lock was free. */
static struct json_object *tax_of(const struct report_wait *wait)
{
	return wait->wasted && wait->holder_count ? number(wait->free) : NULL;
}

struct json_object *json_wait(struct json *json, uint32_t index)
{
	const struct report_wait *wait = &json->report->waits[index];
	struct json_object *object = json_object_new_object();
	struct json_object *holders = json_object_new_array();

	for (uint32_t i = 0; i < wait->holder_count; i++)
		json_object_array_add(holders, holder_object(json, wait, &wait->holders[i]));
	if (wait->holder_unknown)
		json_object_array_add(holders, unknown_holder(json, wait));
	set_who(object, json, wait->process, wait->tid);
	set(object, "resource", number(wait->resource));
	set(object, "call", json_object_new_string(phrase_call(&json->scratch, wait->op)));
	set(object, "mode", json_object_new_string(phrase_mode(wait->mode)));
	set(object, "start", number(wait->start));
	set(object, "end", offset_of(wait->end));
	set(object, "name", json_range_name(json, wait->file, wait->world, wait->start, wait->end));
	set(object, "kind", json_object_new_string(wait->poll ? "poll" : "blocked"));
	set(object, "attempts", number(wait->tries));
	set(object, "wasted_calls", number(wait->wasted));
	set(object, "polling_tax_ns", tax_of(wait));
	set(object, "begin", iso(json, wait->begin));
	set(object, "wait_ns", number(wait->duration));
	set(object, "wait_parts_ns", json_wait_parts(&wait->parts));
	set(object, "at_most", json_object_new_boolean(wait->at_most));
	set(object, "outcome",
	    json_object_new_string(wait->gave_up ? "gave_up" : outcome_name(wait->outcome)));
	set(object, "error", json_error(json, wait->outcome == OUTCOME_FAILED ? wait->error : 0));
	set(object, "site", index_of(wait->stack));
	set(object, "holders", holders);
	set(object, "holds_omitted", number(wait->holds_omitted));
	return object;
}
