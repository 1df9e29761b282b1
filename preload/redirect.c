/* SPDX-License-Identifier: MIT */
#include "preload/redirect.h"

#include <dlfcn.h>
#include <link.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include "preload/arch.h"
#include "preload/modules.h"

struct object {
	uintptr_t base;
	const ElfW(Sym) * symbols;
	const char *strings;
	const ElfW(Rela) * tables[2];
	size_t counts[2];
};

/* In a loaded object ld.so has turned the pointers of the dynamic section into addresses; musl has
 * not, but has no libunwind. */
static bool read_object(const struct link_map *map, struct object *object)
{
	*object = (struct object){ .base = map->l_addr };
	for (const ElfW(Dyn) *entry = map->l_ld; entry->d_tag != DT_NULL; entry++) {
		const void *value = (const void *)entry->d_un.d_ptr;

		switch (entry->d_tag) {
		case DT_SYMTAB:
			object->symbols = value;
			break;
		case DT_STRTAB:
			object->strings = value;
			break;
		case DT_JMPREL:
			object->tables[0] = value;
			break;
		case DT_PLTRELSZ:
			object->counts[0] = entry->d_un.d_val / sizeof(ElfW(Rela));
			break;
		case DT_RELA:
			object->tables[1] = value;
			break;
		case DT_RELASZ:
			object->counts[1] = entry->d_un.d_val / sizeof(ElfW(Rela));
			break;
		default:
			break;
		}
	}
	return object->symbols && object->strings && (object->tables[0] || object->tables[1]);
}

static bool protect(const void *slot, int protection)
{
	uintptr_t size = getauxval(AT_PAGESZ);

	return !raw3(SYS_mprotect, (uintptr_t)slot & ~(size - 1), size, protection);
}

static bool is_read_only(const struct link_map *map, uintptr_t address)
{
	struct dl_phdr_info info;

	if (!modules_find((uintptr_t)map->l_ld, &info))
		return false;
	for (int i = 0; i < info.dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info.dlpi_phdr[i];

		if (segment->p_type == PT_GNU_RELRO &&
		    address - info.dlpi_addr - segment->p_vaddr < segment->p_memsz)
			return true;
	}
	return false;
}

/* The slot may lie in memory that was made read-only after relocation. */
static bool point(const struct link_map *map, void **slot, const struct redirection *to)
{
	bool read_only = is_read_only(map, (uintptr_t)slot);

	if (read_only && !protect(slot, PROT_READ | PROT_WRITE))
		return false;
	if (!*to->was)
		*to->was = *slot;
	*slot = to->ours;
	if (read_only)
		protect(slot, PROT_READ);
	return true;
}

/* Adds the rows that were met to *done. */
static bool redirect_table(const struct link_map *map, const struct object *object, int table,
			   const struct redirection *rows, unsigned count, uint32_t *done)
{
	for (size_t i = 0; i < object->counts[table]; i++) {
		const ElfW(Rela) *entry = &object->tables[table][i];
		const char *name =
			object->strings + object->symbols[ELF64_R_SYM(entry->r_info)].st_name;
		void **slot = (void **)(object->base + entry->r_offset);

		for (unsigned n = 0; ELF64_R_SYM(entry->r_info) && n < count; n++) {
			if (strcmp(name, rows[n].name))
				continue;
			if (!point(map, slot, &rows[n]))
				return false;
			*done |= UINT32_C(1) << n;
		}
	}
	return true;
}

bool redirect(void *handle, const struct redirection *rows, unsigned count)
{
	struct link_map *map;
	struct object object;
	uint32_t done = 0;

	if (dlinfo(handle, RTLD_DI_LINKMAP, &map) || !read_object(map, &object))
		return false;
	for (int table = 0; table < 2; table++)
		if (!redirect_table(map, &object, table, rows, count, &done))
			return false;
	for (unsigned n = 0; n < count; n++)
		if (rows[n].needed && !(done >> n & 1))
			return false;
	return true;
}
