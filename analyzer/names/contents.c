/* SPDX-License-Identifier: MIT */
#include "analyzer/names/contents.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WAL_INDEX_VERSION UINT32_C(3007000)
#define TDB_VERSION	  UINT32_C(0x26011967 + 6)

struct tdb_head {
	char magic[32];
	uint32_t version, hash_size; /* in the byte order of the machine that made it */
};

static bool is_it(const struct stat *stat, const struct file_info *file)
{
	return S_ISREG(stat->st_mode) && stat->st_dev == file->device &&
	       stat->st_ino == file->inode;
}

/* Only a plain file is opened, and only if it is the one that was locked. -1: it is not there. */
static ssize_t read_head(const struct file_info *file, void *head, size_t room)
{
	struct stat stat;
	ssize_t bytes = -1;
	int fd;

	if (*file->path != '/' || lstat(file->path, &stat) || !is_it(&stat, file))
		return -1;
	fd = open(file->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (!fstat(fd, &stat) && is_it(&stat, file))
		bytes = pread(fd, head, room, 0);
	close(fd);
	return bytes;
}

struct contents contents_of(const struct file_info *file)
{
	union {
		char bytes[64];
		uint32_t version;
		struct tdb_head tdb;
	} head = { 0 };
	ssize_t bytes = read_head(file, &head, sizeof(head));
	struct contents contents = { .known = bytes >= 0, .empty = bytes == 0 };

	if (bytes < (ssize_t)sizeof(head))
		return contents;
	contents.kinds[SQLITE_DATABASE] = !memcmp(head.bytes, "SQLite format 3", 16);
	contents.kinds[SQLITE_SHM] = head.version == WAL_INDEX_VERSION;
	contents.kinds[TDB_DATABASE] = !memcmp(head.tdb.magic, "TDB file\n", 10);
	if (contents.kinds[TDB_DATABASE] && head.tdb.version == TDB_VERSION)
		contents.chains = head.tdb.hash_size;
	return contents;
}
