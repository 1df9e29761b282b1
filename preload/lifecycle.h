/* SPDX-License-Identifier: MIT */
/* From the constructor to the last call after the destructors: whether a hook records. */
#ifndef PRELOAD_LIFECYCLE_H
#define PRELOAD_LIFECYCLE_H

#include "preload/process.h"
#include "preload/recorder.h"

/* Makes the default session at the first lock call of a process that has none. True: recording now.
 */
bool recorder_wake(void);

/* First words in a fork child, where a wrapper knows of it. */
void recorder_forked(void);

/* The first question of a hook for a lock call. */
static inline bool recording_locks(void)
{
	int state = atomic_load_explicit(&recorder.state, memory_order_acquire);

	if (unlikely(state != RECORDER_ON) && (state != RECORDER_IDLE || !recorder_wake()))
		return false;
	process_check_fork();
	return atomic_load_explicit(&recorder.session->recording, memory_order_relaxed);
}

/* The same for all other calls, which never make a session. */
static inline bool recording_calls(void)
{
	if (atomic_load_explicit(&recorder.state, memory_order_acquire) != RECORDER_ON)
		return false;
	process_check_fork();
	return atomic_load_explicit(&recorder.session->recording, memory_order_relaxed);
}

#endif
