/* SPDX-License-Identifier: MIT */
/* What a report builder does with the holds and waits that the model finds; tests speak to it here.
 */
#ifndef ANALYZER_STATS_BUILDER_H
#define ANALYZER_STATS_BUILDER_H

#include "analyzer/stats/report.h"

struct model_callbacks report_builder_callbacks(struct report_builder *builder);

#endif
