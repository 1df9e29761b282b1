/* SPDX-License-Identifier: MIT */
/*
 * The traces and sessions that belong to this user, where they are looked for when none is named.
 * Only regular files with our magic word in places where nobody else can have put them.
 */
#ifndef ANALYZER_COMMANDS_OWN_FILES_H
#define ANALYZER_COMMANDS_OWN_FILES_H

#include <stdbool.h>
#include <stdint.h>

struct own_file {
	const char *path;  /* as it can be opened from here */
	const char *name;  /* the last part of it */
	uint64_t modified; /* ns since 1970 */
};

typedef void (*own_file_fn)(void *context, const struct own_file *file);

/* Each flocktrace.*.trace of a directory. */
void own_traces(const char *directory, own_file_fn found, void *context);
/* Each session, in the directories that trace/session.h names. */
void own_sessions(own_file_fn found, void *context);
/* Made by `run` or `record`, rather than the default session. */
bool own_file_is_session_of_run(const struct own_file *file);

#endif
