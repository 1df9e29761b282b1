/* SPDX-License-Identifier: MIT */
/* Where a frame of a script is, as text. */
#include <stdbool.h>

#include "preload/python.h"
#include "preload/python_layout.h"

/* ---- Lines: Objects/locations.md */

enum entry { ONE_LINE_FIRST = 10, ONE_LINE_LAST = 12, NO_COLUMNS = 13, LONG = 14, NO_LINE = 15 };

/* Six bits a byte, lowest first; the lowest of all is the sign. */
static int read_signed(const uint8_t *at, const uint8_t *end)
{
	uint32_t value = 0;

	for (unsigned shift = 0; at < end && shift < 30; shift += 6) {
		value |= (uint32_t)(*at & 63) << shift;
		if (!(*at++ & 64))
			break;
	}
	return value & 1 ? -(int)(value >> 1) : (int)(value >> 1);
}

static int lines_on(const uint8_t *entry, const uint8_t *end)
{
	unsigned kind = *entry >> 3 & 15;

	if (kind == NO_COLUMNS || kind == LONG)
		return read_signed(entry + 1, end);
	return kind >= ONE_LINE_FIRST && kind <= ONE_LINE_LAST ? (int)(kind - ONE_LINE_FIRST) : 0;
}

/* 0: the instruction has none. */
static int line_of(const struct script_frame *frame)
{
	uintptr_t table = word_at(frame->code + CODE_LINES);
	const uint8_t *at = (const uint8_t *)(table + BYTES_START);
	const uint8_t *end = at + word_at(table + OBJECT_SIZE);
	int line = *(const int *)(frame->code + python_layout->code_first_line);
	intptr_t left = (intptr_t)(frame->at - frame->code - python_layout->code_start) / UNIT;

	while (at < end) {
		line += lines_on(at, end);
		left -= (*at & 7) + 1;
		if (left < 0)
			return (*at >> 3 & 15) == NO_LINE ? 0 : line;
		do
			at++;
		while (at < end && !(*at & 128));
	}
	return 0;
}

/* ---- Text */

struct text {
	char *at, *end;
};

static void put(struct text *text, char byte)
{
	if (text->at < text->end)
		*text->at = byte;
	text->at++;
}

/* Half of a pair that Python has made of a byte that was no UTF-8 becomes that byte again. */
static void put_character(struct text *text, uint32_t character)
{
	if (character >= 0xdc80 && character < 0xdd00) {
		put(text, (char)(character - 0xdc00));
		return;
	}
	if (character < 0x80) {
		put(text, character ? (char)character : '?');
		return;
	}
	if (character < 0x800) {
		put(text, (char)(0xc0 | character >> 6));
	} else {
		if (character < 0x10000) {
			put(text, (char)(0xe0 | character >> 12));
		} else {
			put(text, (char)(0xf0 | character >> 18));
			put(text, (char)(0x80 | (character >> 12 & 63)));
		}
		put(text, (char)(0x80 | (character >> 6 & 63)));
	}
	put(text, (char)(0x80 | (character & 63)));
}

static void put_str(struct text *text, uintptr_t str)
{
	uint32_t state = *(const uint32_t *)(str + STR_STATE), kind = STR_KIND(state);
	size_t length = word_at(str + OBJECT_SIZE);
	uintptr_t characters =
		str + (STR_IS_ASCII(state) ? python_layout->str_ascii : python_layout->str_other);

	if (!STR_IS_COMPACT(state))
		length = 0;
	for (size_t i = 0; i < length && text->at < text->end; i++)
		put_character(text, kind == 1	? ((const uint8_t *)characters)[i]
				    : kind == 2 ? ((const uint16_t *)characters)[i]
						: ((const uint32_t *)characters)[i]);
	put(text, '\0');
}

static void put_number(struct text *text, unsigned number)
{
	char digits[12];
	int count = 0;

	do
		digits[count++] = (char)('0' + number % 10);
	while (number /= 10);
	while (count)
		put(text, digits[--count]);
	put(text, '\0');
}

size_t python_describe(const struct script_frame *frame, char *text, size_t room)
{
	struct text out = { text, text + room };
	int line = line_of(frame);

	put_str(&out, word_at(frame->code + CODE_FILENAME));
	put_str(&out, word_at(frame->code + CODE_QUALNAME));
	put_number(&out, line > 0 ? (unsigned)line : 0);
	return out.at <= out.end ? (size_t)(out.at - text) : 0;
}
