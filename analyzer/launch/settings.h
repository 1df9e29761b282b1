/* SPDX-License-Identifier: MIT */
/* The settings of trace/settings.def as our own environment has them: the recorder itself is silent
 * about nonsense. */
#ifndef ANALYZER_LAUNCH_SETTINGS_H
#define ANALYZER_LAUNCH_SETTINGS_H

/* NULL, or a line about the first setting that has a value which it does not accept. For free(). */
char *settings_trouble(void);

#endif
