/* SPDX-License-Identifier: MIT */
/* How much memory the control groups of this process allow it. */
#ifndef PRELOAD_CGROUP_H
#define PRELOAD_CGROUP_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Whether each limit on memory that can be read is at least so many bytes: beyond it the kernel
 * kills. One caller at a time; opens files.
 */
bool cgroup_allows(uint64_t bytes);

#endif
