/* SPDX-License-Identifier: MIT */
#ifndef ANALYZER_RENDER_IOCTL_NAMES_H
#define ANALYZER_RENDER_IOCTL_NAMES_H

#include <stdbool.h>

/* "TIOCEXCL"; NULL: none of trace/ioctls.def. */
const char *ioctl_name(unsigned long request);
/* Whether it keeps others out, or lets them in again. */
bool ioctl_excludes(unsigned long request);

#endif
