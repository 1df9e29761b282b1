/* SPDX-License-Identifier: MIT */
#include "analyzer/base/system_calls.h"

#include <asm/unistd.h>
#include <stddef.h>

static const char *const names[] = {
#define X(name) [__NR_##name] = #name,
#include "system_calls.def"
#undef X
};

const char *system_call_name(int32_t number)
{
	return number >= 0 && (size_t)number < sizeof(names) / sizeof(*names) ? names[number]
									      : NULL;
}
