/* SPDX-License-Identifier: MIT */
/*
 * Strings of any bytes as JSON. A byte that is not part of valid UTF-8 becomes the escape \udcXX
 * (XX: the byte), a lone surrogate that valid text cannot contain: so it can be undone. Python does
 * it with text.encode("utf-8", "surrogateescape").
 */
#ifndef ANALYZER_RENDER_JSON_TEXT_H
#define ANALYZER_RENDER_JSON_TEXT_H

#include <json-c/json.h>

struct json_object *json_bytes(const char *bytes);

#endif
