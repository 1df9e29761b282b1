/* SPDX-License-Identifier: MIT */
/* How far the JSON report can be trusted, and its sums. */
#include "analyzer/render/json_parts.h"
#include "analyzer/render/trust.h"

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

struct json_object *json_quality(struct json *json)
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
	set(quality, "unknown_requests", number(report->quality.unknown_requests));
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
	set(quality, "covered_since",
	    report->begins_late ? iso(json, report->covered_since) : NULL);
	set(quality, "still_running", number(trust_still_running(json->catalog)));
	set(quality, "untraced_processes", untraced_list(json));
	return quality;
}

struct json_object *json_totals(const struct json *json)
{
	const struct report *report = json->report;
	struct json_object *totals = json_object_new_object();

	set(totals, "requests", number(report->requests));
	set(totals, "failed", number(report->failed));
	set(totals, "tries", number(report->tries));
	set(totals, "tries_taken", number(report->tries_taken));
	set(totals, "recorded_ns", number(report->recorded));
	set(totals, "waits", number(report->waits_total));
	set(totals, "poll_waits", number(report->polls));
	set(totals, "wasted_calls", number(report->wasted_calls));
	set(totals, "polling_tax_ns", number(report->poll_free_ns));
	set(totals, "wait_ns", number(report->wait_ns));
	set(totals, "wait_parts_ns", json_wait_parts(&report->parts));
	set(totals, "waits_at_most", number(report->waits_at_most));
	set(totals, "wait_at_most_ns", number(report->at_most_ns));
	set(totals, "still_waiting", number(report->still_waiting));
	set(totals, "died_waiting", number(report->died_waiting));
	return totals;
}
