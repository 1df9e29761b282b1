/* SPDX-License-Identifier: MIT */
#include "preload/settings.h"

#include <stdint.h>
#include <string.h>

#include "preload/recorder.h"

static const char *value_of(char **environment, const char *name, const char *fallback)
{
	size_t length = strlen(name);

	for (; environment && *environment; environment++)
		if (!strncmp(*environment, name, length) && (*environment)[length] == '=' &&
		    (*environment)[length + 1])
			return *environment + length + 1;
	return fallback;
}

/* A whole number, or `fallback` where the text is not one. */
static uint64_t number(const char *text, uint64_t fallback)
{
	uint64_t value = 0;

	for (const char *at = text; *at; at++) {
		if (*at < '0' || *at > '9' || value > UINT32_MAX)
			return fallback;
		value = value * 10 + (uint64_t)(*at - '0');
	}
	return value;
}

static uint32_t depth(const char *text)
{
	uint64_t frames;

	if (!strcmp(text, "off"))
		return 0;
	frames = number(text, 32);
	return frames < STACK_MAX ? (uint32_t)frames : STACK_MAX;
}

struct settings settings_read(char **environment)
{
	struct settings settings = {
#define X(id, name, fallback, help) .id = value_of(environment, name, fallback),
#include "trace/settings.def"
#undef X
	};

	recorder.stack_depth = depth(settings.STACKS);
	recorder.slow_ns = number(settings.SLOW, 10) * UINT64_C(1000000);
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
