/* SPDX-License-Identifier: MIT */
/* Who has waited for a lock for long, by the slots of the session. */
#ifndef ANALYZER_LAUNCH_WAITING_H
#define ANALYZER_LAUNCH_WAITING_H

#include "analyzer/launch/watch.h"
#include "analyzer/system/descendants.h"

/*
 * Appends the pids here of those that have been inside of one request, which may block, since
 * before `since` (ns). They may be inside of it for other reasons than a lock.
 */
void waiting_since(const struct watch *watch, uint64_t since, struct pids *pids);

#endif
