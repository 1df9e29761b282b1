/* SPDX-License-Identifier: MIT */
#include "preload/clock.h"

#include <elf.h>
#include <link.h>
#include <string.h>
#include <sys/auxv.h>
#include <time.h>

#include "preload/arch.h"

typedef int clock_function(clockid_t clock, struct timespec *time);

static clock_function *vdso_clock;

static const ElfW(Phdr) * segment(const ElfW(Ehdr) * elf, ElfW(Word) type)
{
	const ElfW(Phdr) *header = (const void *)((const char *)elf + elf->e_phoff);

	for (int i = 0; i < elf->e_phnum; i++)
		if (header[i].p_type == type)
			return &header[i];
	return NULL;
}

/* The vDSO is an ELF image in memory; its symbols are found through its dynamic section. */
void clock_find(void)
{
	static const char *const names[] = { "__vdso_clock_gettime", "__kernel_clock_gettime" };
	const ElfW(Ehdr) *elf = (const void *)getauxval(AT_SYSINFO_EHDR);
	const ElfW(Phdr) * load, *dynamic;
	const ElfW(Sym) *symbols = NULL;
	const ElfW(Word) *hash = NULL;
	const char *strings = NULL;
	uintptr_t bias;

	if (!elf || !(load = segment(elf, PT_LOAD)) || !(dynamic = segment(elf, PT_DYNAMIC)))
		return;
	bias = (uintptr_t)elf + load->p_offset - load->p_vaddr;
	for (const ElfW(Dyn) *entry = (const void *)(bias + dynamic->p_vaddr);
	     entry->d_tag != DT_NULL; entry++) {
		const void *value = (const void *)(bias + entry->d_un.d_ptr);

		if (entry->d_tag == DT_SYMTAB)
			symbols = value;
		else if (entry->d_tag == DT_STRTAB)
			strings = value;
		else if (entry->d_tag == DT_HASH)
			hash = value;
	}
	if (!symbols || !strings || !hash)
		return;
	for (ElfW(Word) i = 0; i < hash[1]; i++)
		for (unsigned n = 0; n < sizeof(names) / sizeof(*names); n++)
			if (symbols[i].st_value && !strcmp(strings + symbols[i].st_name, names[n]))
				vdso_clock = (clock_function *)(bias + symbols[i].st_value);
}

static uint64_t read_clock(clockid_t clock)
{
	struct timespec now = { 0 };

	if (!vdso_clock || vdso_clock(clock, &now))
		raw2(SYS_clock_gettime, clock, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

uint64_t clock_monotonic(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

uint64_t clock_realtime(void)
{
	return read_clock(CLOCK_REALTIME);
}

uint64_t clock_boot_ticks(void)
{
	return read_clock(CLOCK_BOOTTIME) / UINT64_C(10000000);
}
