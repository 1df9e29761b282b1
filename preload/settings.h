/* SPDX-License-Identifier: MIT */
/* The environment variables of trace/settings.def, read once. */
#ifndef PRELOAD_SETTINGS_H
#define PRELOAD_SETTINGS_H

#include <stdbool.h>

struct settings {
#define X(id, name, fallback, accepts, help) const char *id;
#include "trace/settings.def"
#undef X
};

/*
 * Constructor only. The values point into the environment as the kernel laid it: take what is
 * needed at once, the host may change it later. Puts the numbers into `recorder`. What a
 * setting does not accept counts as its default.
 */
struct settings settings_read(char **environment);

/* Whether FLOCKTRACE_ONLY names this program; an empty list names all. */
bool settings_wants(const struct settings *settings, const char *program);

#endif
