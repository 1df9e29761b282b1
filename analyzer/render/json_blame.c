/* SPDX-License-Identifier: MIT */
/* Who made whom wait, in the JSON report: directly, at the end of chains, by process. */
#include "analyzer/render/json_parts.h"

static struct json_object *blame_row(const struct json *json, const struct blame *blame)
{
	struct json_object *object = json_object_new_object();

	set(object, "waiter_site", index_of(blame->waiter_stack));
	set(object, "holder_site", index_of(blame->holder_stack));
	set(object, "holder_known", json_object_new_boolean(blame->holder_process != NONE));
	set(object, "holder_pid",
	    blame->holder_process < json->catalog->process_count
		    ? json_object_new_int(json->catalog->processes[blame->holder_process].pid)
		    : NULL);
	set(object, "resource", number(blame->resource));
	set(object, "exclusive_ns", number(blame->exclusive));
	set(object, "inclusive_ns", number(blame->inclusive));
	set(object, "hand_off_ns", number(blame->hand_off));
	set(object, "at_most_ns", number(blame->at_most));
	set(object, "waits", number(blame->waits));
	return object;
}

struct json_object *json_blame(struct json *json, uint32_t index)
{
	return blame_row(json, &json->report->blame[index]);
}

struct json_object *json_root_blame(struct json *json, uint32_t index)
{
	const struct blame *root = &json->report->roots[index];
	const struct catalog *catalog = json->catalog;
	struct json_object *object = blame_row(json, root);

	set(object, "held_path",
	    root->holder_file < catalog->file_count
		    ? json_bytes(catalog->files[root->holder_file].path)
		    : NULL);
	return object;
}

struct json_object *json_process_blame(struct json *json, uint32_t index)
{
	const struct process_blame *one = &json->report->processes[index];
	struct json_object *object = json_object_new_object();

	set_who(object, json, one->process, 0);
	set(object, "waits", number(one->waits));
	set(object, "wait_ns", number(one->waited));
	set(object, "exclusive_ns", number(one->exclusive));
	set(object, "root_ns", number(one->root));
	return object;
}
