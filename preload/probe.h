/* SPDX-License-Identifier: MIT */
/* Reading the host's memory without ever faulting. */
#ifndef PRELOAD_PROBE_H
#define PRELOAD_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* True if every byte of [address, address + length) can be read. One system call per page. */
bool probe_readable(const void *address, size_t length);

/*
 * Before a filter comes (sandbox.h): finds out how far up this thread's stack is readable from
 * here, for probe_copy() to know behind it. A system call per page.
 */
void probe_stack_now(void);

/*
 * Copies what the host points to; false if it is not readable. What lies on the stack just above
 * `frame`, our own caller's frame address, needs no probe: it is there because we run on it.
 */
bool probe_copy(void *to, const void *from, size_t length, const void *frame);

#endif
