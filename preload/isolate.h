/* SPDX-License-Identifier: MIT */
/* Pointing the outgoing calls of the loaded libunwind at versions of our own. */
#ifndef PRELOAD_ISOLATE_H
#define PRELOAD_ISOLATE_H

#include <stdbool.h>

/* Constructor only. False: a slot that matters could not be redirected; then libunwind must not be
 * used. */
bool isolate(void *handle);

#endif
