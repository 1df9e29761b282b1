/* SPDX-License-Identifier: MIT */
/* The table of findings. */
#include "analyzer/findings/findings.h"

const struct finding_kind finding_kinds[FINDINGS] = {
#define X(id, name, severity, about, sentence, also, remedy, ...)                         \
	[FINDING_##id] = {                                                                \
		name, SEVERITY_##severity, about, sentence, also, remedy, { __VA_ARGS__ } \
	},
#include "analyzer/findings/findings.def"
#undef X
};

const char *severity_name(enum severity severity)
{
	switch (severity) {
	case SEVERITY_ERROR:
		return "error";
	case SEVERITY_WARNING:
		return "warning";
	case SEVERITY_INFO:
		break;
	}
	return "info";
}
