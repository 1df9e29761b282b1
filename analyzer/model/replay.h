/* SPDX-License-Identifier: MIT */
/* Lock requests and their results. */
#ifndef ANALYZER_MODEL_REPLAY_H
#define ANALYZER_MODEL_REPLAY_H

#include "analyzer/model/state.h"

void replay_request(struct model *model, const struct event *event);
void replay_result(struct model *model, const struct event *event);

#endif
