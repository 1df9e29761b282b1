/* SPDX-License-Identifier: MIT */
/* The ioctl requests of the JSON report. */
#include "analyzer/render/ioctl_names.h"
#include "analyzer/render/json_parts.h"

/* null: none came back. */
static struct json_object *slowest_object(const struct json *json, const struct report_ioctl *one)
{
	struct json_object *object;

	if (!one->calls)
		return NULL;
	object = json_object_new_object();
	set_who(object, json, one->process, one->tid);
	set(object, "begin", iso(json, one->slowest));
	set(object, "site", index_of(one->stack));
	return object;
}

struct json_object *json_ioctl(struct json *json, uint32_t index)
{
	const struct report_ioctl *one = &json->report->ioctls[index];
	const char *name = one->others ? NULL : ioctl_name(one->request);
	struct json_object *object = json_object_new_object();

	set(object, "request", one->others ? NULL : number(one->request));
	set(object, "name", name ? json_object_new_string(name) : NULL);
	set(object, "other_requests", json_object_new_boolean(one->others));
	set(object, "excludes", json_object_new_boolean(name && ioctl_excludes(one->request)));
	json_set_file(object, json, one->file);
	set(object, "calls", number(one->calls));
	set(object, "errors", number(one->errors));
	set(object, "unfinished", number(one->unfinished));
	set(object, "time_ns", json_distribution(&one->time));
	set(object, "slowest", slowest_object(json, one));
	return object;
}
