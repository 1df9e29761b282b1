/* SPDX-License-Identifier: MIT */
#include "analyzer/base/path_pattern.h"

#include <ctype.h>
#include <fnmatch.h>
#include <string.h>

#include "analyzer/base/memory.h"

bool path_matches(const char *pattern, const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!strchr(pattern, '/') && slash)
		path = slash + 1;
	return !fnmatch(pattern, path, 0);
}

#define UUID_LENGTH 36

static bool is_uuid(const char *at)
{
	for (unsigned i = 0; i < UUID_LENGTH; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? at[i] != '-' : !isxdigit((unsigned char)at[i]))
			return false;
	}
	return !isalnum((unsigned char)at[UUID_LENGTH]);
}

/* Of a word of letters and digits: it says nothing but which one. */
static bool is_hash(const char *word, size_t length)
{
	size_t digits = 0, hex = 0;

	for (size_t i = 0; i < length; i++) {
		digits += isdigit((unsigned char)word[i]) != 0;
		hex += isxdigit((unsigned char)word[i]) != 0;
	}
	return (length >= 8 && hex == length && digits) || (length >= 16 && digits >= 3);
}

static size_t word_length(const char *at)
{
	size_t length = 0;

	while (isalnum((unsigned char)at[length]))
		length++;
	return length;
}

char *fold_path(const char *path)
{
	char *text = xrealloc(NULL, strlen(path) + 1), *to = text;
	size_t length;

	while (*path) {
		length = word_length(path);
		if (length == 8 && is_uuid(path)) {
			*to++ = '#';
			path += UUID_LENGTH;
		} else if (length && is_hash(path, length)) {
			*to++ = '#';
			path += length;
		} else if (!length) {
			*to++ = *path++;
		} else {
			for (const char *end = path + length; path < end; path++)
				if (!isdigit((unsigned char)*path))
					*to++ = *path;
				else if (to == text || to[-1] != '#')
					*to++ = '#';
		}
	}
	*to = '\0';
	return text;
}
