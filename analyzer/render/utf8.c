/* SPDX-License-Identifier: MIT */
#include "analyzer/render/utf8.h"

unsigned utf8_length(const unsigned char *at)
{
	unsigned length, low = 0x80, high = 0xbf;

	if (at[0] < 0x80)
		return 1;
	if (at[0] < 0xc2 || at[0] > 0xf4)
		return 0;
	length = at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
	if (at[0] == 0xe0)
		low = 0xa0; /* below: overlong */
	else if (at[0] == 0xed)
		high = 0x9f; /* above: surrogates */
	else if (at[0] == 0xf0)
		low = 0x90; /* below: overlong */
	else if (at[0] == 0xf4)
		high = 0x8f; /* above U+10FFFF */
	if (at[1] < low || at[1] > high)
		return 0;
	for (unsigned i = 2; i < length; i++)
		if (at[i] < 0x80 || at[i] > 0xbf)
			return 0;
	return length;
}
