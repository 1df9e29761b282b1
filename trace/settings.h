/* SPDX-License-Identifier: MIT */
/* What a setting of settings.def may be. Pure: no calls but string.h's, no globals. */
#ifndef TRACE_SETTINGS_H
#define TRACE_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* A whole number of decimal digits that ends at `end`; UINT64_MAX: it is none, or beyond 32 bits.
 */
static inline uint64_t setting_number(const char *text, const char *end)
{
	uint64_t value = 0;

	if (text == end)
		return UINT64_MAX;
	for (; text < end; text++) {
		if (*text < '0' || *text > '9')
			return UINT64_MAX;
		value = value * 10 + (uint64_t)(*text - '0');
		if (value > UINT32_MAX)
			return UINT64_MAX;
	}
	return value;
}

/* One alternative, [accepts, end): "off", "0-62". */
static inline bool setting_fits(const char *accepts, const char *end, const char *text)
{
	size_t length = (size_t)(end - accepts);
	const char *dash = memchr(accepts, '-', length);
	uint64_t value = setting_number(text, text + strlen(text));

	if (dash)
		return value != UINT64_MAX && value >= setting_number(accepts, dash) &&
		       value <= setting_number(dash + 1, end);
	return strlen(text) == length && !memcmp(text, accepts, length);
}

/* Whether `text` is one of the alternatives of settings.def. */
static inline bool setting_accepts(const char *accepts, const char *text)
{
	const char *end = accepts;

	if (!*accepts)
		return true;
	for (;; accepts = end + 1) {
		end = accepts + strcspn(accepts, "|");
		if (setting_fits(accepts, end, text))
			return true;
		if (!*end)
			return false;
	}
}

#endif
