/* SPDX-License-Identifier: MIT */
#include "preload/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "preload/arch.h"
#include "preload/calls.h"
#include "preload/emit.h"
#include "preload/inherit.h"
#include "preload/process.h"
#include "preload/signals.h"
#include "preload/thread.h"
#include "preload/twins.h"

/* An fd can be closed and opened anew unseen (raw system calls): what is older than this is asked
 * again. */
#define RECHECK_NS   UINT64_C(100000000)
#define FDS_DIRECT   1024 /* these have a place of their own, the others share as many again */
#define PATH_LONGEST 4096 /* SCRATCH_ROOM holds it */

/* What is known of an fd. `fd_plus_one` is written last and cleared first, so that a torn entry is
 * no entry. */
struct known {
	_Atomic uint32_t fd_plus_one;
	_Atomic uint32_t reopened; /* number of the process that closed it: there it is no longer
				      inherited */
	_Atomic uint32_t children; /* that this process had then: they don't have what is opened
				      after it */
	_Atomic uint64_t position; /* of the last RECORD_FILE */
	_Atomic uint64_t device, inode, birth;
	_Atomic uint64_t checked; /* ns */
};

static struct known known_files[2 * FDS_DIRECT];

#define get(field)	  atomic_load_explicit(&(field), memory_order_relaxed)
#define set(field, value) atomic_store_explicit(&(field), value, memory_order_relaxed)

static struct known *known_of(int fd)
{
	return (unsigned)fd < FDS_DIRECT ? &known_files[fd]
					 : &known_files[FDS_DIRECT + (unsigned)fd % FDS_DIRECT];
}

static char *append(char *at, const char *text)
{
	while (*text)
		*at++ = *text++;
	return at;
}

static char *append_number(char *at, unsigned number)
{
	char digits[12];
	int count = 0;

	do
		digits[count++] = (char)('0' + number % 10);
	while (number /= 10);
	while (count)
		*at++ = digits[--count];
	return at;
}

void file_proc(char name[FILE_PROC_ROOM], int32_t pid, const char *folder, int fd)
{
	char *at = append(name, "/proc/");

	at = pid ? append_number(at, (unsigned)pid) : append(at, "self");
	at = append(at, folder);
	*append_number(at, (unsigned)fd) = '\0';
}

size_t file_path(int32_t pid, int fd, char *path, size_t room)
{
	char link[FILE_PROC_ROOM];
	long length;

	file_proc(link, pid, "/fd/", fd);
	length = raw4(SYS_readlinkat, AT_FDCWD, link, path, room);
	return length > 0 ? (size_t)length : 0;
}

/* What the kernel says of an open file. */
struct status {
	uint64_t device, inode;
	uint64_t birth; /* ns since 1970; 0: not known */
	uint32_t mode, links;
};

static bool ask_plainly(int fd, struct status *status)
{
	struct stat got;

#ifdef SYS_newfstatat
	if (raw4(SYS_newfstatat, fd, "", &got, AT_EMPTY_PATH))
#else
	if (raw2(SYS_fstat, fd, &got))
#endif
		return false;
	*status = (struct status){ .device = got.st_dev,
				   .inode = got.st_ino,
				   .mode = got.st_mode,
				   .links = (uint32_t)got.st_nlink };
	return true;
}

/* As st_dev has it. */
static uint64_t device_of(uint32_t major, uint32_t minor)
{
	return (major & 0xfffu) << 8 | (minor & 0xffu) | (uint64_t)(minor & ~0xffu) << 12;
}

/* Filters that let fstat pass may not know statx. */
static bool ask(int fd, struct status *status)
{
	struct statx got;
	const unsigned wanted = STATX_BASIC_STATS | STATX_BTIME;

	if (recorder.sandboxed || raw6(SYS_statx, fd, "", AT_EMPTY_PATH, wanted, &got, 0))
		return ask_plainly(fd, status);
	*status = (struct status){ .device = device_of(got.stx_dev_major, got.stx_dev_minor),
				   .inode = got.stx_ino,
				   .mode = got.stx_mode,
				   .links = got.stx_nlink };
	if (got.stx_mask & STATX_BTIME)
		status->birth = (uint64_t)got.stx_btime.tv_sec * UINT64_C(1000000000) +
				got.stx_btime.tv_nsec;
	return true;
}

static struct record_file describe(int fd, const struct status *status)
{
	struct record_file record = {
		.kind = RECORD_FILE,
		.mode = status->mode,
		.device = status->device,
		.inode = status->inode,
		.links = status->links,
		.birth = status->birth,
	};
	struct statfs fs;

	if (!raw2(SYS_fstatfs, fd, &fs)) {
		record.fs_type = (uint64_t)fs.f_type & UINT32_MAX;
		record.mount_flags = (uint64_t)fs.f_flags;
	}
	return record;
}

/* The path needs 4 KiB that must not lie on the host's stack: each thread has room, once. */
static uint64_t announce(int fd, const struct status *status, bool slow)
{
	struct record_file record = describe(fd, status);
	char *path = thread_scratch();
	struct piece piece = { path, path ? file_path(0, fd, path, PATH_LONGEST) : 0 };

	record.bytes = (uint16_t)piece.length;
	return slow ? emit_long_slow(&record, &piece, 1) : emit_long(&record, &piece, 1);
}

static bool is_known(const struct known *known, int fd)
{
	return get(known->fd_plus_one) == (uint32_t)fd + 1;
}

bool file_is_known(int fd)
{
	return is_known(known_of(fd), fd);
}

static bool identity_known(int fd, uint64_t *device, uint64_t *inode)
{
	const struct known *known = known_of(fd);

	*device = get(known->device);
	*inode = get(known->inode);
	return is_known(known, fd);
}

bool file_identity(int fd, uint64_t *device, uint64_t *inode)
{
	struct status status;

	if (!may_ask())
		return identity_known(fd, device, inode);
	if (!ask(fd, &status))
		return false;
	*device = status.device;
	*inode = status.inode;
	return true;
}

/* Of fds from 64 on it is not known whether they were open at the start: they may have been. */
static bool is_inherited(const struct known *known, int fd)
{
	return (fd >= 64 || recorder.open_fds >> fd & 1) &&
	       get(known->reopened) != recorder.process;
}

bool file_is_inherited(int fd)
{
	return is_inherited(known_of(fd), fd);
}

static void note_reopened(struct known *known)
{
	set(known->reopened, recorder.process);
	set(known->children, process_children());
}

/* `fresh`: the fd and its file are known already, and only the announcement is old. */
static void learn(struct known *known, int fd, const struct status *status, bool fresh)
{
	set(known->fd_plus_one, 0);
	set(known->position, announce(fd, status, false));
	set(known->device, status->device);
	set(known->inode, status->inode);
	set(known->birth, status->birth);
	atomic_store_explicit(&known->fd_plus_one, (uint32_t)fd + 1, memory_order_release);
	if (fresh)
		return;
	process_watch(fd);
	if (is_inherited(known, fd) || twins_inherited(fd))
		inherit_from_others(fd);
	else if (process_children() != get(known->children))
		inherit_to_children(fd);
	call_first_lock(fd);
}

/* By what is known, without a path and whatever else would have to be asked. */
static uint64_t announce_known(const struct known *known, bool slow)
{
	struct record_file record = {
		.kind = RECORD_FILE,
		.device = get(known->device),
		.inode = get(known->inode),
		.birth = get(known->birth),
	};

	return slow ? emit_long_slow(&record, NULL, 0) : emit_long(&record, NULL, 0);
}

/* Behind a filter. */
static struct file recall(int fd, struct known *known)
{
	if (!is_known(known, fd))
		return (struct file){ .step_aside = true };
	if (!emit_is_fresh(get(known->position)))
		set(known->position, announce_known(known, false));
	return (struct file){
		.name = (reference)get(known->position),
		.device = get(known->device),
		.inode = get(known->inode),
		.inherited = is_inherited(known, fd),
	};
}

static bool is_file(const struct known *known, const struct status *status)
{
	uint64_t birth = get(known->birth);

	return get(known->device) == status->device && get(known->inode) == status->inode &&
	       (!birth || !status->birth || birth == status->birth);
}

static struct file look(int fd, struct known *known, uint64_t now)
{
	struct status status;
	bool same_fd = is_known(known, fd), fresh;
	struct file file = { .asked = true };
	uint64_t signals;

	if (!may_ask())
		return recall(fd, known);
	if (!same_fd && process_is_vm_child())
		return (struct file){ .step_aside = true };
	if (fd < 0 || !ask(fd, &status))
		return file;
	file.device = status.device;
	file.inode = status.inode;
	fresh = same_fd && is_file(known, &status);
	if (same_fd && !fresh)
		note_reopened(known);
	if (!fresh || !emit_is_fresh(get(known->position))) {
		/* All or nothing: a handler that left by siglongjmp would leave an fd that is
		 * known, and never watched. */
		signals = signals_block();
		learn(known, fd, &status, fresh);
		signals_restore(signals);
	}
	set(known->checked, now);
	file.inherited = is_inherited(known, fd);
	file.name = (reference)get(known->position);
	return file;
}

void file_of(struct file *file, int fd, uint64_t now)
{
	struct known *known = known_of(fd);
	uint32_t before = atomic_load_explicit(&known->fd_plus_one, memory_order_acquire);
	uint64_t position = get(known->position);

	file->name = (reference)position;
	file->device = get(known->device);
	file->inode = get(known->inode);
	file->asked = file->step_aside = false;
	file->inherited = is_inherited(known, fd);
	/* Fds beyond the direct ones share their places: it may have changed hands meanwhile. */
	atomic_thread_fence(memory_order_acquire);
	if (unlikely(before != (uint32_t)fd + 1) || unlikely(get(known->fd_plus_one) != before) ||
	    unlikely(now - get(known->checked) > RECHECK_NS) || unlikely(!emit_is_fresh(position)))
		*file = look(fd, known, now);
}

static void forget_one(struct known *known, unsigned first, unsigned last)
{
	uint32_t fd_plus_one = get(known->fd_plus_one);

	if (fd_plus_one > first && fd_plus_one - 1 <= last)
		set(known->fd_plus_one, 0);
}

void file_forget(unsigned first, unsigned last)
{
	for (unsigned fd = first; fd <= last && fd < FDS_DIRECT; fd++) {
		set(known_files[fd].fd_plus_one, 0);
		note_reopened(&known_files[fd]);
	}
	if (last < FDS_DIRECT)
		return;
	if (first == last)
		forget_one(known_of((int)first), first, last);
	else
		for (unsigned i = 0; i < FDS_DIRECT; i++)
			forget_one(&known_files[FDS_DIRECT + i], first, last);
}

bool file_known_beside(int fd)
{
	for (unsigned other = (unsigned)fd & 63; other < 2 * FDS_DIRECT; other += 64)
		if (get(known_files[other].fd_plus_one) && other != (unsigned)fd)
			return true;
	return false;
}

void file_duplicated(int from, int to)
{
	const struct known *source = known_of(from);
	struct known *copy = known_of(to);

	if (get(source->fd_plus_one) != (uint32_t)from + 1)
		return;
	set(copy->fd_plus_one, 0);
	set(copy->position, get(source->position));
	set(copy->device, get(source->device));
	set(copy->inode, get(source->inode));
	set(copy->birth, get(source->birth));
	set(copy->checked, get(source->checked));
	note_reopened(copy);
	atomic_store_explicit(&copy->fd_plus_one, (uint32_t)to + 1, memory_order_release);
}

reference file_announce_slow(int fd)
{
	const struct known *known = known_of(fd);
	struct status status;
	uint64_t signals;
	reference name;

	if (!may_ask())
		return is_known(known, fd) ? (reference)announce_known(known, true) : 0;
	if (fd < 0 || !ask(fd, &status))
		return 0;
	signals = signals_block();
	name = (reference)announce(fd, &status, true);
	signals_restore(signals);
	return name;
}
