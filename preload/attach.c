/* SPDX-License-Identifier: MIT */
#include "preload/attach.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "preload/ahead.h"
#include "preload/arch.h"
#include "preload/cgroup.h"
#include "preload/clock.h"
#include "preload/recorder.h"
#include "trace/session.h"

#define PLACES	   3
#define PLACE_ROOM 256

/* The directories in which the default session may live, in order; "" where there is none. */
static char places[PLACES][PLACE_ROOM];

static bool is_error(long result)
{
	return (unsigned long)result > -4096UL;
}

/* Appends as much as fits; false if not all did. */
static bool join(char *path, size_t room, const char *text)
{
	size_t used = strlen(path), length = strlen(text);

	if (used + length >= room)
		return false;
	memcpy(path + used, text, length + 1);
	return true;
}

static void decimal(char text[12], unsigned number)
{
	char *at = text + 11;

	*at = '\0';
	do
		*--at = (char)('0' + number % 10);
	while (number /= 10);
	memmove(text, at, strlen(at) + 1);
}

void attach_prepare(char **environment)
{
	static const char runtime[] = "XDG_RUNTIME_DIR=";
	char uid[12];

	decimal(uid, (unsigned)raw0(SYS_geteuid));
	for (; environment && *environment; environment++)
		if (!strncmp(*environment, runtime, sizeof(runtime) - 1) &&
		    (*environment)[sizeof(runtime) - 1] == '/' &&
		    (!join(places[0], PLACE_ROOM, *environment + sizeof(runtime) - 1) ||
		     !join(places[0], PLACE_ROOM, "/" SESSION_DIRECTORY)))
			places[0][0] = '\0';
	join(places[1], PLACE_ROOM, "/dev/shm/" SESSION_DIRECTORY "-");
	join(places[1], PLACE_ROOM, uid);
	join(places[2], PLACE_ROOM, "/tmp/" SESSION_DIRECTORY "-");
	join(places[2], PLACE_ROOM, uid);
}

/* ---- Mapping */

/* Root may record into any session that it names. */
static bool is_ours(const struct stat *status)
{
	uid_t uid = (uid_t)raw0(SYS_geteuid);

	return S_ISREG(status->st_mode) && (status->st_uid == uid || uid == 0) &&
	       !(status->st_mode & 077);
}

static bool is_usable(const struct header *header, uint64_t size)
{
	return header->magic == FORMAT_MAGIC && header->byte_order == FORMAT_BYTE_ORDER &&
	       header->version == FORMAT_VERSION && header->kind == FILE_SESSION &&
	       session_header_fits(header, size) && header->process_slots &&
	       header->ring_cells >= 2 * CELLS_MAX;
}

static void adopt(char *base, const struct header *checked)
{
	recorder.session = (struct header *)base;
	recorder.ring = (void *)(base + checked->ring_offset);
	recorder.ring_mask = checked->ring_cells - 1;
	recorder.slow_ring = (void *)(base + checked->slow_offset);
	recorder.slow_mask = checked->slow_cells ? checked->slow_cells - 1 : 0;
	recorder.thread_slots = (void *)(base + checked->thread_offset);
	recorder.thread_slot_count = checked->thread_slots;
	recorder.process_slots = (void *)(base + checked->process_offset);
	recorder.process_slot_count = checked->process_slots;
	ahead_begin();
}

static bool limit_allows(int resource, uint64_t size)
{
	struct rlimit limit;

	return !raw4(SYS_prlimit64, 0, resource, 0, &limit) && limit.rlim_cur >= size;
}

static bool map(long fd)
{
	struct stat status;
	struct header checked;
	long base;

	if (raw2(SYS_fstat, fd, &status) || !is_ours(&status) || status.st_size < HEADER_BYTES)
		return false;
	/* Whoever made it had other limits: one that would starve this host is not for it. */
	if (!limit_allows(RLIMIT_AS, 4 * (uint64_t)status.st_size))
		return false;
	base = raw6(SYS_mmap, 0, status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (is_error(base))
		return false;
	/* One look: what was checked and what is used must not be two readings of the same bytes.
	 */
	memcpy(&checked, (const void *)base, sizeof(checked));
	__asm__ volatile("" ::: "memory");
	if (!is_usable(&checked, (uint64_t)status.st_size)) {
		raw2(SYS_munmap, base, status.st_size);
		return false;
	}
	raw3(SYS_madvise, base, status.st_size, MADV_DONTDUMP);
	adopt((char *)base, &checked);
	return true;
}

/* What is opened must not take the place of stdin, stdout or stderr, not even for a moment:
 * somebody may fork. */
static long above_stdio(long fd)
{
	long moved;

	if (fd < 0 || fd > 2)
		return fd;
	moved = raw3(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 3);
	raw1(SYS_close, fd);
	return moved;
}

bool attach_session(const char *path)
{
	long fd = above_stdio(
		raw3(SYS_openat, AT_FDCWD, path, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
	bool mapped;

	if (fd < 0)
		return false;
	mapped = map(fd);
	raw1(SYS_close, fd);
	return mapped;
}

/* ---- The default session
 * ---------------------------------------------------------------------------------------- */

static bool is_private_directory(const char *path)
{
	struct stat status;

	return !raw4(SYS_newfstatat, AT_FDCWD, path, &status, AT_SYMLINK_NOFOLLOW) &&
	       S_ISDIR(status.st_mode) && status.st_uid == (uid_t)raw0(SYS_geteuid) &&
	       (status.st_mode & 07777) == 0700;
}

static bool default_path(int place, char path[PLACE_ROOM], const char *name)
{
	path[0] = '\0';
	return places[place][0] && join(path, PLACE_ROOM, places[place]) &&
	       join(path, PLACE_ROOM, "/") && join(path, PLACE_ROOM, name);
}

static uint64_t boot_id_word(void)
{
	char text[36];
	uint64_t word = 0;
	long fd =
		raw3(SYS_openat, AT_FDCWD, "/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	if (raw3(SYS_read, fd, text, sizeof(text)) == sizeof(text))
		for (int i = 0; i < 18; i++) {
			char c = text[i];

			if (c != '-')
				word = word << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
		}
	raw1(SYS_close, fd);
	return word;
}

/* What another boot left behind has other clocks: it is not taken up again, but put out of the way.
 */
static bool is_of_this_boot(void)
{
	return recorder.session->boot_id[0] == boot_id_word();
}

bool attach_default(void)
{
	char path[PLACE_ROOM];

	for (int i = 0; i < PLACES; i++) {
		if (!default_path(i, path, SESSION_DEFAULT_NAME) ||
		    !is_private_directory(places[i]) || !attach_session(path))
			continue;
		if (is_of_this_boot())
			return true;
		raw3(SYS_unlinkat, AT_FDCWD, path, 0);
	}
	return false;
}

/*
 * A file that grows beyond RLIMIT_FSIZE kills with SIGXFSZ; a host that is short of address space,
 * or of memory, needs it more than we do.
 */
static bool limits_allow_session(void)
{
	struct header header = { 0 };
	uint64_t size = session_layout(&header, SESSION_DEFAULT_SIZE);

	return limit_allows(RLIMIT_FSIZE, size) && limit_allows(RLIMIT_AS, 16 * size) &&
	       cgroup_allows(16 * size);
}

static bool fill(long fd)
{
	struct header header = { 0 };
	uint64_t size = session_layout(&header, SESSION_DEFAULT_SIZE);

	header.boot_id[0] = boot_id_word();
	header.monotonic = clock_monotonic();
	header.realtime = clock_realtime();
	header.pidns = recorder.pidns;
	header.creator_pid = recorder.pid;
	header.creator_uid = (uint32_t)raw0(SYS_geteuid);
	memcpy(header.tool, "libflocktrace.so", 17);
	/* Blocks are taken now: a store into a page that a full file system can't give would be a
	 * SIGBUS. */
	return !raw4(SYS_fallocate, fd, 0, 0, size) &&
	       raw4(SYS_pwrite64, fd, &header, sizeof(header), 0) == sizeof(header);
}

/* Made whole under a name of its own, then linked: nobody ever sees half a session, and the first
 * one wins. */
static bool make_in(int place)
{
	char path[PLACE_ROOM], temporary[PLACE_ROOM], number[12];
	bool made = false;
	long fd;

	if (!is_error(raw3(SYS_mkdirat, AT_FDCWD, places[place], 0700)))
		raw3(SYS_fchmodat, AT_FDCWD, places[place], 0700); /* whatever the umask */
	if (!is_private_directory(places[place]))
		return false;
	decimal(number, (unsigned)recorder.pid);
	if (!default_path(place, path, SESSION_DEFAULT_NAME) ||
	    !default_path(place, temporary, "new.") || !join(temporary, PLACE_ROOM, number))
		return false;
	fd = above_stdio(raw4(SYS_openat, AT_FDCWD, temporary,
			      O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
	if (fd < 0)
		return false;
	if (fill(fd)) {
		made = !is_error(raw6(SYS_linkat, AT_FDCWD, temporary, AT_FDCWD, path, 0, 0));
		if (made)
			made = map(fd);
		else
			made = attach_session(path);
	}
	raw3(SYS_unlinkat, AT_FDCWD, temporary, 0);
	raw1(SYS_close, fd);
	return made;
}

bool attach_make_default(void)
{
	if (attach_default())
		return true;
	if (!limits_allow_session())
		return false;
	for (int i = 0; i < PLACES; i++)
		if (places[i][0] && make_in(i))
			return true;
	return false;
}
