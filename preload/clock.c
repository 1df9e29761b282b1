/* SPDX-License-Identifier: MIT */
#include "preload/clock.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
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
static void find_vdso(void)
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

/* What this time namespace adds to the clocks of the machine, ns. */
static int64_t monotonic_offset, boottime_offset;

/* "NAME SECONDS NANOSECONDS" */
static int64_t parse_offset(const char *text, const char *name)
{
	const char *at = strstr(text, name);
	int64_t number[2] = { 0, 0 };
	bool negative = false;

	if (!at)
		return 0;
	at += strlen(name);
	for (int i = 0; i < 2; i++) {
		for (; *at == ' ' || *at == '-'; at++)
			negative |= *at == '-';
		for (; *at >= '0' && *at <= '9'; at++)
			number[i] = number[i] * 10 + (*at - '0');
	}
	/* The nanoseconds are never negative. */
	return (negative ? -number[0] : number[0]) * INT64_C(1000000000) + number[1];
}

static void find_offsets(void)
{
	char text[256] = "";
	long fd = raw3(SYS_openat, AT_FDCWD, "/proc/self/timens_offsets", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	raw3(SYS_read, fd, text, sizeof(text) - 1);
	raw1(SYS_close, fd);
	monotonic_offset = parse_offset(text, "monotonic");
	boottime_offset = parse_offset(text, "boottime");
}

uint64_t clock_monotonic(void)
{
	return read_clock(CLOCK_MONOTONIC) - (uint64_t)monotonic_offset;
}

uint64_t clock_machine_ticks(uint64_t ticks)
{
	return ticks - (uint64_t)(boottime_offset / INT64_C(10000000));
}

uint64_t clock_realtime(void)
{
	return read_clock(CLOCK_REALTIME);
}

uint64_t clock_boot_ticks(void)
{
	return clock_machine_ticks(read_clock(CLOCK_BOOTTIME) / UINT64_C(10000000));
}

/* ---- Ticks */

#define VALID_NS   UINT64_C(500000)
#define MEASURE_NS UINT64_C(2000000) /* shorter stretches measure too coarsely */
#define MEASURE_ANEW_NS \
	UINT64_C(1000000000) /* longer ones would miss how the kernel steers its clock */
#define ONE_MOMENT 5000 /* ticks: with more between, somebody else ran, and the moments are two */

/* What the vDSO reads by itself; for any other clock source it asks the kernel. */
static const char *const free_sources[] = { "tsc\n", "kvm-clock\n", "hyperv_clocksource_tsc_page\n",
					    "arch_sys_counter\n" };

static bool ticks_are_the_clock, source_is_free;

/* The kernel itself must count by the ticks: only then do all processors agree on them. */
static void find_source(void)
{
	char name[40] = "";
	long fd;

	fd = raw3(SYS_openat, AT_FDCWD,
		  "/sys/devices/system/clocksource/clocksource0/current_clocksource",
		  O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	raw3(SYS_read, fd, name, sizeof(name) - 1);
	raw1(SYS_close, fd);
	ticks_are_the_clock = ARCH_HAS_TICKS && !strcmp(name, "tsc\n");
	for (unsigned i = 0; i < sizeof(free_sources) / sizeof(*free_sources); i++)
		source_is_free = source_is_free || !strcmp(name, free_sources[i]);
}

bool clock_is_free(void)
{
	return vdso_clock && source_is_free;
}

void clock_find(void)
{
	find_vdso();
	find_source();
	find_offsets();
}

/* From `ticker->ticks` and `ns`, which are of one moment, how long they hold, and at which rate. */
static uint64_t measure(struct ticker *ticker)
{
	uint64_t ns = ticker->ns - ticker->first_ns, ticks = ticker->ticks - ticker->first_ticks;
	bool measured = ticker->first_ns && ns <= 10 * MEASURE_ANEW_NS && ticks > ns / 16;

	if (measured && ns >= MEASURE_NS)
		ticker->factor = (ns << TICKER_SHIFT) / ticks;
	if (!measured)
		ticker->factor = 0;
	if (!measured || ns >= MEASURE_ANEW_NS) {
		ticker->first_ns = ticker->ns;
		ticker->first_ticks = ticker->ticks;
	}
	return ticker->factor ? (VALID_NS << TICKER_SHIFT) / (ticker->factor + 1) : 0;
}

/* A handler that comes before `valid` is written again asks the clock; so does one that leaves by
 * siglongjmp, and its thread from then on. */
static void set_moment(struct ticker *ticker, uint64_t ticks, uint64_t ns)
{
	uint64_t turn = atomic_load_explicit(&ticker->turn, memory_order_relaxed), valid;

	if (turn & 1)
		return;
	atomic_store_explicit(&ticker->turn, turn + 1, memory_order_relaxed);
	atomic_signal_fence(memory_order_release);
	ticker->valid = 0;
	atomic_signal_fence(memory_order_release);
	ticker->ticks = ticks;
	ticker->ns = ns;
	valid = measure(ticker);
	atomic_signal_fence(memory_order_release);
	ticker->valid = valid;
	atomic_signal_fence(memory_order_release);
	atomic_store_explicit(&ticker->turn, turn + 2, memory_order_relaxed);
}

uint64_t ticker_resync(struct ticker *ticker)
{
	uint64_t before, after, ns;

	if (!ticks_are_the_clock)
		return clock_monotonic();
	before = arch_ticks();
	ns = clock_monotonic();
	after = arch_ticks();
	if (after - before <= ONE_MOMENT)
		set_moment(ticker, before + (after - before) / 2, ns);
	return ns;
}
