/* SPDX-License-Identifier: MIT */
/* libdwfl at work on one file, offline: it finds separate debug information by build id and debug
 * link. */
#include "analyzer/symbols/elf_file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RECORDED_ID_MAX 20 /* what a trace keeps of a build id */

/* dwfl_standard_find_debuginfo asks a debuginfod server too, if DEBUGINFOD_URLS is set and not
 * else. */
static const Dwfl_Callbacks callbacks = {
	.find_elf = dwfl_build_id_find_elf,
	.find_debuginfo = dwfl_standard_find_debuginfo,
	.section_address = dwfl_offline_section_address,
};

/* The path comes from a trace: it must not make us wait for a pipe or start a device. */
static int open_regular(const char *path)
{
	struct stat status;
	int fd;

	if (path[0] != '/')
		return -1;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -1;
	if (fstat(fd, &status) || !S_ISREG(status.st_mode)) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool same_build_id(Dwfl_Module *module, const uint8_t *recorded, unsigned bytes)
{
	const unsigned char *found;
	GElf_Addr where;
	int length = dwfl_module_build_id(module, &found, &where);

	if (length < 0)
		length = 0;
	if (length > RECORDED_ID_MAX)
		length = RECORDED_ID_MAX;
	return (unsigned)length == bytes && (!bytes || !memcmp(found, recorded, bytes));
}

bool elf_file_open(struct elf_file *file, const char *path, const uint8_t *build_id,
		   unsigned build_id_bytes)
{
	GElf_Addr bias;
	int fd = open_regular(path);

	*file = (struct elf_file){ 0 };
	if (fd < 0)
		return false;
	file->dwfl = dwfl_begin(&callbacks);
	if (!file->dwfl) {
		close(fd);
		return false;
	}
	dwfl_report_begin(file->dwfl);
	/* Base 0 with p_vaddr added: bias 0. On success the fd is libdwfl's. */
	file->module = dwfl_report_elf(file->dwfl, path, path, fd, 0, true);
	if (!file->module)
		close(fd);
	dwfl_report_end(file->dwfl, NULL, NULL);
	if (!file->module || !dwfl_module_getelf(file->module, &bias) ||
	    !same_build_id(file->module, build_id, build_id_bytes)) {
		elf_file_close(file);
		return false;
	}
	return true;
}

void elf_file_close(struct elf_file *file)
{
	vec_free(&file->units);
	if (file->dwfl)
		dwfl_end(file->dwfl);
	*file = (struct elf_file){ 0 };
}

const char *elf_file_symbol(struct elf_file *file, uint64_t address, uint64_t *offset)
{
	GElf_Off distance = 0;
	GElf_Sym symbol;
	const char *name =
		dwfl_module_addrinfo(file->module, address, &distance, &symbol, NULL, NULL, NULL);

	*offset = distance;
	return name && name[0] ? name : NULL;
}

static int by_start(const void *left, const void *right)
{
	const struct unit_range *a = left, *b = right;

	return (a->start > b->start) - (a->start < b->start);
}

static void list_units(struct elf_file *file)
{
	Dwarf_Die *unit = NULL;
	Dwarf_Addr bias, base, start, end;

	file->units_known = true;
	while ((unit = dwfl_module_nextcu(file->module, unit, &bias))) {
		ptrdiff_t next = 0;

		while ((next = dwarf_ranges(unit, next, &base, &start, &end)) > 0)
			vec_push(&file->units,
				 (struct unit_range){ start + bias, end + bias, *unit });
	}
	if (file->units.count)
		qsort(file->units.items, file->units.count, sizeof(file->units.items[0]), by_start);
}

bool elf_file_unit(struct elf_file *file, uint64_t address, Dwarf_Die *unit)
{
	Dwarf_Addr bias;
	Dwarf_Die *found = dwfl_module_addrdie(file->module, address, &bias);
	uint32_t low = 0, high;

	if (found) {
		*unit = *found;
		return true;
	}
	/* clang writes no .debug_aranges, and libdw before 0.191 looks nowhere else. */
	if (!file->units_known)
		list_units(file);
	high = file->units.count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (file->units.items[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low || address >= file->units.items[low - 1].end)
		return false;
	*unit = file->units.items[low - 1].unit;
	return true;
}
