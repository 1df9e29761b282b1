/* SPDX-License-Identifier: MIT */
/* Locks that came with the descriptors of a new process, and nobody is known to have. */
#ifndef PRELOAD_KEPT_H
#define PRELOAD_KEPT_H

#include <stdint.h>

/*
 * Constructor only, for fds below 64 (bit n: fd n) that the parent cannot explain: /proc tells
 * which bear locks of their descriptions. Each is recorded as a lock that this process keeps; when
 * it was granted is not known.
 */
void kept_record(uint64_t fds);

#endif
