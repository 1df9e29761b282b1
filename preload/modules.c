/* SPDX-License-Identifier: MIT */
#include "preload/modules.h"

#include <dlfcn.h>
#include <string.h>
#include <sys/auxv.h>

#include "preload/emit.h"
#include "preload/probe.h"
#include "preload/process.h"

#define MODULES_MAX   512 /* a power of two; frames of further objects are plain addresses */
#define SNAPSHOT_MAX  128
#define START_CLAIMED 1 /* somebody is filling this entry in */

struct module {
	_Atomic uintptr_t start; /* of the mapping; 0: free */
	uintptr_t end, base;
	uint8_t build_id[BUILD_ID_MAX];
	uint8_t build_id_bytes;
	/* Of the loader: fresh at each walk that finds the module. */
	const char *_Atomic path;
	const void *_Atomic map;   /* only to compare */
	_Atomic uint64_t position; /* of the last RECORD_MODULE; 0: to be announced */
};

static struct module modules[MODULES_MAX];

/* ---- Which object holds an address
 * ------------------------------------------------------------------------------ */

/*
 * Asked for by name: a reference, weak or not, would make every glibc before 2.35 refuse the whole
 * object for the version that it stands under.
 */
#ifdef DLFO_STRUCT_HAS_EH_DBASE
#define HAVE_FIND_OBJECT 1

static __typeof__(_dl_find_object) *find_object;
static const struct link_map *program;
#endif

/* Without _dl_find_object: what was loaded when the image started. */
static struct dl_phdr_info snapshot[SNAPSHOT_MAX];
static uint32_t snapshot_count;

static int remember(struct dl_phdr_info *info, size_t size, void *data)
{
	(void)size;
	(void)data;
	if (snapshot_count == SNAPSHOT_MAX)
		return 1;
	snapshot[snapshot_count++] = *info;
	return 0;
}

void modules_prepare(void)
{
#ifdef HAVE_FIND_OBJECT
	struct dl_find_object found;

	*(void **)&find_object = dlsym(RTLD_DEFAULT, "_dl_find_object");
	dlerror(); /* that there is none is nothing the host should find */
	if (find_object) {
		if (!find_object((void *)getauxval(AT_ENTRY), &found))
			program = found.dlfo_link_map;
		return;
	}
#endif
	dl_iterate_phdr(remember, NULL);
}

static bool holds(const struct dl_phdr_info *info, uintptr_t address)
{
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];

		if (segment->p_type == PT_LOAD &&
		    address - info->dlpi_addr - segment->p_vaddr < segment->p_memsz)
			return true;
	}
	return false;
}

static bool find_in_snapshot(uintptr_t address, struct dl_phdr_info *info)
{
	for (uint32_t i = 0; i < snapshot_count; i++)
		if (holds(&snapshot[i], address)) {
			*info = snapshot[i];
			return true;
		}
	return false;
}

#ifdef HAVE_FIND_OBJECT
static bool is_elf(const ElfW(Ehdr) * elf)
{
	return !memcmp(elf->e_ident, ELFMAG, SELFMAG) && elf->e_phentsize == sizeof(ElfW(Phdr));
}

/*
 * The kernel told where the program's own headers are. Other objects have them behind their ELF
 * header, at the start of the mapping; where the segments have gaps, the loader tells only the one
 * that was asked for, and the header is at the load bias.
 */
static bool find_headers(const struct dl_find_object *found, struct dl_phdr_info *info)
{
	const ElfW(Ehdr) *elf = found->dlfo_map_start;

	if (found->dlfo_link_map == program) {
		info->dlpi_phdr = (const void *)getauxval(AT_PHDR);
		info->dlpi_phnum = (ElfW(Half))getauxval(AT_PHNUM);
		return info->dlpi_phdr;
	}
	if (!is_elf(elf)) {
		elf = (const void *)found->dlfo_link_map->l_addr;
		if (!probe_readable(elf, sizeof(*elf)) || !is_elf(elf))
			return false;
	}
	info->dlpi_phdr = (const void *)((const char *)elf + elf->e_phoff);
	info->dlpi_phnum = elf->e_phnum;
	return true;
}
#endif

static bool find(uintptr_t address, struct dl_phdr_info *info, const void **map)
{
#ifdef HAVE_FIND_OBJECT
	struct dl_find_object found;

	*map = NULL;
	if (!find_object)
		return find_in_snapshot(address, info);
	if (find_object((void *)address, &found))
		return false;
	*map = found.dlfo_link_map;
	info->dlpi_addr = found.dlfo_link_map->l_addr;
	info->dlpi_name = found.dlfo_link_map->l_name;
	return find_headers(&found, info);
#else
	*map = NULL;
	return find_in_snapshot(address, info);
#endif
}

bool modules_find(uintptr_t address, struct dl_phdr_info *info)
{
	const void *map;

	return find(address, info, &map);
}

/* ---- The table */

static void find_extent(const struct dl_phdr_info *info, struct module *module)
{
	uintptr_t start = UINTPTR_MAX, end = 0;

	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];

		if (segment->p_type != PT_LOAD)
			continue;
		if (info->dlpi_addr + segment->p_vaddr < start)
			start = info->dlpi_addr + segment->p_vaddr;
		if (info->dlpi_addr + segment->p_vaddr + segment->p_memsz > end)
			end = info->dlpi_addr + segment->p_vaddr + segment->p_memsz;
	}
	atomic_store_explicit(&module->start, start, memory_order_relaxed);
	module->end = end;
}

static bool find_build_id(const ElfW(Nhdr) * note, size_t length, struct module *module)
{
	const char *at = (const char *)note, *end = at + length;

	while (at + sizeof(*note) <= end) {
		const char *name, *bytes;

		note = (const void *)at;
		name = at + sizeof(*note);
		bytes = name + ((note->n_namesz + 3u) & ~3u);
		if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 &&
		    !memcmp(name, "GNU", 4)) {
			module->build_id_bytes =
				(uint8_t)(note->n_descsz < BUILD_ID_MAX ? note->n_descsz
									: BUILD_ID_MAX);
			memcpy(module->build_id, bytes, module->build_id_bytes);
			return true;
		}
		at = bytes + ((note->n_descsz + 3u) & ~3u);
	}
	return false;
}

static struct module describe(const struct dl_phdr_info *info, const void *map)
{
	struct module module = { .base = info->dlpi_addr, .path = info->dlpi_name, .map = map };

	find_extent(info, &module);
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];

		if (segment->p_type == PT_NOTE &&
		    find_build_id((const void *)(info->dlpi_addr + segment->p_vaddr),
				  segment->p_memsz, &module))
			break;
	}
	return module;
}

static bool same(const struct module *a, const struct module *b)
{
	return a->end == b->end && a->base == b->base && a->build_id_bytes == b->build_id_bytes &&
	       !memcmp(a->build_id, b->build_id, a->build_id_bytes);
}

static bool insert(struct module *entry, const struct module *module)
{
	uintptr_t free = 0;

	if (!atomic_compare_exchange_strong(&entry->start, &free, START_CLAIMED))
		return false;
	memcpy((char *)entry + sizeof(entry->start), (const char *)module + sizeof(entry->start),
	       sizeof(*entry) - sizeof(entry->start));
	atomic_store_explicit(&entry->start,
			      atomic_load_explicit(&module->start, memory_order_relaxed),
			      memory_order_release);
	return true;
}

/* An object that was replaced by another at the same address gets an entry of its own. */
static struct module *enter(const struct module *wanted)
{
	uintptr_t start = atomic_load_explicit(&wanted->start, memory_order_relaxed);

	for (uint32_t i = 0; i < MODULES_MAX; i++) {
		struct module *entry = &modules[((start >> 12) + i) % MODULES_MAX];
		uintptr_t there = atomic_load_explicit(&entry->start, memory_order_acquire);

		if (there == start && same(entry, wanted))
			return entry;
		if (!there && insert(entry, wanted))
			return entry;
	}
	return NULL;
}

/* ---- Announcing */

static uint64_t announce(const struct module *module, bool slow)
{
	struct record_module record = {
		.kind = RECORD_MODULE,
		.process = recorder.process,
		.module = (uint16_t)(module - modules + 1),
		.build_id_bytes = module->build_id_bytes,
		.base = module->base,
		.size = module->end - atomic_load_explicit(&module->start, memory_order_relaxed),
	};
	const char *name = atomic_load_explicit(&module->path, memory_order_relaxed);
	struct piece path = { name, name ? strlen(name) : 0 };

	if (!path.length) /* the program itself has no name there */
		path = (struct piece){ process_exe(), strlen(process_exe()) };
	memcpy(record.build_id, module->build_id, sizeof(record.build_id));
	record.bytes = (uint16_t)path.length;
	return slow ? emit_long_slow(&record, &path, 1) : emit_long(&record, &path, 1);
}

uint64_t modules_frame(uintptr_t address)
{
	struct dl_phdr_info info;
	struct module found, *module;
	const void *map;

	if (!find(address, &info, &map))
		return FRAME(0, address);
	found = describe(&info, map);
	module = enter(&found);
	if (!module)
		return FRAME(0, address);
	atomic_store_explicit(&module->path, found.path, memory_order_relaxed);
	atomic_store_explicit(&module->map, map, memory_order_relaxed);
	if (!emit_is_fresh(atomic_load_explicit(&module->position, memory_order_relaxed)))
		atomic_store_explicit(&module->position, announce(module, false),
				      memory_order_relaxed);
	return FRAME(module - modules + 1, address - module->base);
}

void modules_announce_slow(const uint64_t *frames, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		uint16_t module = FRAME_MODULE(frames[i]);
		bool done = !module;

		for (uint32_t earlier = 0; earlier < i && !done; earlier++)
			done = FRAME_MODULE(frames[earlier]) == module;
		if (!done)
			announce(&modules[module - 1], true);
	}
}

/*
 * Nothing of the object itself is read, nor of what the loader keeps about it: another thread may
 * be unloading just that one.
 */
static bool is_loaded(const struct module *module, uintptr_t start)
{
#ifdef HAVE_FIND_OBJECT
	struct dl_find_object found;

	return !find_object ||
	       (!find_object((void *)start, &found) &&
		found.dlfo_link_map == atomic_load_explicit(&module->map, memory_order_relaxed));
#else
	(void)module;
	(void)start;
	return true; /* what was there at the start is all that is known */
#endif
}

bool modules_forget_unloaded(void)
{
	bool any = false;

	for (uint32_t i = 0; i < MODULES_MAX; i++) {
		struct module *module = &modules[i];
		uintptr_t start = atomic_load_explicit(&module->start, memory_order_acquire);

		if (start <= START_CLAIMED ||
		    !atomic_load_explicit(&module->position, memory_order_relaxed) ||
		    is_loaded(module, start))
			continue;
		atomic_store_explicit(&module->position, 0, memory_order_relaxed);
		any = true;
	}
	return any;
}

void modules_forget_announced(void)
{
	for (uint32_t i = 0; i < MODULES_MAX; i++)
		if (atomic_load_explicit(&modules[i].start, memory_order_relaxed))
			atomic_store_explicit(&modules[i].position, 0, memory_order_relaxed);
}
