/* SPDX-License-Identifier: MIT */
#include "analyzer/render/text_table.h"

#include <locale.h>

void text_table_print(FILE *out, struct libscols_table *table)
{
	locale_t utf8, old = (locale_t)0;

	if (!table) {
		fputs("(no memory for the table)\n", out);
		return;
	}
	utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	if (utf8)
		old = uselocale(utf8);
	scols_table_set_stream(table, out);
	scols_table_set_termforce(table, SCOLS_TERMFORCE_NEVER);
	scols_table_enable_noencoding(table, 1); /* the cells are escaped already */
	scols_print_table(table);
	if (utf8) {
		uselocale(old);
		freelocale(utf8);
	}
	scols_unref_table(table);
}
