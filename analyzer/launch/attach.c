/* SPDX-License-Identifier: MIT */
/* Mapping a session that exists, and finding the one of a process. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyzer/base/memory.h"
#include "analyzer/launch/session.h"
#include "analyzer/system/process.h"
#include "trace/session.h"

static char *trouble(const struct header *header, uint64_t bytes)
{
	if (header->magic != FORMAT_MAGIC)
		return xstrdup("not a flocktrace session");
	if (header->byte_order != FORMAT_BYTE_ORDER)
		return xstrdup("made on a machine of other byte order");
	if (header->version != FORMAT_VERSION)
		return xasprintf("format version %u, this flocktrace reads version %d",
				 header->version, FORMAT_VERSION);
	if (header->kind == FILE_TRACE)
		return xstrdup("a trace, not a session that is being recorded");
	if (!session_header_fits(header, bytes))
		return xstrdup("damaged header");
	return NULL;
}

/* The session in fd; NULL or what is wrong with it. */
static char *map_existing(struct session *session, int fd)
{
	struct stat stat;
	void *memory;
	char *wrong;

	if (fstat(fd, &stat))
		return xstrdup(strerror(errno));
	if (!S_ISREG(stat.st_mode))
		return xstrdup("not a flocktrace session");
	if (geteuid() && stat.st_uid != geteuid())
		return xstrdup("belongs to another user");
	if (stat.st_size < HEADER_BYTES)
		return xstrdup("not a flocktrace session");
	memory = mmap(NULL, (size_t)stat.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return xstrdup(strerror(errno));
	memcpy(&session->checked, memory, sizeof(session->checked));
	wrong = trouble(&session->checked, (uint64_t)stat.st_size);
	if (wrong) {
		munmap(memory, (size_t)stat.st_size);
		return wrong;
	}
	session->header = memory;
	session->bytes = (size_t)stat.st_size;
	return NULL;
}

bool session_attach(struct session *session, const char *path, char **error)
{
	int fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char *wrong;

	memset(session, 0, sizeof(*session));
	wrong = fd < 0 ? xstrdup(strerror(errno)) : map_existing(session, fd);
	if (fd >= 0)
		close(fd);
	if (wrong) {
		*error = xasprintf("%s: %s", path, wrong);
		free(wrong);
		return false;
	}
	session->path = xstrdup(path);
	return true;
}

/* The path at the end of a line of /proc/PID/maps, if it may be a session's. */
static char *session_path(char *line)
{
	char *path = strchr(line, '/');

	if (!path || !strstr(line, " rw-s ") || !strstr(path, "/" SESSION_DIRECTORY))
		return NULL;
	return path;
}

char *session_of_process(int pid, char **error)
{
	char *maps = NULL, *found = NULL;
	char *line, *rest;

	if (process_file(pid, "maps", &maps) < 0) {
		*error = xasprintf("process %d: %s", pid,
				   errno == ENOENT ? strerror(ESRCH) : strerror(errno));
		return NULL;
	}
	for (line = strtok_r(maps, "\n", &rest); line && !found;
	     line = strtok_r(NULL, "\n", &rest)) {
		struct session session;
		char *path = session_path(line), *ignored = NULL;

		if (!path)
			continue;
		if (session_attach(&session, path, &ignored)) {
			found = xstrdup(path);
			session_close(&session);
		}
		free(ignored);
	}
	free(maps);
	if (!found)
		*error = xasprintf("process %d records into no session", pid);
	return found;
}
