/* SPDX-License-Identifier: MIT */
#include "analyzer/base/units.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

#include "analyzer/event.h"

static char buffer[UNITS_ROOM];

Test(units, durations_have_three_or_four_digits_and_their_unit)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} cases[] = {
		{ 0, "0 ns" },
		{ 999, "999 ns" },
		{ 1000, "1.00 us" },
		{ 12345, "12.3 us" },
		{ 999949, "999.9 us" },
		{ 999950, "1.00 ms" },
		{ 12345678, "12.3 ms" },
		{ UINT64_C(1203000000), "1.203 s" },
		{ UINT64_C(41200000000), "41.2 s" },
		{ UINT64_C(123000000000), "2 min 3 s" },
		{ UINT64_C(3720000000000), "1 h 2 min" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		cr_expect_str_eq(units_duration(buffer, cases[i].ns), cases[i].text, "%s", buffer);
}

Test(units, ranges_are_half_open_and_eof_is_named)
{
	cr_expect_str_eq(units_range(buffer, 0, 100), "[0, 100)");
	cr_expect_str_eq(units_range(buffer, 0, RANGE_TO_EOF), "[0, EOF)");
}

Test(units, iso_times_are_utc)
{
	cr_expect_str_eq(units_iso(buffer, 0), "1970-01-01T00:00:00.000000Z");
	cr_expect_str_eq(units_iso(buffer, -1), "1969-12-31T23:59:59.999999Z");
}

Test(units, counts_have_thousands_separators)
{
	cr_expect_str_eq(units_count(buffer, 0), "0");
	cr_expect_str_eq(units_count(buffer, 999), "999");
	cr_expect_str_eq(units_count(buffer, 1204), "1,204");
	cr_expect_str_eq(units_count(buffer, UINT64_MAX), "18,446,744,073,709,551,615");
}

Test(units, a_share_is_a_whole_only_if_nearly_nothing_is_missing)
{
	cr_expect_str_eq(units_share(buffer, 97, 100), "97 %");
	cr_expect_str_eq(units_share(buffer, 9980, 10000), "99 %");
	cr_expect_str_eq(units_share(buffer, 9999, 10000), "100 %");
	cr_expect_str_eq(units_share(buffer, 1, 10000), "<1 %");
	cr_expect_str_eq(units_share(buffer, 0, 0), "0 %");
	cr_expect_str_eq(units_share(buffer, 5, 5), "100 %");
}
