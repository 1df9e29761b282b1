/* SPDX-License-Identifier: MIT */
/*
 * A cheap look before the dear one: by what the processes themselves say they hold, may any of
 * these waits last for ever? Mostly somebody holds what is waited for and works on.
 */
#ifndef ANALYZER_LIVE_SUSPECTS_H
#define ANALYZER_LIVE_SUSPECTS_H

#include "analyzer/live/files.h"
#include "analyzer/live/slots.h"

enum suspicion {
	SUSPICION_NONE,
	SUSPICION_UNKNOWN, /* nobody says that he holds what somebody waits for */
	SUSPICION_EARLY,   /* one of them has not gone to sleep */
	SUSPICION_YES,
};

enum suspicion suspect(const struct slots *slots, const struct slot_waits *waits,
		       const struct file_names *names, live_find find, const void *context);

#endif
