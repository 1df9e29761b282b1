/* SPDX-License-Identifier: MIT */
#include "analyzer/read/intern.h"

#include <stdlib.h>
#include <string.h>

struct text_key {
	const struct intern *intern;
	const char *text;
	size_t length;
};

static bool same_text(const void *context, uint32_t index)
{
	const struct text_key *key = context;
	const char *text = key->intern->texts.items[index];

	return !strncmp(text, key->text, key->length) && !text[key->length];
}

const char *intern_text(struct intern *intern, const void *text, size_t length)
{
	struct text_key key = { intern, text, length ? strnlen(text, length) : 0 };
	uint32_t *at;

	if (!key.length)
		return "";
	at = map_find(&intern->text_map, hash_bytes(text, key.length), same_text, &key);
	if (*at == MAP_NEW) {
		char *copy = xcalloc(1, key.length + 1);

		memcpy(copy, text, key.length);
		*at = intern->texts.count;
		vec_push(&intern->texts, copy);
		return copy;
	}
	return intern->texts.items[*at];
}

struct process_key {
	const struct intern *intern;
	uint32_t number;
};

static bool same_process(const void *context, uint32_t index)
{
	const struct process_key *key = context;

	return key->intern->processes.items[index].id == key->number;
}

uint32_t intern_process(struct intern *intern, uint32_t number)
{
	struct process_key key = { intern, number };
	uint32_t *at;

	if (!number)
		return NONE;
	if (intern->last_process < intern->processes.count &&
	    intern->processes.items[intern->last_process].id == number)
		return intern->last_process;
	at = map_find(&intern->process_map, hash_u64(number, 1), same_process, &key);
	if (*at == MAP_NEW) {
		*at = intern->processes.count;
		vec_push(&intern->processes, (struct process_info){ .id = number,
								    .parent = NONE,
								    .command = "",
								    .exe = "",
								    .arguments = "",
								    .status = -1 });
	}
	intern->last_process = *at;
	return *at;
}

struct file_key {
	const struct intern *intern;
	uint64_t device, inode;
};

static bool same_file(const void *context, uint32_t index)
{
	const struct file_key *key = context;
	const struct file_info *file = &key->intern->files.items[index];

	return file->device == key->device && file->inode == key->inode;
}

/* Those before them are gone for longer than any announcement is late. */
#define FILES_BEFORE 16

/* NONE: none of the newest files that had the number. */
static uint32_t find_file(const struct intern *intern, uint32_t newest, uint64_t birth,
			  const char *path)
{
	uint32_t index = newest;

	for (int i = 0; index != NONE && i < FILES_BEFORE; i++) {
		const struct file_info *file = &intern->files.items[index];

		if (!birth || !file->birth || file->birth == birth || !path || !*path ||
		    !strcmp(file->path, path))
			return index;
		index = intern->same_number.items[index];
	}
	return NONE;
}

uint32_t intern_file(struct intern *intern, uint64_t device, uint64_t inode, uint64_t birth,
		     const char *path)
{
	struct file_key key = { intern, device, inode };
	uint32_t *newest = map_find(&intern->file_map, hash_u64(device, inode), same_file, &key);
	uint32_t before = *newest == MAP_NEW ? NONE : *newest, index;

	index = find_file(intern, before, birth, path);
	if (index == NONE) {
		index = *newest = intern->files.count;
		vec_push(&intern->files,
			 (struct file_info){ .device = device, .inode = inode, .path = "" });
		vec_push(&intern->same_number, before);
	}
	if (birth)
		intern->files.items[index].birth = birth;
	return index;
}

struct module_key {
	const struct intern *intern;
	struct module_info wanted;
};

static bool same_module(const void *context, uint32_t index)
{
	const struct module_key *key = context;
	const struct module_info *module = &key->intern->modules.items[index];

	/* Texts are interned, so equal paths are one pointer. */
	return module->path == key->wanted.path &&
	       module->build_id_bytes == key->wanted.build_id_bytes &&
	       !memcmp(module->build_id, key->wanted.build_id, sizeof(module->build_id));
}

uint32_t intern_module(struct intern *intern, const char *path, const uint8_t *build_id,
		       uint8_t build_id_bytes)
{
	struct module_key key = { intern, { .path = intern_text(intern, path, strlen(path)) } };
	uint32_t *at;

	if (build_id_bytes > sizeof(key.wanted.build_id))
		build_id_bytes = sizeof(key.wanted.build_id);
	if (build_id_bytes)
		memcpy(key.wanted.build_id, build_id, build_id_bytes);
	key.wanted.build_id_bytes = build_id_bytes;
	at = map_find(&intern->module_map,
		      hash_u64(hash_bytes(key.wanted.path, strlen(key.wanted.path)),
			       hash_bytes(key.wanted.build_id, build_id_bytes)),
		      same_module, &key);
	if (*at == MAP_NEW) {
		*at = intern->modules.count;
		vec_push(&intern->modules, key.wanted);
	}
	return *at;
}

struct stack_key {
	const struct intern *intern;
	const struct stack_info *wanted;
};

static bool same_scripts(const struct stack_info *a, const struct stack_info *b)
{
	for (uint32_t i = 0; i < a->script_count; i++)
		if (a->scripts[i].file != b->scripts[i].file ||
		    a->scripts[i].function != b->scripts[i].function ||
		    a->scripts[i].line != b->scripts[i].line)
			return false;
	return true;
}

static bool same_stack(const void *context, uint32_t index)
{
	const struct stack_key *key = context;
	const struct stack_info *wanted = key->wanted;
	const struct stack_info *stack = &key->intern->stacks.items[index];

	if (stack->count != wanted->count || stack->script_count != wanted->script_count ||
	    stack->truncated != wanted->truncated ||
	    stack->scripts_truncated != wanted->scripts_truncated)
		return false;
	for (uint32_t i = 0; i < wanted->count; i++)
		if (stack->frames[i].module != wanted->frames[i].module ||
		    stack->frames[i].address != wanted->frames[i].address)
			return false;
	return same_scripts(stack, wanted);
}

static uint64_t hash_stack(const struct stack_info *stack)
{
	uint64_t hash = hash_u64(stack->count, stack->truncated);

	for (uint32_t i = 0; i < stack->count; i++)
		hash = hash_u64(hash ^ stack->frames[i].module, stack->frames[i].address);
	for (uint32_t i = 0; i < stack->script_count; i++)
		hash = hash_u64(hash ^ (uintptr_t)stack->scripts[i].function,
				(uintptr_t)stack->scripts[i].file ^ stack->scripts[i].line);
	return hash;
}

static void *copy_of(const void *items, uint32_t count, size_t size)
{
	void *copy = xcalloc(count, size);

	if (count)
		memcpy(copy, items, count * size);
	return copy;
}

uint32_t intern_stack(struct intern *intern, const struct stack_info *stack)
{
	struct stack_key key = { intern, stack };
	uint32_t *at = map_find(&intern->stack_map, hash_stack(stack), same_stack, &key);

	if (*at == MAP_NEW) {
		struct stack_info copy = *stack;

		copy.frames = copy_of(stack->frames, stack->count, sizeof(*stack->frames));
		copy.scripts =
			copy_of(stack->scripts, stack->script_count, sizeof(*stack->scripts));
		*at = intern->stacks.count;
		vec_push(&intern->stacks, copy);
	}
	return *at;
}

void intern_free(struct intern *intern)
{
	for (uint32_t i = 0; i < intern->texts.count; i++)
		free(intern->texts.items[i]);
	for (uint32_t i = 0; i < intern->stacks.count; i++) {
		free((struct frame *)intern->stacks.items[i].frames);
		free((struct script_frame *)intern->stacks.items[i].scripts);
	}
	vec_free(&intern->processes);
	vec_free(&intern->files);
	vec_free(&intern->same_number);
	vec_free(&intern->modules);
	vec_free(&intern->stacks);
	vec_free(&intern->untraced);
	vec_free(&intern->texts);
	map_free(&intern->process_map);
	map_free(&intern->file_map);
	map_free(&intern->module_map);
	map_free(&intern->stack_map);
	map_free(&intern->text_map);
}
