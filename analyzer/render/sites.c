/* SPDX-License-Identifier: MIT */
#include "analyzer/render/sites.h"

#include <string.h>

#include "analyzer/render/interpreters.h"
#include "analyzer/render/phrases.h"

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Every lock request passes through these; that tells nobody anything. */
static bool is_internal(const char *module)
{
	static const char *const prefixes[] = {
		"libc.so", "libc-", "libc.musl", "libpthread", "ld-", "libflocktrace", "linux-vdso",
	};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
		if (!strncmp(module, prefixes[i], strlen(prefixes[i])))
			return true;
	return false;
}

static void add_frames(struct site *site, const struct catalog *catalog, struct symbols *symbols,
		       const struct frame *frame, bool is_return)
{
	const struct module_info *module;
	const struct source_frame *found;
	struct site_frame line = { .address = frame->address };
	unsigned count;

	if (frame->module >= catalog->module_count) {
		vec_push(&site->frames, line);
		return;
	}
	module = &catalog->modules[frame->module];
	line.module = base_name(module->path);
	line.internal = is_internal(line.module);
	found = symbols_lookup(symbols, module->path, module->build_id, module->build_id_bytes,
			       frame->address, is_return, &count);
	for (unsigned i = 0; i < count; i++) {
		line.source = found[i];
		line.interpreter = is_interpreter_frame(line.module, line.source.function);
		site->interpreted |= line.interpreter;
		vec_push(&site->frames, line);
	}
}

/* In the place of what the interpreter runs scripts with. */
static void add_scripts(struct site *site, const struct stack_info *stack)
{
	for (uint32_t i = 0; i < stack->script_count; i++) {
		const struct script_frame *script = &stack->scripts[i];
		struct site_frame line = { .script = true,
					   .source = { .function = script->function,
						       .file = script->file,
						       .line = (int)script->line } };

		vec_push(&site->frames, line);
	}
}

/* Frames from `from` on: the rest of an interpreter whose script is known. */
static bool is_rest(const struct site *site, uint32_t from, const char *interpreter)
{
	for (uint32_t i = from; i < site->frames.count; i++) {
		const struct site_frame *frame = &site->frames.items[i];

		if (!frame->internal && (!frame->module || strcmp(frame->module, interpreter) != 0))
			return false;
	}
	return true;
}

struct site site_of(const struct catalog *catalog, struct symbols *symbols, uint32_t stack)
{
	struct site site = { 0 };
	const struct stack_info *info;
	const char *interpreter = NULL;

	if (stack >= catalog->stack_count)
		return site;
	info = &catalog->stacks[stack];
	site.truncated = info->truncated || info->scripts_truncated;
	for (uint32_t i = 0; i < info->count; i++) {
		uint32_t before = site.frames.count;

		add_frames(&site, catalog, symbols, &info->frames[i], i > 0);
		if (!info->script_count || !site.interpreted)
			continue;
		if (interpreter && !is_rest(&site, before, interpreter))
			continue;
		if (interpreter) {
			site.frames.count = before;
			continue;
		}
		/* Behind it is only what the script says better. */
		site.truncated = info->scripts_truncated;
		interpreter = site.frames.items[before].module;
		site.frames.count = before;
		add_scripts(&site, info);
	}
	if (!interpreter)
		add_scripts(&site, info);
	site.interpreted &= !info->script_count;
	return site;
}

void site_free(struct site *site)
{
	vec_free(&site->frames);
}

/* "save_order()"; C++ and Rust names may bring their own parentheses, and "<module>" has none. */
static const char *function_name(struct scratch *scratch, const char *name)
{
	name = phrase_escaped(scratch, name);
	return strchr(name, '(') || *name == '<' ? name : scratch_format(scratch, "%s()", name);
}

static const char *place(struct scratch *scratch, const struct site_frame *frame, const char *file)
{
	const struct source_frame *source = &frame->source;

	if (frame->script && !file)
		return scratch_format(scratch, "%s (%s)", function_name(scratch, source->function),
				      phrase_escaped(scratch, base_name(source->file)));
	if (source->function && file)
		return scratch_format(scratch, "%s %s:%d", function_name(scratch, source->function),
				      file, source->line);
	if (source->function && frame->module)
		return scratch_format(
			scratch, "%s+0x%llx (%s)", function_name(scratch, source->function),
			(unsigned long long)source->offset, phrase_escaped(scratch, frame->module));
	if (file)
		return scratch_format(scratch, "%s:%d", file, source->line);
	if (frame->module)
		return scratch_format(scratch, "%s+0x%llx", phrase_escaped(scratch, frame->module),
				      (unsigned long long)frame->address);
	return scratch_format(scratch, "0x%llx (code of no file)",
			      (unsigned long long)frame->address);
}

const char *site_frame_line(struct scratch *scratch, const struct site_frame *frame,
			    const char *directory)
{
	const char *file = frame->source.file && frame->source.line
				   ? phrase_path(scratch, frame->source.file, directory)
				   : NULL;
	const char *text = place(scratch, frame, file);

	return frame->source.inlined ? scratch_format(scratch, "%s (inlined)", text) : text;
}

/* Scripts that came with the interpreter, or were installed beside it: not who wanted the lock. */
static bool is_library(const char *script)
{
	static const char *const marks[] = { "/site-packages/", "/dist-packages/", "/lib/python3",
					     "<frozen " };

	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++)
		if (strstr(script, marks[i]))
			return true;
	return false;
}

/* How well a frame names the culprit: 0 not at all. */
static unsigned worth(const struct site_frame *frame)
{
	if (frame->script)
		return is_library(frame->source.file) ? 4 : 5;
	if (frame->internal || frame->interpreter)
		return 0;
	if (frame->source.file && frame->source.line)
		return 3;
	return frame->source.function ? 2 : 1;
}

const char *site_culprit(struct scratch *scratch, const struct site *site, bool *has_source)
{
	const struct site_frame *best = NULL;

	for (uint32_t i = 0; i < site->frames.count; i++) {
		const struct site_frame *frame = &site->frames.items[i];

		if (worth(frame) > (best ? worth(best) : 0))
			best = frame;
	}
	*has_source = best && worth(best) >= 3;
	if (site->interpreted && best && best->source.function)
		return function_name(scratch, best->source.function);
	if (!best || site->interpreted)
		return NULL;
	return place(scratch, best,
		     *has_source ? phrase_escaped(scratch, base_name(best->source.file)) : NULL);
}

uint32_t site_telling_frames(const struct site *site)
{
	uint32_t count = site->frames.count;

	for (; count; count--) {
		const struct site_frame *frame = &site->frames.items[count - 1];
		const char *function = frame->source.function;

		if (!frame->internal && !(function && !strcmp(function, "_start")))
			return count;
	}
	return site->frames.count;
}
