/* SPDX-License-Identifier: MIT */
/* Locks that came with the descriptors of a new process, and nobody is known to have. */
#ifndef PRELOAD_KEPT_H
#define PRELOAD_KEPT_H

/*
 * Constructor only, in an image that cannot ask its parent (that has ended, or is not recorded):
 * /proc tells which fds below 64 bear locks of their descriptions. Each is recorded as a lock that
 * this process keeps; when it was granted is not known.
 */
void kept_record(void);

#endif
