/* SPDX-License-Identifier: MIT */
#include "preload/settings.h"

#include <stdint.h>
#include <string.h>

#include "preload/recorder.h"
#include "trace/settings.h"

/* What the setting does not accept counts as its default: the launcher is who complains. */
static const char *value_of(char **environment, const char *name, const char *fallback,
			    const char *accepts)
{
	size_t length = strlen(name);

	for (; environment && *environment; environment++)
		if (!strncmp(*environment, name, length) && (*environment)[length] == '=' &&
		    (*environment)[length + 1] &&
		    setting_accepts(accepts, *environment + length + 1))
			return *environment + length + 1;
	return fallback;
}

static uint64_t number(const char *text)
{
	return setting_number(text, text + strlen(text));
}

struct settings settings_read(char **environment)
{
	struct settings settings = {
#define X(id, name, fallback, accepts, help) .id = value_of(environment, name, fallback, accepts),
#include "trace/settings.def"
#undef X
	};

	recorder.stack_depth =
		strcmp(settings.STACKS, "off") ? (uint32_t)number(settings.STACKS) : 0;
	recorder.slow_ns = number(settings.SLOW) * UINT64_C(1000000);
	recorder.argv_wanted = !strcmp(settings.ARGV, "1");
	recorder.ioctl_mode = !strcmp(settings.IOCTL, "all")   ? IOCTL_ALL
			      : !strcmp(settings.IOCTL, "off") ? IOCTL_OFF
							       : IOCTL_EXCLUSIVE;
	return settings;
}

bool settings_wants(const struct settings *settings, const char *program)
{
	size_t length = strlen(program);

	if (!*settings->ONLY)
		return true;
	for (const char *at = settings->ONLY; at; at = strchr(at, ',')) {
		at += *at == ',';
		if (!strncmp(at, program, length) && (!at[length] || at[length] == ','))
			return true;
	}
	return false;
}
