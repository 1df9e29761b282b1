/* SPDX-License-Identifier: MIT */
/*
 * What the threads of one owner have lately given up. Those of a process that shares a description
 * count too: a grant is told when its call returns, and one of them may have acted on it meanwhile.
 */
#ifndef ANALYZER_MODEL_WEAKENINGS_H
#define ANALYZER_MODEL_WEAKENINGS_H

#include "analyzer/model/state.h"

/* The flight begins to give up [start, end); `shared`: it keeps a shared lock. */
void weakenings_begin(struct weakenings *weakenings, const struct flight *flight, uint32_t file,
		      enum world world, uint64_t start, uint64_t end, bool shared);
/* All that the flight was giving up is given up, or was kept. Returned by `time`. */
void weakenings_end(struct weakenings *weakenings, const struct flight *flight, uint64_t time);
/* The lock that the flight gave something up for was granted. */
void weakenings_grant(struct weakenings *weakenings, const struct flight *flight);
/* The owner of `gone` was that of `kept` all along. */
void weakenings_merge(struct weakenings *kept, const struct weakenings *gone);
/*
 * Makes unknown what others have begun to give up since a call began that tells of its grant only
 * now, and where they were granted a shared lock meanwhile; doubtful what others were giving up as
 * it began.
 */
void weakenings_doubt(const struct weakenings *weakenings, struct flight *flight, bool alone);

/* Whether the flight holds [start, end) after its grant is not known; `since`: ns. */
void flight_make_unknown(struct flight *flight, uint64_t start, uint64_t end, uint64_t since);

#endif
