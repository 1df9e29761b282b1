/* SPDX-License-Identifier: MIT */
/*
 * Holds whose end nobody saw: a conflicting grant proves that they have ended. Certain is that they
 * lasted until the last word of those who had them; until the grant they may have.
 */
#ifndef ANALYZER_MODEL_LAST_WORDS_H
#define ANALYZER_MODEL_LAST_WORDS_H

#include "analyzer/model/state.h"

/* Whether nobody needs wonder that the owner's locks end unseen: all who have them have begun to
 * exit, or are children that have never spoken. */
bool owner_may_be_gone(const struct model *model, uint32_t owner);
/* The last moment (ns) at which somebody who has the owner's locks was seen to be there. */
uint64_t owner_last_word(const struct model *model, uint32_t owner);

/*
 * The request ends at `time`, with holds still in its way. False: nobody was seen to be there as it
 * began, so that it need not have waited. Sets flight->last_leaver, for unseen_end().
 */
bool find_last_leaver(const struct model *model, struct flight *flight, uint64_t time,
		      bool granted);
/*
 * When the owner's holds have ended, if that was not seen before the flight's request ended at
 * `time`: `time` itself where the flight has waited for just that, else the owner's last word.
 */
struct unseen_end {
	uint64_t time; /* ns */
	bool unknown;  /* they may have lasted longer: nobody who had them has said that he exits */
};

struct unseen_end unseen_end(const struct model *model, const struct flight *flight, uint32_t owner,
			     uint64_t time, bool granted);

#endif
