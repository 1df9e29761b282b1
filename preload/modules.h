/* SPDX-License-Identifier: MIT */
/* Which loaded object an address lies in: program and libraries, numbered and announced when a
 * stack first needs them. */
#ifndef PRELOAD_MODULES_H
#define PRELOAD_MODULES_H

#include <link.h>

#include "preload/recorder.h"

/* Constructor only: where the loader offers no lock-free lookup (before glibc 2.35), what is loaded
 * now is all that is known. */
void modules_prepare(void);

/* The program headers of the object that holds `address`; false if none does. No lock, no
 * allocation. */
bool modules_find(uintptr_t address, struct dl_phdr_info *info);

/* A code address as the trace names it (FRAME in format.h); announces the module where that is due.
 */
uint64_t modules_frame(uintptr_t address);

/* Announces into the slow ring every module that these frames name. */
void modules_announce_slow(const uint64_t *frames, uint32_t count);

/* Forgets those that are not loaded any more; true if there were such. Whether an object at their
 * place is another one, their next use tells. */
bool modules_forget_unloaded(void);

/* After fork: the child announces under its own number. */
void modules_forget_announced(void);

#endif
