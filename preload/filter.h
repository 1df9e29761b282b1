/* SPDX-License-Identifier: MIT */
/* What a seccomp filter would do to a system call, found out by reading its program. */
#ifndef PRELOAD_FILTER_H
#define PRELOAD_FILTER_H

#include <stdbool.h>
#include <stddef.h>

/*
 * True if the filter behind a struct sock_fprog lets all of these system calls pass, whatever their
 * arguments. False also where that cannot be told. The pointer is the host's, and may be anything;
 * a system call per page that it points to.
 */
bool filter_allows(const void *fprog, const int *numbers, size_t count);

#endif
