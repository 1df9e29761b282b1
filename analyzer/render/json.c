/* SPDX-License-Identifier: MIT */
/*
 * The report as JSON, schema 1: an interface. Keys may be added, none changes its meaning. Each
 * element of a list is built, written on a line of its own and freed, so that a million waits need
 * no memory.
 */
#include <inttypes.h>
#include <string.h>
#include <sys/wait.h>

#include "analyzer/render/json_parts.h"
#include "analyzer/render/sites.h"
#include "analyzer/render/trust.h"
#include "trace/names.h"

static struct json_object *error_name(struct json *json, int error)
{
	return error ? json_object_new_string(phrase_error(&json->scratch, error)) : NULL;
}

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

static struct json_object *untraced_list(const struct json *json)
{
	struct json_object *list = json_object_new_array();

	for (uint32_t i = 0; i < json->catalog->untraced_count; i++) {
		const struct untraced_info *one = &json->catalog->untraced[i];
		struct json_object *object = json_object_new_object();

		set(object, "pid", json_object_new_int(one->pid));
		set(object, "exe", *one->exe ? json_bytes(one->exe) : NULL);
		set(object, "reason", json_bytes(one->reason));
		json_object_array_add(list, object);
	}
	return list;
}

static struct json_object *parts_object(const struct wait_parts *parts)
{
	struct json_object *object = json_object_new_object();

	set(object, "held", number(parts->held));
	set(object, "holds_omitted", number(parts->omitted));
	set(object, "hand_off", number(parts->hand_off));
	set(object, "unknown", number(parts->unknown));
	return object;
}

static struct json_object *quality_object(struct json *json)
{
	const struct catalog *catalog = json->catalog;
	const struct report *report = json->report;
	struct json_object *quality = json_object_new_object();
	const char *missing = trust_missing(&json->scratch, report, json->names);

	set(quality, "complete", json_object_new_boolean(!*missing));
	set(quality, "missing", json_bytes(missing));
	set(quality, "events", number(catalog->quality.events));
	set(quality, "records", number(catalog->quality.records));
	set(quality, "lost", number(catalog->quality.lost));
	set(quality, "holes", number(catalog->quality.holes));
	set(quality, "overlaps", number(report->quality.overlaps));
	set(quality, "implied_ends", number(report->quality.implied_ends));
	set(quality, "unknown_ends", number(report->quality.unknown_ends));
	set(quality, "untraced_holders", number(report->untraced_holders));
	set(quality, "lost_unseen", number(catalog->quality.lost_unseen));
	set(quality, "lost_threads", number(catalog->quality.lost_threads));
	set(quality, "lost_processes", number(catalog->quality.lost_processes));
	set(quality, "lost_nested", number(catalog->quality.lost_nested));
	set(quality, "lost_stacks", number(catalog->quality.lost_stacks));
	set(quality, "unresolved_stacks", number(catalog->quality.unresolved_stacks));
	set(quality, "unresolved_files", number(catalog->quality.unresolved_files));
	set(quality, "unbalanced_ns", number(report->unbalanced));
	set(quality, "begins_late", json_object_new_boolean(report->begins_late));
	set(quality, "untraced_processes", untraced_list(json));
	return quality;
}

static struct json_object *totals_object(const struct json *json)
{
	const struct report *report = json->report;
	struct json_object *totals = json_object_new_object();

	set(totals, "requests", number(report->requests));
	set(totals, "failed", number(report->failed));
	set(totals, "tries", number(report->tries));
	set(totals, "tries_taken", number(report->tries_taken));
	set(totals, "recorded_ns", number(report->recorded));
	set(totals, "waits", number(report->waits_total));
	set(totals, "wait_ns", number(report->wait_ns));
	set(totals, "wait_parts_ns", parts_object(&report->parts));
	set(totals, "waits_at_most", number(report->waits_at_most));
	set(totals, "still_waiting", number(report->still_waiting));
	set(totals, "died_waiting", number(report->died_waiting));
	return totals;
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

/* "function file:line" and what is known of it otherwise. */
static const char *frame_text(struct scratch *scratch, const struct site_frame *frame)
{
	const struct source_frame *source = &frame->source;

	if (source->function && source->file && source->line)
		return scratch_format(scratch, "%s %s:%d", source->function, source->file,
				      source->line);
	if (source->function && frame->module)
		return scratch_format(scratch, "%s+0x%" PRIx64 " (%s)", source->function,
				      source->offset, frame->module);
	if (frame->module)
		return scratch_format(scratch, "%s+0x%" PRIx64, frame->module, frame->address);
	return scratch_format(scratch, "0x%" PRIx64, frame->address);
}

static struct json_object *site_object(struct json *json, uint32_t index)
{
	struct site site = site_of(json->catalog, json->symbols, index);
	struct json_object *object = json_object_new_object();
	struct json_object *frames = json_object_new_array();

	for (uint32_t i = 0; i < site.frames.count; i++)
		json_object_array_add(
			frames, json_bytes(frame_text(&json->scratch, &site.frames.items[i])));
	set(object, "id", number(index));
	set(object, "frames", frames);
	set(object, "truncated", json_object_new_boolean(site.truncated));
	site_free(&site);
	return object;
}

struct json_object *json_distribution(const struct distribution *all)
{
	struct json_object *object = json_object_new_object();

	set(object, "total", number(all->total));
	set(object, "max", number(all->max));
	set(object, "p50", number(all->p50));
	set(object, "p90", number(all->p90));
	set(object, "p99", number(all->p99));
	return object;
}

struct json_object *json_calls(struct json *json, uint32_t ops)
{
	struct json_object *list = json_object_new_array();

	for (unsigned op = 0; op < LOCK_OPS; op++)
		if (ops >> op & 1)
			json_object_array_add(list, json_object_new_string(phrase_call(
							    &json->scratch, (uint8_t)op)));
	return list;
}

/* null: not known. */
static struct json_object *range_name(const struct json *json, uint32_t file, enum world world,
				      uint64_t start, uint64_t end)
{
	char room[NAMES_ROOM];
	const char *name = range_names_of(json->names, file, world, start, end, room);

	return name ? json_bytes(name) : NULL;
}

static struct json_object *resource_object(struct json *json, uint32_t index)
{
	const struct resource *resource = &json->report->resources[index];
	const struct file_info *file = resource->file < json->catalog->file_count
					       ? &json->catalog->files[resource->file]
					       : NULL;
	struct json_object *object = json_object_new_object();
	char inode[24] = "";

	if (file)
		snprintf(inode, sizeof(inode), "%" PRIu64, file->inode);
	set(object, "id", number(index));
	set(object, "path", file ? json_bytes(file->path) : NULL);
	set(object, "device", file ? number(file->device) : NULL);
	set(object, "inode", file ? json_object_new_string(inode) : NULL);
	set(object, "world",
	    json_object_new_string(resource->world == FLOCK_LOCKS ? "flock" : "record"));
	set(object, "start", number(resource->start));
	set(object, "end", offset_of(resource->end));
	set(object, "other_ranges", json_object_new_boolean(resource->folded));
	set(object, "name",
	    range_name(json, resource->file, resource->world, resource->start, resource->end));
	set(object, "calls", json_calls(json, resource->ops));
	set(object, "acquisitions", number(resource->acquisitions));
	set(object, "contended", number(resource->contended));
	set(object, "failed_tries", number(resource->failed_tries));
	set(object, "errors", number(resource->errors));
	set(object, "held_by_anybody_ns", number(resource->busy));
	set(object, "longest_queue", number(resource->queue_max));
	set(object, "owners", number(resource->owners));
	set(object, "more_owners", json_object_new_boolean(resource->owners_omitted));
	set(object, "hand_overs", number(resource->hand_overs));
	set(object, "most_overtaken", number(resource->overtaken_max));
	set(object, "starved_waits", number(resource->starved));
	set(object, "wait_ns", json_distribution(&resource->wait));
	set(object, "wait_parts_ns", parts_object(&resource->parts));
	set(object, "hold_ns", json_distribution(&resource->hold));
	return object;
}

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
	set(object, "start", number(holder->passed_start));
	set(object, "end", offset_of(holder->passed_end));
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
	set(object, "name", range_name(json, wait->file, wait->world, holder->start, holder->end));
	set(object, "overlap_ns", number(holder->overlap));
	set(object, "still_held", json_object_new_boolean(holder->still_held));
	set(object, "traced", json_object_new_boolean(true));
	set(object, "acquired_by", taker_object(json, holder->taker));
	set(object, "waited_itself", passed_object(json, holder));
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
	set(object, "site", NULL);
	return object;
}

static struct json_object *wait_object(struct json *json, uint32_t index)
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
	set(object, "name", range_name(json, wait->file, wait->world, wait->start, wait->end));
	set(object, "kind", json_object_new_string("blocked"));
	set(object, "begin", iso(json, wait->begin));
	set(object, "wait_ns", number(wait->duration));
	set(object, "wait_parts_ns", parts_object(&wait->parts));
	set(object, "at_most", json_object_new_boolean(wait->at_most));
	set(object, "outcome", json_object_new_string(outcome_name(wait->outcome)));
	set(object, "error", error_name(json, wait->outcome == OUTCOME_FAILED ? wait->error : 0));
	set(object, "site", index_of(wait->stack));
	set(object, "holders", holders);
	set(object, "holds_omitted", number(wait->holds_omitted));
	return object;
}

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
	set(object, "waits", number(blame->waits));
	return object;
}

static struct json_object *blame_object(struct json *json, uint32_t index)
{
	return blame_row(json, &json->report->blame[index]);
}

/* What the root held need not be what was waited for. */
static struct json_object *root_object(struct json *json, uint32_t index)
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

static struct json_object *process_blame_object(struct json *json, uint32_t index)
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

static struct json_object *error_object(struct json *json, uint32_t index)
{
	const struct report_error *error = &json->report->errors[index];
	struct json_object *object = json_object_new_object();

	set(object, "call", json_object_new_string(phrase_call(&json->scratch, error->op)));
	set(object, "error", error_name(json, error->error));
	set(object, "errno", json_object_new_int(error->error));
	set(object, "path",
	    error->file < json->catalog->file_count
		    ? json_bytes(json->catalog->files[error->file].path)
		    : NULL);
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
	for (uint32_t i = 0; findings && i < findings->count; i++)
		for (unsigned j = 0; j < FINDING_SIDES; j++)
			USE(findings->items[i].sides[j].stack);
	for (uint32_t i = 0; deadlocks && i < deadlocks->count; i++) {
		for (uint32_t j = 0; j < deadlocks->items[i].member_count; j++) {
			const struct deadlock_member *member = &deadlocks->items[i].members[j];

			USE(member->stack);
			for (uint32_t k = 0; k < member->hold_count; k++)
				USE(member->holds[k].stack);
		}
	}
#undef USE
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
	};
	const struct deadlocks *deadlocks = options->deadlocks;
	bool *used = sites_used(report, findings, deadlocks);

	fputs("{\"schema\": 1,\n", out);
	write_member(&json, "run", run_object(&json));
	write_member(&json, "quality", quality_object(&json));
	write_member(&json, "filter", json_filter(&json));
	write_member(&json, "totals", totals_object(&json));
	write_list(&json, "processes", report->catalog->process_count, NULL, process_object);
	write_list(&json, "sites", report->catalog->stack_count, used, site_object);
	write_list(&json, "resources", report->resource_count, NULL, resource_object);
	write_list(&json, "groups",
		   report->by == BY_RESOURCE ? report->fold_count : report->group_count, NULL,
		   json_group);
	write_list(&json, "waits", report->wait_count, NULL, wait_object);
	write_member(&json, "waits_omitted", number(report->waits_omitted));
	write_list(&json, "blame", report->blame_count, NULL, blame_object);
	write_list(&json, "root_blame", report->root_count, NULL, root_object);
	write_list(&json, "process_blame", report->process_count, NULL, process_blame_object);
	write_list(&json, "errors", report->error_count, NULL, error_object);
	write_list(&json, "deadlocks", deadlocks ? deadlocks->count : 0, NULL, json_deadlock);
	write_elements(&json, "findings", findings ? findings->count : 0, NULL, json_finding, "}");
	free(used);
	scratch_free(&json.scratch);
}
