/* SPDX-License-Identifier: MIT */
#include "analyzer/launch/preload.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyzer/base/memory.h"
#include "analyzer/system/elf.h"
#include "config.h"
#include "trace/format.h"

#define PRELOAD_BUILD "../lib/libflocktrace.so" /* in the build tree */

char *preload_check(const char *path)
{
	struct elf_summary elf;

	elf_look(path, &elf);
	switch (elf.state) {
	case ELF_UNREADABLE:
		return xasprintf("%s: %s", path, strerror(errno));
	case ELF_NONE:
		return xasprintf("%s: not a shared object", path);
	case ELF_TRUNCATED:
		return xasprintf("%s: truncated", path);
	case ELF_OTHER_CLASS:
	case ELF_OTHER_MACHINE:
		return xasprintf("%s: made for another machine", path);
	case ELF_READ:
		break;
	}
	if (!elf.executable)
		return xasprintf("%s: not a shared object", path);
	if (!elf.has_version)
		return xasprintf("%s: not flocktrace's preload object (no format version in it)",
				 path);
	if (elf.version != FORMAT_VERSION)
		return xasprintf("%s: writes format version %u, this flocktrace reads version %d",
				 path, elf.version, FORMAT_VERSION);
	/* LD_PRELOAD separates by both, and knows no quoting. */
	if (strpbrk(path, " :"))
		return xasprintf("%s: LD_PRELOAD cannot name a path with a space or a colon", path);
	return NULL;
}

char *preload_find(char **error)
{
	static const char *const places[] = { PRELOAD_RELATIVE, PRELOAD_BUILD };
	char own[PATH_MAX];
	char *slash, *path = NULL;
	ssize_t length = readlink("/proc/self/exe", own, sizeof(own) - 1);

	if (length <= 0) {
		*error = xasprintf("/proc/self/exe: %s", strerror(errno));
		return NULL;
	}
	own[length] = '\0';
	slash = strrchr(own, '/');
	if (slash)
		*slash = '\0';
	for (size_t i = 0; i < sizeof(places) / sizeof(*places) && !path; i++) {
		char *place = xasprintf("%s/%s", own, places[i]);

		path = realpath(place, NULL);
		free(place);
	}
	if (!path) {
		*error = xasprintf("preload object not found: neither %s/%s nor %s/%s exists", own,
				   places[0], own, places[1]);
		return NULL;
	}
	*error = preload_check(path);
	if (*error) {
		free(path);
		return NULL;
	}
	return path;
}
