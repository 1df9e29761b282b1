/* SPDX-License-Identifier: MIT */
#include "analyzer/launch/session.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "analyzer/base/memory.h"
#include "analyzer/launch/clock.h"
#include "analyzer/system/process.h"
#include "config.h"
#include "trace/session.h"

#define MIB	     (UINT64_C(1) << 20)
#define RING_MAX     (16 * MIB) /* a tenth of a second at full speed; larger ones leave the cache */
#define RING_MIN     (1 * MIB)
#define RING_OF_MANY (16 * MIB) /* from here on there is room for many slots too */
#define SLOW_CELLS   (1 << 12)
#define DIRECTORIES  3

/* ---- Where ---------------------------------------------------------------------------------- */

/* The candidates in the documented order; NULL where there is none. The caller frees them. */
static void directory_names(char *names[DIRECTORIES])
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	unsigned uid = geteuid();

	names[0] = runtime && *runtime == '/' ? xasprintf("%s/" SESSION_DIRECTORY, runtime) : NULL;
	names[1] = xasprintf("/dev/shm/" SESSION_DIRECTORY "-%u", uid);
	names[2] = xasprintf("/tmp/" SESSION_DIRECTORY "-%u", uid);
}

/* Opens the directory, made if need be, if it is ours alone; else -1. */
static int open_directory(const char *path)
{
	struct stat stat;
	int fd;

	if (mkdir(path, 0700) && errno != EEXIST)
		return -1;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (!fstat(fd, &stat) && stat.st_uid == geteuid() && (stat.st_mode & 07777) == 0700)
		return fd;
	close(fd);
	errno = EPERM;
	return -1;
}

/* ---- How large ------------------------------------------------------------------------------ */

static uint64_t limit_of(int resource, uint64_t divisor)
{
	struct rlimit limit;

	if (getrlimit((__rlimit_resource_t)resource, &limit) || limit.rlim_cur == RLIM_INFINITY)
		return UINT64_MAX;
	return limit.rlim_cur / divisor;
}

static struct session_size size_for(uint64_t ring_bytes)
{
	bool many = ring_bytes >= RING_OF_MANY;

	return (struct session_size){
		.thread_slots = many ? 8192 : 1024,
		.process_slots = many ? 2048 : 512,
		.slow_cells = SLOW_CELLS,
		.ring_cells = ring_bytes / CELL_SIZE,
	};
}

/*
 * A program that locks all its memory (mlockall) locks the session too, if its limit allows. Root
 * has none; one that libc alone does not fit into keeps every program from it.
 */
static uint64_t lockable(void)
{
	uint64_t share = limit_of(RLIMIT_MEMLOCK, 4);

	return geteuid() && share >= RING_MIN ? share : UINT64_MAX;
}

/*
 * The program inherits our limits: a mapping that eats the address space that it may have would
 * starve it.
 */
static uint64_t ring_bytes_for(int directory)
{
	struct statvfs room;
	uint64_t most = RING_MAX, bytes = RING_MIN;
	uint64_t limits[] = { limit_of(RLIMIT_FSIZE, 2), limit_of(RLIMIT_AS, 16), lockable() };

	if (fstatvfs(directory, &room))
		return 0;
	if ((uint64_t)room.f_bavail * room.f_frsize / 4 < most)
		most = (uint64_t)room.f_bavail * room.f_frsize / 4;
	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
		if (limits[i] < most)
			most = limits[i];
	}
	while (2 * bytes <= most)
		bytes *= 2;
	return bytes <= most ? bytes : 0;
}

/* ---- Making one ----------------------------------------------------------------------------- */

static void read_boot_id(uint64_t id[2])
{
	char text[64] = "";
	unsigned digits = 0;
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

	id[0] = id[1] = 0;
	if (fd < 0)
		return;
	if (read(fd, text, sizeof(text) - 1) > 0) {
		for (const char *at = text; *at && digits < 32; at++) {
			char digit[2] = { *at, '\0' };
			char *end;
			uint64_t value = strtoull(digit, &end, 16);

			if (*end)
				continue;
			id[digits / 16] = id[digits / 16] << 4 | value;
			digits++;
		}
	}
	close(fd);
}

static void describe(struct header *header)
{
	read_boot_id(header->boot_id);
	header->monotonic = clock_now();
	header->realtime = clock_read(CLOCK_REALTIME);
	header->pidns = process_own_pidns();
	header->creator_pid = getpid();
	header->creator_uid = geteuid();
	header->drained = 1;
	snprintf(header->tool, sizeof(header->tool), "%s", FLOCKTRACE_VERSION);
}

/*
 * Writes through a mapping of a file without blocks would kill the program with SIGBUS once the
 * file system is full; so all blocks are there before anybody maps it.
 */
static bool map_new(struct session *session, int fd, const struct header *header, uint64_t bytes)
{
	void *memory;

	errno = posix_fallocate(fd, 0, (off_t)bytes);
	if (errno)
		return false;
	memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return false;
	madvise(memory, bytes, MADV_DONTDUMP);
	memcpy(memory, header, sizeof(*header));
	session->header = memory;
	session->bytes = bytes;
	session->checked = *header;
	return true;
}

static bool create_in(struct session *session, const char *directory)
{
	struct header header;
	uint64_t random = clock_now(), ring_bytes;
	char name[64];
	bool made = false;
	int at, fd = -1;

	/* Somebody else's session_close() may take the directory away between our two looks. */
	for (int tries = 0; tries < 3 && fd < 0; tries++) {
		at = open_directory(directory);
		if (at < 0)
			return false;
		if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != sizeof(random))
			random = clock_now();
		snprintf(name, sizeof(name), "session.%d.%016" PRIx64, (int)getpid(), random);
		fd = openat(at, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd < 0)
			close(at);
	}
	if (fd < 0)
		return false;
	ring_bytes = fchmod(fd, 0600) ? 0 : ring_bytes_for(at);
	errno = ENOSPC;
	for (; ring_bytes >= RING_MIN && !made; ring_bytes /= 2) {
		uint64_t bytes;

		memset(&header, 0, sizeof(header));
		bytes = session_layout(&header, size_for(ring_bytes));
		describe(&header);
		made = map_new(session, fd, &header, bytes);
		if (!made && ftruncate(fd, 0))
			break;
	}
	close(fd);
	if (made) {
		session->path = xasprintf("%s/%s", directory, name);
		session->directory = xstrdup(directory);
	} else {
		int saved = errno;

		unlinkat(at, name, 0);
		rmdir(directory);
		errno = saved;
	}
	close(at);
	return made;
}

bool session_create(struct session *session, char **error)
{
	char *names[DIRECTORIES];
	bool made = false;
	int saved = ENOENT;

	memset(session, 0, sizeof(*session));
	directory_names(names);
	for (int i = 0; i < DIRECTORIES && !made; i++) {
		if (!names[i])
			continue;
		made = create_in(session, names[i]);
		if (!made)
			saved = errno;
	}
	if (!made)
		*error = xasprintf("no place for a session file (tried %s%s%s and %s): %s",
				   names[0] ? names[0] : "", names[0] ? ", " : "", names[1],
				   names[2], strerror(saved));
	for (int i = 0; i < DIRECTORIES; i++)
		free(names[i]);
	return made;
}

const char *session_mark(const struct session *session)
{
	const char *slash = strrchr(session->path, '/');

	return slash ? slash : session->path;
}

void session_close(struct session *session)
{
	if (session->header)
		munmap(session->header, session->bytes);
	if (session->directory) {
		unlink(session->path);
		rmdir(session->directory); /* fails while other sessions live there */
	}
	free(session->path);
	free(session->directory);
	memset(session, 0, sizeof(*session));
}
