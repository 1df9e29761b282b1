/* SPDX-License-Identifier: MIT */
/* Mapping a session: the one that was named, or the user's default one. No fd stays. */
#ifndef PRELOAD_ATTACH_H
#define PRELOAD_ATTACH_H

#include <stdbool.h>

/* Maps the session at path and points `recorder` at it. False: not there, not ours, another
 * version, or damaged. */
bool attach_session(const char *path);

/* Constructor only: remembers where the default session of this user is searched, given
 * XDG_RUNTIME_DIR or NULL. */
void attach_prepare(char **environment);

/* The default session, if there is one. */
bool attach_default(void);

/* Makes the default session (or takes the one that somebody made meanwhile) and attaches to it. */
bool attach_make_default(void);

#endif
