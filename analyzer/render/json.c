/* SPDX-License-Identifier: MIT */
/*
 * The report as JSON, schema 1: an interface. Keys may be added, none changes its meaning. Each
 * element of a list is built, written on a line of its own and freed, so that a million waits need
 * no memory.
 */
#include <sys/wait.h>

#include "analyzer/render/json_parts.h"

static struct json_object *run_object(const struct json *json)
{
	const struct catalog *catalog = json->catalog;
	struct json_object *run = json_object_new_object();
	int status = catalog->run.status;

	set(run, "version", json_bytes(catalog->run.tool));
	set(run, "command", json_bytes(catalog->run.command));
	set(run, "start",
	    iso(json, catalog->run.begin ? catalog->run.begin : catalog->quality.first_time));
	set(run, "end", catalog->run.end ? iso(json, catalog->run.end) : NULL);
	set(run, "status",
	    status != -1 && WIFEXITED(status) ? json_object_new_int(WEXITSTATUS(status)) : NULL);
	set(run, "signal",
	    status != -1 && WIFSIGNALED(status) ? json_object_new_int(WTERMSIG(status)) : NULL);
	set(run, "live", json_object_new_boolean(catalog->run.live));
	return run;
}

static struct json_object *process_object(struct json *json, uint32_t index)
{
	const struct process_info *info = &json->catalog->processes[index];
	struct json_object *object = json_object_new_object();

	set(object, "id", number(info->id));
	set(object, "pid", json_object_new_int(info->pid));
	set(object, "ppid", json_object_new_int(info->ppid));
	set(object, "command", json_bytes(info->command));
	set(object, "exe", json_bytes(info->exe));
	set(object, "arguments", *info->arguments ? json_bytes(info->arguments) : NULL);
	return object;
}

static struct json_object *site_object(struct json *json, uint32_t index)
{
	struct site site = site_of(json->catalog, json->symbols, index);
	struct json_object *object = json_object_new_object();
	struct json_object *frames = json_object_new_array();

	for (uint32_t i = 0; i < site.frames.count; i++)
		json_object_array_add(
			frames, json_bytes(json_frame(&json->scratch, &site.frames.items[i])));
	set(object, "id", number(index));
	set(object, "frames", frames);
	set(object, "truncated", json_object_new_boolean(site.truncated));
	site_free(&site);
	return object;
}

/* null: there was none. */
static struct json_object *convoy_object(const struct json *json, const struct resource *resource)
{
	struct json_object *object;

	if (!resource->convoy_waits)
		return NULL;
	object = json_object_new_object();
	set(object, "waits", number(resource->convoy_waits));
	set(object, "begin", iso(json, resource->convoy_begin));
	set(object, "ns", number(resource->convoy));
	return object;
}

static struct json_object *resource_object(struct json *json, uint32_t index)
{
	const struct resource *resource = &json->report->resources[index];
	struct json_object *object = json_object_new_object();

	set(object, "id", number(index));
	json_set_file(object, json, resource->file);
	set(object, "world",
	    json_object_new_string(resource->world == FLOCK_LOCKS ? "flock" : "record"));
	set(object, "start", number(resource->start));
	set(object, "end", offset_of(resource->end));
	set(object, "other_ranges", json_object_new_boolean(resource->folded));
	set(object, "name",
	    json_range_name(json, resource->file, resource->world, resource->start, resource->end));
	set(object, "calls", json_calls(json, resource->ops));
	set(object, "acquisitions", number(resource->acquisitions));
	set(object, "contended", number(resource->contended));
	set(object, "waits_at_most", number(resource->waits_at_most));
	set(object, "failed_tries", number(resource->failed_tries));
	set(object, "errors", number(resource->errors));
	set(object, "held_by_anybody_ns", number(resource->busy));
	set(object, "longest_queue", number(resource->queue_max));
	set(object, "owners", number(resource->owners));
	set(object, "more_owners", json_object_new_boolean(resource->owners_omitted));
	set(object, "hand_overs", number(resource->hand_overs));
	set(object, "most_overtaken", number(resource->overtaken_max));
	set(object, "starved_waits", number(resource->starved));
	set(object, "longest_convoy", convoy_object(json, resource));
	set(object, "holds_with_waits", number(resource->nested));
	set(object, "waited_while_held_ns", number(resource->nested_waits));
	set(object, "busy_per_mille", number(busy_share(json->report, resource)));
	set(object, "contended_per_mille", number(contended_share(resource)));
	set(object, "wait_ns", json_distribution(&resource->wait));
	set(object, "wait_parts_ns", json_wait_parts(&resource->parts));
	set(object, "hold_ns", json_distribution(&resource->hold));
	set(object, "looks", number(resource->doing ? resource->doing->looks : 0));
	set(object, "doing", json_doing(resource->doing));
	return object;
}

static struct json_object *error_object(struct json *json, uint32_t index)
{
	const struct report_error *error = &json->report->errors[index];
	struct json_object *object = json_object_new_object();

	set(object, "call", json_object_new_string(phrase_call(&json->scratch, error->op)));
	set(object, "error", json_error(json, error->error));
	set(object, "errno", json_object_new_int(error->error));
	set(object, "path",
	    error->file < json->catalog->file_count
		    ? json_bytes(json->catalog->files[error->file].path)
		    : NULL);
	json_set_range(object, json, error->file, error->world, error->start, error->end);
	set(object, "count", number(error->count));
	set(object, "site", index_of(error->stack));
	return object;
}

static void write_object(struct json *json, struct json_object *object)
{
	fputs(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN |
							     JSON_C_TO_STRING_NOSLASHESCAPE),
	      json->out);
	json_object_put(object);
	scratch_reset(&json->scratch);
}

static void write_member(struct json *json, const char *key, struct json_object *object)
{
	fprintf(json->out, "\"%s\": ", key);
	write_object(json, object);
	fputs(",\n", json->out);
}

/* wanted: NULL: all; else which of the indexes. after: what follows the list. */
static void write_elements(struct json *json, const char *key, uint32_t count, const bool *wanted,
			   struct json_object *(*element)(struct json *json, uint32_t index),
			   const char *after)
{
	bool first = true;

	fprintf(json->out, "\"%s\": [", key);
	for (uint32_t i = 0; i < count; i++) {
		if (wanted && !wanted[i])
			continue;
		fputs(first ? "\n" : ",\n", json->out);
		write_object(json, element(json, i));
		first = false;
	}
	fprintf(json->out, "%s]%s\n", first ? "" : "\n", after);
}

static void write_list(struct json *json, const char *key, uint32_t count, const bool *wanted,
		       struct json_object *(*element)(struct json *json, uint32_t index))
{
	write_elements(json, key, count, wanted, element, ",");
}

static void use_deadlock(bool *used, uint32_t count, const struct deadlock *deadlock)
{
	for (uint32_t i = 0; i < deadlock->member_count; i++) {
		const struct deadlock_member *member = &deadlock->members[i];

		used[member->stack < count ? member->stack : count] = true;
		for (uint32_t j = 0; j < member->hold_count; j++)
			used[member->holds[j].stack < count ? member->holds[j].stack : count] =
				true;
	}
}

/* Only stacks that something in the report points at. */
static bool *sites_used(const struct report *report, const struct findings *findings,
			const struct deadlocks *deadlocks)
{
	uint32_t count = report->catalog->stack_count;
	bool *used = xcalloc((size_t)count + 1, sizeof(*used));

#define USE(stack) used[(stack) < count ? (stack) : count] = true
	for (uint32_t i = 0; i < report->wait_count; i++) {
		USE(report->waits[i].stack);
		for (uint32_t j = 0; j < report->waits[i].holder_count; j++) {
			USE(report->waits[i].holders[j].stack);
			if (report->waits[i].holders[j].passed_on)
				USE(report->waits[i].holders[j].root_stack);
		}
	}
	for (uint32_t i = 0; i < report->blame_count; i++) {
		USE(report->blame[i].waiter_stack);
		USE(report->blame[i].holder_stack);
	}
	for (uint32_t i = 0; i < report->root_count; i++) {
		USE(report->roots[i].waiter_stack);
		USE(report->roots[i].holder_stack);
	}
	for (uint32_t i = 0; i < report->group_count; i++)
		USE(report->groups[i].stack);
	for (uint32_t i = 0; i < report->error_count; i++)
		USE(report->errors[i].stack);
	for (uint32_t i = 0; i < report->ioctl_count; i++)
		USE(report->ioctls[i].stack);
	for (uint32_t i = 0; findings && i < findings->count; i++)
		for (unsigned j = 0; j < FINDING_SIDES; j++)
			USE(findings->items[i].sides[j].stack);
#undef USE
	for (uint32_t i = 0; deadlocks && i < deadlocks->count; i++)
		use_deadlock(used, count, &deadlocks->items[i]);
	for (uint32_t i = 0; deadlocks && i < deadlocks->refused_count; i++)
		use_deadlock(used, count, &deadlocks->refused[i]);
	return used;
}

void render_json(FILE *out, const struct report *report, const struct findings *findings,
		 struct symbols *symbols, const struct render_options *options)
{
	struct json json = {
		.out = out,
		.report = report,
		.findings = findings,
		.deadlocks = options->deadlocks,
		.catalog = report->catalog,
		.symbols = symbols,
		.names = options->names,
		.stacks_view = options->stacks,
	};
	const struct deadlocks *deadlocks = options->deadlocks;
	bool *used = sites_used(report, findings, deadlocks);

	fputs("{\"schema\": 1,\n", out);
	write_member(&json, "run", run_object(&json));
	write_member(&json, "quality", json_quality(&json));
	write_member(&json, "filter", json_filter(&json));
	write_member(&json, "totals", json_totals(&json));
	write_list(&json, "processes", report->catalog->process_count, NULL, process_object);
	write_list(&json, "sites", report->catalog->stack_count, used, site_object);
	write_list(&json, "resources", report->resource_count, NULL, resource_object);
	write_list(&json, "groups",
		   report->by == BY_RESOURCE ? report->fold_count : report->group_count, NULL,
		   json_group);
	write_list(&json, "waits", report->wait_count, NULL, json_wait);
	write_member(&json, "waits_omitted", number(report->waits_omitted));
	write_list(&json, "blame", report->blame_count, NULL, json_blame);
	write_list(&json, "root_blame", report->root_count, NULL, json_root_blame);
	write_list(&json, "process_blame", report->process_count, NULL, json_process_blame);
	write_member(&json, "stacks", json_stacks(&json));
	write_list(&json, "errors", report->error_count, NULL, error_object);
	write_list(&json, "ioctls", report->ioctl_count, NULL, json_ioctl);
	write_list(&json, "deadlocks", deadlocks ? deadlocks->count : 0, NULL, json_deadlock);
	write_list(&json, "refusals", deadlocks ? deadlocks->refused_count : 0, NULL, json_refusal);
	write_member(&json, "suppressed", json_suppressed(&json));
	write_elements(&json, "findings", findings ? findings->count : 0, NULL, json_finding, "}");
	free(used);
	scratch_free(&json.scratch);
}
