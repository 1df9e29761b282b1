/* SPDX-License-Identifier: MIT */
/* Which bytes are UTF-8: file names may hold any. */
#ifndef ANALYZER_RENDER_UTF8_H
#define ANALYZER_RENDER_UTF8_H

/*
 * Bytes of the character at `at`, 1 to 4; 0 if no valid one starts there (overlong, a surrogate,
 * above U+10FFFF, cut off). `at` ends with NUL, which has length 1.
 */
unsigned utf8_length(const unsigned char *at);

#endif
