/* SPDX-License-Identifier: MIT */
/* The findings of the JSON report. */
#include "analyzer/render/json_parts.h"

static struct json_object *side_object(const struct json *json, const char *role,
				       const struct finding_side *side)
{
	struct json_object *object = json_object_new_object();

	set(object, "role", json_object_new_string(role));
	set_who(object, json, side->process, side->tid);
	set(object, "time", iso(json, side->time));
	set(object, "site", index_of(side->stack));
	return object;
}

static struct json_object *sides_list(const struct json *json, const struct finding *finding)
{
	const struct finding_kind *kind = &finding_kinds[finding->id];
	struct json_object *list = json_object_new_array();

	for (unsigned i = 0; i < FINDING_SIDES; i++)
		if (*kind->roles[i] && finding->sides[i].process != NONE)
			json_object_array_add(
				list, side_object(json, kind->roles[i], &finding->sides[i]));
	return list;
}

/* Ids of the file's resources in that world. */
static struct json_object *resource_list(const struct json *json, const struct finding *finding)
{
	struct json_object *list = json_object_new_array();

	for (uint32_t i = 0; i < json->report->resource_count; i++)
		if (json->report->resources[i].file == finding->file &&
		    json->report->resources[i].world == finding->world)
			json_object_array_add(list, number(i));
	return list;
}

struct json_object *json_finding(struct json *json, uint32_t index)
{
	const struct finding *finding = &json->findings->items[index];
	const struct finding_kind *kind = &finding_kinds[finding->id];
	struct json_object *object = json_object_new_object();

	set(object, "id", json_object_new_string(kind->name));
	set(object, "severity", json_object_new_string(severity_name(kind->severity)));
	set(object, "message",
	    json_object_new_string(
		    phrase_finding(&json->scratch, json->catalog, json->names, finding, NULL)));
	set(object, "remedy", json_object_new_string(kind->remedy));
	set(object, "count", number(finding->count));
	json_set_file(object, json, finding->file);
	json_set_range(object, json, finding->file, finding->world, finding->start, finding->end);
	set(object, "resources", resource_list(json, finding));
	set(object, "number", finding->number ? number(finding->number) : NULL);
	set(object, "duration_ns", finding->duration ? number(finding->duration) : NULL);
	set(object, "unrecorded_holder",
	    finding->outsider ? json_object_new_int(finding->outsider) : NULL);
	set(object, "site", index_of(finding->sides[0].stack));
	set(object, "sides", sides_list(json, finding));
	return object;
}

struct json_object *json_suppressed(const struct json *json)
{
	struct json_object *object, *ids;

	if (!json->findings || !json->findings->suppressed)
		return NULL;
	object = json_object_new_object();
	ids = json_object_new_object();
	for (unsigned i = 0; i < FINDINGS; i++)
		if (json->findings->suppressed_of[i])
			set(ids, finding_kinds[i].name, number(json->findings->suppressed_of[i]));
	set(object, "by", json_bytes(json->findings->suppressed_by));
	set(object, "findings", number(json->findings->suppressed));
	set(object, "ids", ids);
	return object;
}
