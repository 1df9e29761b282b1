/* SPDX-License-Identifier: MIT */
#ifndef ANALYZER_COMMANDS_IOCTL_NAMES_H
#define ANALYZER_COMMANDS_IOCTL_NAMES_H

/* "TIOCEXCL"; NULL: none of trace/ioctls.def. */
const char *ioctl_name(unsigned long request);

#endif
