/* SPDX-License-Identifier: MIT */
/*
 * Several sessions or traces of one boot as one. Who unlocks is recorded before the kernel does it,
 * and who is granted a lock after it has done so, on one clock: by these moments an unlock comes
 * before the grant that it allowed also where the two were recorded apart. Files are one by device
 * and inode; processes are numbered anew.
 */
#ifndef ANALYZER_READ_MERGED_H
#define ANALYZER_READ_MERGED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/event.h"

struct merged;

/*
 * NULL: one can't be read, they are of different boots, their clocks were set apart, or two are of
 * the same recording: *error is a line for people that begins with the name of one, for the caller
 * to free. One alone is read as it is. The paths must outlive it.
 */
struct merged *merged_open(const char *const *paths, uint32_t count, char **error);
/* As reader_next(); the last one alone is EVENT_END. */
bool merged_next(struct merged *merged, struct event *event);
/* As reader_catalog(). */
const struct catalog *merged_catalog(const struct merged *merged);
/*
 * After an event: the path of a recording that has ended while others go on from this event, told
 * once; NULL: none has. *waits: a thread of it, NONE: none, was inside of a call that waits.
 */
const char *merged_left(struct merged *merged, uint32_t *recording, uint32_t *waits);
/* Which of the paths a process is of. */
uint32_t merged_recording(const struct merged *merged, uint32_t process);
void merged_free(struct merged *merged);

#endif
