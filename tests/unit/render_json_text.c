/* SPDX-License-Identifier: MIT */
#include "analyzer/render/json_text.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static void expect_json(const char *bytes, const char *json)
{
	struct json_object *object = json_bytes(bytes);

	cr_expect_str_eq(json_object_to_json_string_ext(
				 object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE),
			 json);
	json_object_put(object);
}

Test(json_text, utf8_passes)
{
	expect_json("/a/caf\xc3\xa9", "\"/a/caf\xc3\xa9\"");
}

Test(json_text, quotes_and_control_characters_are_escaped)
{
	expect_json("a\"b\\c\nd", "\"a\\\"b\\\\c\\nd\"");
}

Test(json_text, a_byte_that_is_not_utf8_becomes_a_lone_surrogate)
{
	expect_json("caf\xe9", "\"caf\\udce9\"");
	expect_json("\"\\\n\xff\xc3\xa9", "\"\\\"\\\\\\u000a\\udcff\xc3\xa9\"");
}

Test(json_text, bytes_that_look_like_the_escape_are_escaped_too_so_it_can_be_undone)
{
	expect_json("\xed\xb3\xa9", "\"\\udced\\udcb3\\udca9\"");
}
