/* SPDX-License-Identifier: MIT */
/* What the JSON report says of its own part of the trace, and the lines that stand for several. */
#include <stdlib.h>

#include "analyzer/base/path_pattern.h"
#include "analyzer/render/json_parts.h"

static struct json_object *moment_object(const struct json *json, const struct moment *moment)
{
	char text[UNITS_ROOM];

	(void)json;
	if (!moment->given)
		return NULL;
	if (moment->wall)
		return json_object_new_string(units_iso(text, moment->ns));
	return number((uint64_t)moment->ns);
}

/* null: all of it. */
struct json_object *json_filter(struct json *json)
{
	const struct report_filter *filter = json->report->filter;
	struct json_object *object;

	if (!filter || !(filter->path || filter->pid || filter->since.given || filter->until.given))
		return NULL;
	object = json_object_new_object();
	set(object, "path", filter->path ? json_bytes(filter->path) : NULL);
	set(object, "pid", filter->pid ? json_object_new_int(filter->pid) : NULL);
	set(object, "since", moment_object(json, &filter->since));
	set(object, "until", moment_object(json, &filter->until));
	return object;
}

static struct json_object *folded_path(struct json *json, uint32_t file, bool several)
{
	const char *path = file < json->catalog->file_count ? json->catalog->files[file].path : "";
	char *folded = several ? fold_path(path) : NULL;
	struct json_object *text = json_bytes(folded ? folded : path);

	free(folded);
	return text;
}

static struct json_object *members_list(const struct json *json, uint32_t fold)
{
	struct json_object *list = json_object_new_array();

	for (uint32_t i = 0; i < json->report->resource_count; i++)
		if (json->report->resources[i].fold == fold + 1)
			json_object_array_add(list, number(i));
	return list;
}

static void set_fold(struct json_object *object, struct json *json,
		     const struct report_group *group, uint32_t index)
{
	const struct resource *counts = &group->counts;

	set(object, "path", folded_path(json, counts->file, group->files > 1));
	set(object, "files", number(group->files));
	set(object, "ranges", number(group->ranges));
	set(object, "start", number(counts->start));
	set(object, "end", offset_of(counts->end));
	set(object, "resources", members_list(json, index));
}

static void set_user(struct json_object *object, struct json *json,
		     const struct report_group *group)
{
	const struct catalog *catalog = json->catalog;
	const struct process_info *process = group->process < catalog->process_count
						     ? &catalog->processes[group->process]
						     : NULL;
	bool one = json->report->by == BY_PROCESS;

	set(object, "site", index_of(group->stack));
	set(object, "process", process && one ? number(process->id) : NULL);
	set(object, "pid", process && one ? json_object_new_int(process->pid) : NULL);
	set(object, "command", process ? json_bytes(process->command) : NULL);
	set(object, "processes", process ? number(group->members) : NULL);
}

struct json_object *json_group(struct json *json, uint32_t index)
{
	const struct report *report = json->report;
	bool fold = report->by == BY_RESOURCE;
	const struct report_group *group = fold ? &report->folds[index] : &report->groups[index];
	const struct resource *counts = &group->counts;
	struct json_object *object = json_object_new_object();

	set(object, "by", json_object_new_string(view_by_name(report->by)));
	if (fold)
		set_fold(object, json, group, index);
	else
		set_user(object, json, group);
	set(object, "calls", json_calls(json, counts->ops));
	set(object, "acquisitions", number(counts->acquisitions));
	set(object, "contended", number(counts->contended));
	set(object, "waits_at_most", number(counts->waits_at_most));
	set(object, "failed_tries", number(counts->failed_tries));
	set(object, "errors", number(counts->errors));
	set(object, "wait_ns", json_distribution(&counts->wait));
	set(object, "hold_ns", json_distribution(&counts->hold));
	return object;
}
