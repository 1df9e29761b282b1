/* SPDX-License-Identifier: MIT */
/* From the constructor to the last call after the destructors: whether a hook records. */
#ifndef PRELOAD_LIFECYCLE_H
#define PRELOAD_LIFECYCLE_H

#include "preload/process.h"
#include "preload/recorder.h"

/*
 * A lock call in a process that is not recording: makes the default session if there is none yet,
 * or counts the call. True: recording now.
 */
bool recorder_wake(void);

/* First words in a fork child, where a wrapper knows of it. */
void recorder_forked(void);

/* The first question of a hook for a lock call. */
static inline bool recording_locks(void)
{
	int state = atomic_load_explicit(&recorder.state, memory_order_acquire);

	if (unlikely(state != RECORDER_ON) && (state == RECORDER_OFF || !recorder_wake()))
		return false;
	if (unlikely(!process_check_fork())) {
		recorder_count(&recorder.session->lost_unseen);
		return false;
	}
	return atomic_load_explicit(&recorder.session->recording, memory_order_relaxed);
}

/* The same for all other calls, which never make a session. */
static inline bool recording_calls(void)
{
	if (atomic_load_explicit(&recorder.state, memory_order_acquire) != RECORDER_ON ||
	    !process_check_fork())
		return false;
	return atomic_load_explicit(&recorder.session->recording, memory_order_relaxed);
}

#endif
