/* SPDX-License-Identifier: MIT */
#ifndef ANALYZER_COMMANDS_SWEEP_H
#define ANALYZER_COMMANDS_SWEEP_H

/*
 * Removes what a killed `run` or `record` left behind: sessions of this user whose maker and
 * processes are all certainly gone, once nothing was written for a day. Until then they can be
 * reported on.
 */
void sweep_sessions(void);

#endif
