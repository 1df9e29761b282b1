/* SPDX-License-Identifier: MIT */
/* Pointing the slots through which a loaded library calls out (its relocations) at other functions.
 */
#ifndef PRELOAD_REDIRECT_H
#define PRELOAD_REDIRECT_H

#include <stdbool.h>

struct redirection {
	const char *name; /* of the function that the library calls */
	void *ours;
	void **was;  /* takes what the slot held */
	bool needed; /* without it the library would do harm */
};

/*
 * Constructor only. handle: from dlopen(). At most 32 rows. False: a slot could not be written, or
 * a row that is needed has none; then the library must not be used.
 */
bool redirect(void *handle, const struct redirection *rows, unsigned count);

#endif
