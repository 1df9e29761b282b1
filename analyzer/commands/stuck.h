/* SPDX-License-Identifier: MIT */
/* Waits that nobody is about to end, while they last. */
#ifndef ANALYZER_COMMANDS_STUCK_H
#define ANALYZER_COMMANDS_STUCK_H

#include "analyzer/launch/waiting.h"

#define STUCK_AFTER UINT64_C(10000000000) /* ns: where nobody says how long is long */

/*
 * Appends those of these waiters in whose way somebody is who will stay there: one who is stopped;
 * or only heirs of a lock whose taker is dead, with nobody above them who has it too; or one who
 * waits for them in turn. `program`: our child, or 0. Reads /proc/locks once.
 */
void stuck_find(const struct pids *waiters, pid_t program, struct stuck_waits *found);

/* One line on stderr. */
void stuck_say(const struct stuck_wait *stuck);

#endif
