/* SPDX-License-Identifier: MIT */
#include "analyzer/render/screen.h"

#include <curses.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

enum { PAIR_RED = 1, PAIR_YELLOW, MARGIN = 2 };

static SCREEN *terminal;
static bool coloured;

bool screen_open(bool colour)
{
	setlocale(LC_CTYPE, "");
	/* newterm(), as initscr() ends the process where it doesn't know the terminal. */
	terminal = newterm(NULL, stdout, stdin);
	if (!terminal)
		return false;
	coloured = colour && has_colors();
	if (coloured) {
		start_color();
		use_default_colors();
		init_pair(PAIR_RED, COLOR_RED, -1);
		init_pair(PAIR_YELLOW, COLOR_YELLOW, -1);
	}
	cbreak();
	noecho();
	nonl();
	curs_set(0);
	keypad(stdscr, true);
	set_escdelay(50);
	return true;
}

void screen_close(void)
{
	if (!terminal)
		return;
	endwin();
	delscreen(terminal);
	terminal = NULL;
}

unsigned screen_page(void)
{
	return LINES > MARGIN ? (unsigned)(LINES - MARGIN) : 1;
}

/* One "\033[1;31m"; where it goes on. */
static const char *draw_escape(const char *at)
{
	attr_t attributes = A_NORMAL;

	for (at += 2; *at && *at != 'm'; at++) {
		attributes |= *at == '1' && (at[1] == ';' || at[1] == 'm') ? A_BOLD : 0;
		if (coloured && *at == '3' && (at[1] == '1' || at[1] == '3')) {
			attributes |= COLOR_PAIR(at[1] == '1' ? PAIR_RED : PAIR_YELLOW);
			at++;
		}
	}
	attrset(attributes);
	return *at ? at + 1 : at;
}

static void draw_line(int row, const char *line, const char *end)
{
	move(row, 0);
	clrtoeol();
	while (line < end && *line) {
		const char *escape = memchr(line, '\033', (size_t)(end - line));
		int length = (int)((escape ? escape : end) - line);

		if (escape == line) {
			line = draw_escape(line);
			continue;
		}
		addnstr(line, length);
		line += length;
		if (getcury(stdscr) != row) /* it was longer than the terminal is wide */
			break;
	}
	attrset(A_NORMAL);
}

static unsigned count_lines(const char *text)
{
	unsigned lines = 0;

	for (; *text; text++)
		lines += *text == '\n' || !text[1];
	return lines;
}

static const char *line_end(const char *line)
{
	return strchrnul(line, '\n');
}

/* What stays above and below: in reverse over the whole width. */
static void draw_bar(int row, const char *text)
{
	attrset(A_REVERSE);
	mvhline(row, 0, ' ' | A_REVERSE, COLS);
	mvaddnstr(row, 0, text, COLS);
	attrset(A_NORMAL);
}

void screen_draw(const char *title, const char *text, const char *footer, unsigned *from)
{
	unsigned lines = count_lines(text), page = screen_page();

	if (*from + page > lines)
		*from = lines > page ? lines - page : 0;
	erase();
	for (unsigned i = 0; i < *from; i++)
		text = line_end(text) + 1;
	for (unsigned row = 0; row < page && *text; row++) {
		const char *end = line_end(text);

		draw_line((int)row + 1, text, end);
		text = *end ? end + 1 : end;
	}
	/* Last, as a line that is too long runs into the next row. */
	draw_bar(0, title);
	draw_bar(LINES - 1, footer);
	refresh();
}

static const struct {
	int code;
	enum screen_key key;
} keys[] = {
	{ KEY_RESIZE, SCREEN_REDRAW },
	{ KEY_UP, SCREEN_UP },
	{ 'k', SCREEN_UP },
	{ KEY_DOWN, SCREEN_DOWN },
	{ 'j', SCREEN_DOWN },
	{ KEY_PPAGE, SCREEN_PAGE_UP },
	{ KEY_NPAGE, SCREEN_PAGE_DOWN },
	{ KEY_HOME, SCREEN_HOME },
	{ 'q', SCREEN_QUIT },
	{ 'Q', SCREEN_QUIT },
	{ 's', SCREEN_SORT },
	{ ' ', SCREEN_REFRESH },
};

enum screen_key screen_wait(int milliseconds)
{
	int code;

	timeout(milliseconds);
	code = getch();
	if (code == ERR)
		return SCREEN_NOTHING;
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (keys[i].code == code)
			return keys[i].key;
	return SCREEN_OTHER;
}
