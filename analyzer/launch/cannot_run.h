/* SPDX-License-Identifier: MIT */
#ifndef ANALYZER_LAUNCH_CANNOT_RUN_H
#define ANALYZER_LAUNCH_CANNOT_RUN_H

/* What exec's error means for this program, in words for people. For free(). */
char *cannot_run(const char *program, int error);

#endif
