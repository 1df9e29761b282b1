/* SPDX-License-Identifier: MIT */
#include "analyzer/base/path_pattern.h"

#include <fnmatch.h>
#include <string.h>

bool path_matches(const char *pattern, const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!strchr(pattern, '/') && slash)
		path = slash + 1;
	return !fnmatch(pattern, path, 0);
}
