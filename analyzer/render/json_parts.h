/* SPDX-License-Identifier: MIT */
/* What the parts of the JSON report are made of. */
#ifndef ANALYZER_RENDER_JSON_PARTS_H
#define ANALYZER_RENDER_JSON_PARTS_H

#include "analyzer/base/units.h"
#include "analyzer/render/json_text.h"
#include "analyzer/render/phrases.h"
#include "analyzer/render/render.h"
#include "analyzer/render/sites.h"

struct json {
	FILE *out;
	const struct report *report;
	const struct findings *findings;   /* NULL: not looked for */
	const struct deadlocks *deadlocks; /* NULL: not looked for */
	const struct catalog *catalog;
	struct symbols *symbols;
	struct range_names *names; /* NULL: none are known */
	enum stacks_view stacks_view;
	struct scratch scratch;
};

static inline struct json_object *number(uint64_t value)
{
	return json_object_new_uint64(value);
}

/* NONE is null. */
static inline struct json_object *index_of(uint32_t index)
{
	return index == NONE ? NULL : number(index);
}

static inline struct json_object *offset_of(uint64_t offset)
{
	return offset >= RANGE_TO_EOF ? NULL : number(offset);
}

static inline struct json_object *iso(const struct json *json, uint64_t time)
{
	char text[UNITS_ROOM];

	return json_object_new_string(
		units_iso(text, (int64_t)(time + (uint64_t)json->catalog->wall_offset)));
}

static inline void set(struct json_object *object, const char *key, struct json_object *value)
{
	json_object_object_add(object, key, value);
}

/* pid, tid, command of somebody who took part; null where unknown. */
static inline void set_who(struct json_object *object, const struct json *json, uint32_t process,
			   uint32_t tid)
{
	const struct process_info *info =
		process < json->catalog->process_count ? &json->catalog->processes[process] : NULL;

	set(object, "process", info ? number(info->id) : NULL);
	set(object, "pid", info ? json_object_new_int(info->pid) : NULL);
	set(object, "tid", info ? number(tid ? tid : (uint32_t)info->pid) : NULL);
	set(object, "command", info ? json_bytes(info->command) : NULL);
}

/* path, device, inode; null where unknown. */
void json_set_file(struct json_object *object, struct json *json, uint32_t file);
struct json_object *json_distribution(const struct distribution *all);
/* The lock operations of a set, by name. */
struct json_object *json_calls(struct json *json, uint32_t ops);
/* null: no error. */
struct json_object *json_error(struct json *json, int error);
/* NULL: an empty list. */
struct json_object *json_doing(const struct doing_looks *looks);
struct json_object *json_wait_parts(const struct wait_parts *parts);
/* null: not known. */
struct json_object *json_range_name(const struct json *json, uint32_t file, enum world world,
				    uint64_t start, uint64_t end);
/* start, end, name: null, null, null where end is 0, of no one range. */
void json_set_range(struct json_object *object, const struct json *json, uint32_t file,
		    enum world world, uint64_t start, uint64_t end);
struct json_object *json_quality(struct json *json);
struct json_object *json_totals(const struct json *json);
struct json_object *json_filter(struct json *json);
/* "function file:line" and what is known of it otherwise. */
const char *json_frame(struct scratch *scratch, const struct site_frame *frame);
/* null: not asked for. */
struct json_object *json_stacks(struct json *json);
struct json_object *json_wait(struct json *json, uint32_t index);
struct json_object *json_blame(struct json *json, uint32_t index);
/* What the root held need not be what was waited for. */
struct json_object *json_root_blame(struct json *json, uint32_t index);
struct json_object *json_ioctl(struct json *json, uint32_t index);
struct json_object *json_process_blame(struct json *json, uint32_t index);
/* A fold, or a site, process or command. */
struct json_object *json_group(struct json *json, uint32_t index);
struct json_object *json_deadlock(struct json *json, uint32_t index);
struct json_object *json_refusal(struct json *json, uint32_t index);
/* How many findings of each id are not shown; null: none. */
struct json_object *json_suppressed(const struct json *json);
struct json_object *json_finding(struct json *json, uint32_t index);

#endif
