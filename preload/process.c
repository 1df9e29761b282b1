/* SPDX-License-Identifier: MIT */
#include "preload/process.h"

#include <fcntl.h>
#include <linux/kcmp.h>
#include <string.h>
#include <sys/mman.h>

#include "preload/ahead.h"
#include "preload/arch.h"
#include "preload/clock.h"
#include "preload/emit.h"
#include "preload/exec.h"
#include "preload/file.h"
#include "preload/grants.h"
#include "preload/inherit.h"
#include "preload/kept.h"
#include "preload/modules.h"
#include "preload/process_table.h"
#include "preload/signals.h"
#include "preload/thread.h"
#include "preload/twins.h"

struct process_page *process_page;

/* What does not change in an image. */
static struct {
	uint64_t start_time;
	int32_t ppid;
	char comm[16];
	char exe[4096];
	size_t exe_length;
	char arguments[4096];
	size_t arguments_length;
} identity;

size_t process_read_file(const char *path, char *buffer, size_t room)
{
	long fd = raw3(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC), got;
	size_t length = 0;

	if (fd < 0)
		return 0;
	while (length < room && (got = raw3(SYS_read, fd, buffer + length, room - length)) > 0)
		length += (size_t)got;
	raw1(SYS_close, fd);
	return length;
}

static size_t read_link(const char *path, char *buffer, size_t room)
{
	long length = raw4(SYS_readlinkat, AT_FDCWD, path, buffer, room);

	return length > 0 ? (size_t)length : 0;
}

static uint64_t parse_number(const char **at)
{
	uint64_t number = 0;

	while (**at && (**at < '0' || **at > '9'))
		++*at;
	for (; **at >= '0' && **at <= '9'; ++*at)
		number = number * 10 + (uint64_t)(**at - '0');
	return number;
}

/* pid (comm) state ppid …; the name may hold anything, so the last ')' ends it. Field 22 is the
 * start time. */
static bool parse_stat(char *text, size_t length)
{
	const char *open, *at;
	char *close;

	text[length] = '\0';
	open = strchr(text, '(');
	close = strrchr(text, ')');
	if (!open || !close || close < open)
		return false;
	*close = '\0';
	strncpy(identity.comm, open + 1, sizeof(identity.comm) - 1);
	at = close + 3; /* past "S", the state */
	identity.ppid = (int32_t)parse_number(&at);
	/* Fields 5 to 21; some are negative: the sign is skipped with the blanks. */
	for (int field = 5; field < 22; field++)
		parse_number(&at);
	identity.start_time = clock_machine_ticks(parse_number(&at));
	return true;
}

/* /proc/self/status has a line "Seccomp:\t0" where there is no filter. */
static bool find_sandbox(void)
{
	char text[4096];
	const char *line;

	text[process_read_file("/proc/self/status", text, sizeof(text) - 1)] = '\0';
	line = strstr(text, "\nSeccomp:\t");
	return !line || line[10] != '0';
}

static uint64_t find_open_fds(void)
{
	uint64_t open = 0;

	for (int fd = 0; fd < 64; fd++)
		if (raw2(SYS_fcntl, fd, F_GETFD) >= 0)
			open |= UINT64_C(1) << fd;
	return open;
}

static void find_namespace(void)
{
	char text[64];
	const char *at = text;

	text[read_link("/proc/self/ns/pid", text, sizeof(text) - 1)] = '\0';
	recorder.pidns = parse_number(&at);
}

bool process_identify(void)
{
	char text[1024];
	size_t length;
	void *page = (void *)raw6(SYS_mmap, 0, 4096, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if ((unsigned long)page > -4096UL)
		return false;
	raw3(SYS_madvise, page, 4096, MADV_WIPEONFORK);
	process_page = page;
	recorder.open_fds = find_open_fds();
	recorder.sandboxed = find_sandbox();
	recorder.pid = (int32_t)raw0(SYS_getpid);
	length = process_read_file("/proc/self/stat", text, sizeof(text) - 1);
	if (!parse_stat(text, length)) {
		identity.start_time = clock_boot_ticks();
		identity.ppid = (int32_t)raw0(SYS_getppid);
	}
	find_namespace();
	identity.exe_length = read_link("/proc/self/exe", identity.exe, sizeof(identity.exe) - 1);
	if (recorder.argv_wanted)
		identity.arguments_length = process_read_file(
			"/proc/self/cmdline", identity.arguments, sizeof(identity.arguments));
	/* Until it joins a session, a process has a slot of its own, so that no path needs to ask.
	 */
	recorder.slot = &process_spare_slot;
	atomic_store_explicit(&process_page->process, SLOT_BUSY, memory_order_relaxed);
	return true;
}

/* ---- Announcing */

#define PIECES 4

static struct record_process describe(enum process_reason reason, struct piece pieces[PIECES])
{
	uint32_t bytes = 0;

	pieces[0] = (struct piece){ identity.exe, identity.exe_length + 1 };
	pieces[1] = (struct piece){ identity.comm, strlen(identity.comm) };
	pieces[2] = (struct piece){ "", 1 };
	pieces[3] = (struct piece){ identity.arguments, identity.arguments_length };
	for (int i = 0; i < PIECES; i++)
		bytes += (uint32_t)pieces[i].length;
	return (struct record_process){
		.kind = RECORD_PROCESS,
		.reason = (uint8_t)reason,
		.process = recorder.process,
		.parent = recorder.slot->parent,
		.pid = recorder.pid,
		.ppid = recorder.slot->ppid,
		.bytes = bytes,
		.time = clock_monotonic(),
		.start_time = recorder.slot->start_time,
		.open_fds = recorder.open_fds,
		.pidns = recorder.pidns,
	};
}

static void announce(enum process_reason reason)
{
	struct piece pieces[PIECES];
	struct record_process record = describe(reason, pieces);

	atomic_store_explicit(&recorder.slot->last_announced, emit_long(&record, pieces, PIECES),
			      memory_order_release);
}

void process_announce(void)
{
	announce(PROCESS_AGAIN);
}

void process_announce_slow(void)
{
	struct piece pieces[PIECES];
	struct record_process record = describe(PROCESS_AGAIN, pieces);

	emit_long_slow(&record, pieces, PIECES);
}

/* ---- Joining */

static void take_slot(uint32_t parent, uint64_t start_time, int32_t ppid)
{
	uint32_t process = process_number_new();
	struct process_slot *slot = process_slot_claim();

	/* Whoever is forked into a new namespace has no parent in it; others share their parent's.
	 */
	if (!ppid && !recorder.sandboxed)
		find_namespace();
	else if (!ppid)
		recorder.pidns = 0;
	memset((char *)slot + sizeof(slot->process), 0, sizeof(*slot) - sizeof(slot->process));
	slot->pid = recorder.pid;
	slot->start_time = start_time;
	slot->pidns = recorder.pidns;
	slot->parent = parent;
	slot->ppid = ppid;
	memcpy(slot->comm, identity.comm, sizeof(slot->comm));
	atomic_store_explicit(&slot->process, process, memory_order_release);
	recorder.slot = slot;
	recorder.process = process;
}

/* A fork child that joins only now, and was identified before it was born. */
static void identify_anew(void)
{
	recorder.pid = (int32_t)raw0(SYS_getpid);
	recorder.open_fds = UINT64_MAX;
	identity.start_time = clock_boot_ticks();
	identity.ppid = (int32_t)raw0(SYS_getppid);
}

/* Later on, in the host's own time, nothing is opened. */
static bool in_constructor(void)
{
	return atomic_load_explicit(&recorder.state, memory_order_relaxed) == RECORDER_OFF;
}

void process_join(void)
{
	struct process_slot *mine, *parent;

	if (!atomic_load_explicit(&process_page->process, memory_order_relaxed))
		identify_anew();
	mine = process_slot_by_pid(recorder.pid, identity.start_time);
	if (mine) {
		recorder.slot = mine;
		recorder.process = atomic_load_explicit(&mine->process, memory_order_relaxed);
		mine->start_time = identity.start_time;
		memcpy(mine->comm, identity.comm, sizeof(mine->comm));
		atomic_fetch_add(&mine->image, 1);
		process_free_threads(recorder.process);
	} else {
		parent = process_slot_by_pid(identity.ppid, 0);
		take_slot(parent ? atomic_load_explicit(&parent->process, memory_order_relaxed) : 0,
			  identity.start_time, identity.ppid);
		if (parent)
			process_slot_count_child(parent);
	}
	atomic_store_explicit(&process_page->process, recorder.process, memory_order_relaxed);
	announce(mine ? PROCESS_EXEC : PROCESS_START);
	if (mine) {
		exec_forget_lost();
		return;
	}
	inherit_from_parent();
	if (in_constructor())
		kept_record();
}

static void forked(void)
{
	/* A copy: where the table is full, child and parent have the same private slot. */
	struct process_slot before, *parent = recorder.slot;

	memcpy(&before, parent, sizeof(before));
	take_slot(recorder.process, clock_boot_ticks(), (int32_t)raw0(SYS_getppid));
	process_slot_count_child(parent);
	recorder.open_fds = UINT64_MAX; /* any may come from the parent */
	recorder.shares_table = false;
	grants_inherit(recorder.slot, &before);
	modules_forget_announced();
	twins_forked();
	atomic_store_explicit(&process_page->process, recorder.process, memory_order_relaxed);
	announce(PROCESS_FORK);
	inherit_since_fork(parent);
}

/* No handler may lock as the parent meanwhile. */
bool process_forked(void)
{
	uint64_t signals;

	if (!may_ask()) {
		if (atomic_exchange(&recorder.state, RECORDER_BLIND) != RECORDER_BLIND)
			recorder_count(&recorder.session->lost_processes);
		return false;
	}
	signals = signals_block();
	if (!atomic_load_explicit(&process_page->process, memory_order_relaxed)) {
		recorder.pid = (int32_t)raw0(SYS_getpid);
		ahead_begin();
		forked();
	}
	signals_restore(signals);
	return true;
}

bool process_shares_fds(void)
{
	int32_t pid = (int32_t)raw0(SYS_getpid);

	/* In a sandbox, which might kill for kcmp(2), not asked: hardly anybody shares them. */
	return !recorder.sandboxed &&
	       !raw_syscall(SYS_kcmp, pid, recorder.pid, KCMP_FILES, 0, 0, 0);
}

/* POSIX locks belong to the table of fds, so whoever shares it is one owner with the other. */
bool process_cloned(void)
{
	uint64_t signals;

	if (!process_shares_fds())
		return process_forked();
	signals = signals_block();
	if (!atomic_load_explicit(&process_page->process, memory_order_relaxed)) {
		recorder.pid = (int32_t)raw0(SYS_getpid);
		recorder.shares_table = true;
		ahead_begin();
		thread_forget();
		atomic_store_explicit(&process_page->process, recorder.process,
				      memory_order_relaxed);
	}
	signals_restore(signals);
	return true;
}

bool process_is_vm_child(void)
{
	return may_ask() && raw0(SYS_getpid) != recorder.pid;
}

void process_watch(int fd)
{
	atomic_fetch_or_explicit(&recorder.slot->watch, UINT64_C(1) << (fd & 63),
				 memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst); /* see process_slot_count_child */
}

/* fd n and fd n + 64 share a bit: that of a known neighbour stays. */
void process_unwatch(int fd)
{
	if (!file_known_beside(fd))
		atomic_fetch_and_explicit(&recorder.slot->watch, ~(UINT64_C(1) << (fd & 63)),
					  memory_order_relaxed);
}

const char *process_exe(void)
{
	return identity.exe;
}

const char *process_name(void)
{
	return identity.comm;
}
