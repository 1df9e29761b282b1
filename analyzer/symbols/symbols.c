/* SPDX-License-Identifier: MIT */
/* Remembers files and addresses that were looked up; debug information first, symbol tables second.
 */
#include "analyzer/symbols/symbols.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/base/map.h"
#include "analyzer/base/memory.h"
#include "analyzer/base/vec.h"
#include "analyzer/symbols/debug_info.h"
#include "analyzer/symbols/demangle.h"
#include "analyzer/symbols/elf_file.h"

struct module {
	char *path;
	uint8_t *build_id;
	unsigned build_id_bytes;
	bool usable;
	struct elf_file file;
};

struct place {
	uint32_t module;
	uint64_t address;
	bool is_return;
	struct source_frame *frames;
	unsigned count;
};

struct symbols {
	VEC(struct module) modules;
	VEC(struct place) places;
	VEC(char *) names; /* demangled */
	struct map module_map, place_map;
};

struct symbols *symbols_new(void)
{
	return xcalloc(1, sizeof(struct symbols));
}

void symbols_free(struct symbols *symbols)
{
	if (!symbols)
		return;
	for (uint32_t i = 0; i < symbols->modules.count; i++) {
		struct module *module = &symbols->modules.items[i];

		if (module->usable)
			elf_file_close(&module->file);
		free(module->path);
		free(module->build_id);
	}
	for (uint32_t i = 0; i < symbols->places.count; i++)
		free(symbols->places.items[i].frames);
	for (uint32_t i = 0; i < symbols->names.count; i++)
		free(symbols->names.items[i]);
	vec_free(&symbols->modules);
	vec_free(&symbols->places);
	vec_free(&symbols->names);
	map_free(&symbols->module_map);
	map_free(&symbols->place_map);
	free(symbols);
}

struct module_key {
	const struct symbols *symbols;
	const char *path;
	const uint8_t *build_id;
	unsigned build_id_bytes;
};

static bool same_module(const void *context, uint32_t index)
{
	const struct module_key *key = context;
	const struct module *module = &key->symbols->modules.items[index];

	return module->build_id_bytes == key->build_id_bytes && !strcmp(module->path, key->path) &&
	       (!key->build_id_bytes ||
		!memcmp(module->build_id, key->build_id, key->build_id_bytes));
}

static uint32_t find_module(struct symbols *symbols, const struct module_key *key)
{
	uint64_t hash = hash_u64(hash_bytes(key->path, strlen(key->path)),
				 hash_bytes(key->build_id, key->build_id_bytes));
	uint32_t *at = map_find(&symbols->module_map, hash, same_module, key);
	struct module module = { .build_id_bytes = key->build_id_bytes };

	if (*at != MAP_NEW)
		return *at;
	*at = symbols->modules.count;
	module.path = xstrdup(key->path);
	if (key->build_id_bytes) {
		module.build_id = xcalloc(1, key->build_id_bytes);
		memcpy(module.build_id, key->build_id, key->build_id_bytes);
	}
	module.usable = elf_file_open(&module.file, key->path, key->build_id, key->build_id_bytes);
	vec_push(&symbols->modules, module);
	return symbols->modules.count - 1;
}

struct place_key {
	const struct symbols *symbols;
	uint32_t module;
	uint64_t address;
	bool is_return;
};

static bool same_place(const void *context, uint32_t index)
{
	const struct place_key *key = context;
	const struct place *place = &key->symbols->places.items[index];

	return place->module == key->module && place->address == key->address &&
	       place->is_return == key->is_return;
}

/* The name as people write it: the demangled one where there is one. */
static const char *readable(struct symbols *symbols, const char *mangled, const char *plain)
{
	char *demangled = mangled ? demangle(mangled) : NULL;

	if (!demangled)
		return plain;
	vec_push(&symbols->names, demangled);
	return demangled;
}

static unsigned look_up(struct symbols *symbols, struct elf_file *file, uint64_t address,
			struct source_frame **result)
{
	struct debug_frame found[INLINE_MAX] = { 0 };
	unsigned count = debug_info_frames(file, address, found);
	struct source_frame *outermost, *frames = xcalloc(count ? count : 1, sizeof(*frames));

	for (unsigned i = 0; i < count; i++) {
		frames[i] = found[i].frame;
		frames[i].function =
			readable(symbols, found[i].linkage_name, found[i].frame.function);
	}
	if (!count)
		count = 1;
	outermost = &frames[count - 1];
	if (!outermost->function) {
		uint64_t offset;
		const char *symbol = elf_file_symbol(file, address, &offset);

		outermost->function = symbol ? readable(symbols, symbol, symbol) : NULL;
		outermost->offset = symbol && !outermost->line ? offset : 0;
	}
	*result = frames;
	return count;
}

const struct source_frame *symbols_lookup(struct symbols *symbols, const char *path,
					  const uint8_t *build_id, unsigned build_id_bytes,
					  uint64_t address, bool is_return, unsigned *count)
{
	struct module_key module_key = { symbols, path, build_id, build_id_bytes };
	struct place_key key = { symbols, find_module(symbols, &module_key), address, is_return };
	uint64_t hash = hash_u64(hash_u64(key.module, address), is_return);
	uint32_t *at = map_find(&symbols->place_map, hash, same_place, &key);
	struct place place = { key.module, address, is_return, NULL, 1 };
	struct module *module;

	if (*at != MAP_NEW) {
		*count = symbols->places.items[*at].count;
		return symbols->places.items[*at].frames;
	}
	*at = symbols->places.count;
	module = &symbols->modules.items[key.module];
	if (module->usable) {
		/* A call may be a function's last instruction: its return address is the next
		 * one's. */
		place.count = look_up(symbols, &module->file, address - is_return, &place.frames);
		if (place.frames[place.count - 1].offset)
			place.frames[place.count - 1].offset += is_return;
	} else {
		place.frames = xcalloc(1, sizeof(*place.frames));
	}
	vec_push(&symbols->places, place);
	*count = place.count;
	return place.frames;
}
