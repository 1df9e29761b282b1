/* SPDX-License-Identifier: MIT */
/* Locks that came with the descriptors of a new process. */
#ifndef PRELOAD_KEPT_H
#define PRELOAD_KEPT_H

/*
 * Constructor only, in an image whose process was not forked under our eyes: /proc tells which fds
 * below 64 bear locks of their descriptions. Each is recorded as a lock that this process keeps;
 * when it was granted is not known. Also of those that the parent shares: it may be closing them,
 * or be about to end; and who has taken over an orphan knows nothing of its locks.
 */
void kept_record(void);

#endif
