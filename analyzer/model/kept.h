/* SPDX-License-Identifier: MIT */
/* Locks that a process found at its descriptors when it began. */
#ifndef ANALYZER_MODEL_KEPT_H
#define ANALYZER_MODEL_KEPT_H

#include "analyzer/model/state.h"

/*
 * An EVENT_KEPT: one that is known already is shared from now on; any other is held from now on,
 * because since when it was is not known.
 */
void kept_found(struct model *model, const struct event *event);

#endif
