/* SPDX-License-Identifier: MIT */
/* A text that fills the terminal and is drawn again and again. One at a time; one thread. */
#ifndef ANALYZER_RENDER_SCREEN_H
#define ANALYZER_RENDER_SCREEN_H

#include <stdbool.h>

enum screen_key {
	SCREEN_NOTHING, /* time is up, or a signal came */
	SCREEN_OTHER,
	SCREEN_REDRAW, /* the terminal has another size */
	SCREEN_UP,
	SCREEN_DOWN,
	SCREEN_PAGE_UP,
	SCREEN_PAGE_DOWN,
	SCREEN_HOME,
	SCREEN_QUIT,
	SCREEN_SORT,
	SCREEN_REFRESH,
};

/* Takes stdin and stdout over. False: the terminal can't do it; nothing has been changed. */
bool screen_open(bool colour);
/* As it was before; does nothing where there is none. */
void screen_close(void);

/*
 * The title above, the footer below, and the text from line *from on between them, cut to the
 * width; *from is set to what there is. "\033[…m" in the text is bold, red or yellow as for a
 * terminal.
 */
void screen_draw(const char *title, const char *text, const char *footer, unsigned *from);
/* Lines of text that the terminal shows. */
unsigned screen_page(void);
enum screen_key screen_wait(int milliseconds);

#endif
