/* SPDX-License-Identifier: MIT */
/* Values that several parts of the JSON report have. */
#include <inttypes.h>

#include "analyzer/base/system_calls.h"
#include "analyzer/render/json_parts.h"
#include "trace/names.h"

void json_set_file(struct json_object *object, struct json *json, uint32_t index)
{
	const struct file_info *file =
		index < json->catalog->file_count ? &json->catalog->files[index] : NULL;

	set(object, "path", file ? json_bytes(file->path) : NULL);
	set(object, "device", file ? number(file->device) : NULL);
	set(object, "inode",
	    file ? json_object_new_string(scratch_format(&json->scratch, "%" PRIu64, file->inode))
		 : NULL);
}

const char *json_frame(struct scratch *scratch, const struct site_frame *frame)
{
	const struct source_frame *source = &frame->source;

	if (source->function && source->file && source->line)
		return scratch_format(scratch, "%s %s:%d", source->function, source->file,
				      source->line);
	if (frame->script)
		return scratch_format(scratch, "%s (%s)", source->function, source->file);
	if (source->function && frame->module)
		return scratch_format(scratch, "%s+0x%" PRIx64 " (%s)", source->function,
				      source->offset, frame->module);
	if (frame->module)
		return scratch_format(scratch, "%s+0x%" PRIx64, frame->module, frame->address);
	return scratch_format(scratch, "0x%" PRIx64, frame->address);
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

struct json_object *json_wait_parts(const struct wait_parts *parts)
{
	struct json_object *object = json_object_new_object();

	set(object, "held", number(parts->held));
	set(object, "holds_omitted", number(parts->omitted));
	set(object, "hand_off", number(parts->hand_off));
	set(object, "unknown", number(parts->unknown));
	return object;
}

struct json_object *json_error(struct json *json, int error)
{
	return error ? json_object_new_string(phrase_error(&json->scratch, error)) : NULL;
}

struct json_object *json_range_name(const struct json *json, uint32_t file, enum world world,
				    uint64_t start, uint64_t end)
{
	char room[NAMES_ROOM];
	const char *name = range_names_of(json->names, file, world, start, end, room);

	return name ? json_bytes(name) : NULL;
}

void json_set_range(struct json_object *object, const struct json *json, uint32_t file,
		    enum world world, uint64_t start, uint64_t end)
{
	set(object, "start", end ? number(start) : NULL);
	set(object, "end", end ? offset_of(end) : NULL);
	set(object, "name", end ? json_range_name(json, file, world, start, end) : NULL);
}

struct json_object *json_doing(const struct doing_looks *looks)
{
	struct json_object *list = json_object_new_array();

	for (uint32_t i = 0; looks && i < looks->count; i++) {
		struct json_object *one = json_object_new_object();
		const char *call = system_call_name(looks->of[i].call);

		set(one, "state", json_object_new_string(doing_name(looks->of[i].doing)));
		set(one, "call", call ? json_object_new_string(call) : NULL);
		set(one, "looks", number(looks->of[i].looks));
		json_object_array_add(list, one);
	}
	return list;
}
