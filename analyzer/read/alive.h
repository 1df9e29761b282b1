/* SPDX-License-Identifier: MIT */
/* Which processes of a session are certainly gone by now? For sessions that no launcher watches. */
#ifndef ANALYZER_READ_ALIVE_H
#define ANALYZER_READ_ALIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "analyzer/event.h"
#include "trace/format.h"

/* Whether that session was made since this machine was booted. */
bool alive_same_boot(const struct header *header);

enum alive { ALIVE_UNKNOWN, ALIVE_YES, ALIVE_NO };

/* Ask only if alive_same_boot(). Unknown where the process lives in another pid namespace. */
enum alive alive_process(const struct process_info *process);

/* Whether the process that made this file lives: unknown or no where its pid is somebody younger's.
 */
enum alive alive_since(const struct header *header);

#endif
