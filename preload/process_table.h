/* SPDX-License-Identifier: MIT */
/* The session's table of processes, of which each recorded one has a slot. Any thread may call;
 * what other processes have written there may be anything. */
#ifndef PRELOAD_PROCESS_TABLE_H
#define PRELOAD_PROCESS_TABLE_H

#include <stdbool.h>

#include "preload/recorder.h"

/* Where a process goes that finds the table full: recorded, but not visible to others. */
extern struct process_slot process_spare_slot;

/* The slots from here on have never been used. */
uint32_t process_slots_used(void);

/* The slot of a process, by its number in the session; NULL if it has none (any more). */
struct process_slot *process_slot_of(uint32_t process);

/* Whether it is somebody's, whose pid means the same here. */
bool process_slot_is_near(const struct process_slot *slot);

/* The slot of a living process by pid: 0 in start_time matches any. NULL: none. */
struct process_slot *process_slot_by_pid(int32_t pid, uint64_t start_time);

/* A slot that is SLOT_BUSY, with what the last one left in it; where all are taken, the spare one,
 * and the session counts it. */
struct process_slot *process_slot_claim(void);

/* A number that no process of the session has had. */
uint32_t process_number_new(void);

/* After death or exec: nobody is inside a request. */
void process_free_threads(uint32_t process);

/* A child of the process with this slot has a slot now. */
void process_slot_count_child(struct process_slot *parent);

#endif
