/* SPDX-License-Identifier: MIT */
#include "analyzer/render/json_text.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "analyzer/base/memory.h"
#include "analyzer/render/utf8.h"

static bool is_utf8(const char *bytes)
{
	const unsigned char *at = (const unsigned char *)bytes;

	while (*at) {
		unsigned length = utf8_length(at);

		if (!length)
			return false;
		at += length;
	}
	return true;
}

/* The quoted string: json-c itself would pass the bytes through and write invalid JSON. */
static char *quoted(const char *bytes)
{
	const unsigned char *at = (const unsigned char *)bytes;
	char *text = xrealloc(NULL, 6 * strlen(bytes) + 3), *to = text;

	*to++ = '"';
	while (*at) {
		unsigned length = utf8_length(at);

		if (!length) {
			to += sprintf(to, "\\udc%02x", *at++);
		} else if (*at == '"' || *at == '\\') {
			*to++ = '\\';
			*to++ = (char)*at++;
		} else if (*at < 0x20) {
			to += sprintf(to, "\\u%04x", *at++);
		} else {
			memcpy(to, at, length);
			to += length;
			at += length;
		}
	}
	strcpy(to, "\"");
	return text;
}

struct json_object *json_bytes(const char *bytes)
{
	struct json_object *object = json_object_new_string(bytes);

	if (!is_utf8(bytes))
		json_object_set_serializer(object, json_object_userdata_to_json_string,
					   quoted(bytes), json_object_free_userdata);
	return object;
}
