/* SPDX-License-Identifier: MIT */
#include "analyzer/stats/histogram.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <time.h>

static int ascending(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

/* Spread over all magnitudes, as times are. */
static uint64_t random_time(unsigned *seed)
{
	uint64_t bits = (uint64_t)rand_r(seed) << 32 | (uint32_t)rand_r(seed);

	return bits >> (unsigned)rand_r(seed) % 64;
}

Test(histogram, an_empty_one_says_zero)
{
	struct histogram histogram = { 0 };

	cr_expect_eq(histogram_quantile(&histogram, 500), 0);
	histogram_free(&histogram);
}

Test(histogram, one_value_is_exact)
{
	struct histogram histogram = { 0 };

	histogram_add(&histogram, UINT64_C(123456789));
	cr_expect_eq(histogram_quantile(&histogram, 0), UINT64_C(123456789));
	cr_expect_eq(histogram_quantile(&histogram, 500), UINT64_C(123456789));
	cr_expect_eq(histogram_quantile(&histogram, 1000), UINT64_C(123456789));
	cr_expect_eq(histogram.total, UINT64_C(123456789));
	histogram_free(&histogram);
}

Test(histogram, small_values_are_exact)
{
	struct histogram histogram = { 0 };

	for (uint64_t value = 0; value < 64; value++)
		histogram_add(&histogram, value);
	for (unsigned rank = 1; rank <= 64; rank++)
		cr_expect_eq(histogram_quantile(&histogram, rank * 1000 / 64), rank - 1, "rank %u",
			     rank);
	histogram_free(&histogram);
}

Test(histogram, the_largest_values_there_are_have_a_bucket)
{
	struct histogram histogram = { 0 };

	histogram_add(&histogram, UINT64_MAX);
	histogram_add(&histogram, UINT64_MAX / 2);
	histogram_add(&histogram, 0);
	cr_expect_eq(histogram_quantile(&histogram, 1000), UINT64_MAX);
	cr_expect_eq(histogram.min, 0);
	histogram_free(&histogram);
}

Test(histogram, quantiles_are_at_most_two_percent_off)
{
	enum { COUNT = 20000 };
	static uint64_t values[COUNT];
	unsigned first_seed = (unsigned)time(NULL), seed = first_seed;
	struct histogram histogram = { 0 };

	for (int i = 0; i < COUNT; i++) {
		values[i] = random_time(&seed);
		histogram_add(&histogram, values[i]);
	}
	qsort(values, COUNT, sizeof(*values), ascending);
	for (unsigned per_mille = 1; per_mille <= 1000; per_mille++) {
		double truth = (double)values[(size_t)COUNT * per_mille / 1000 - 1];
		double said = (double)histogram_quantile(&histogram, per_mille);

		cr_expect(said >= truth * 0.98 && said <= truth * 1.02,
			  "seed %u: %u per mille: %.0f instead of %.0f", first_seed, per_mille,
			  said, truth);
	}
	histogram_free(&histogram);
}

Test(histogram, merging_is_the_same_as_adding_everything_to_one)
{
	unsigned first_seed = (unsigned)time(NULL), seed = first_seed;
	struct histogram parts[3] = { { 0 } }, whole = { 0 }, merged = { 0 };

	for (int i = 0; i < 3000; i++) {
		uint64_t value = random_time(&seed);

		histogram_add(&parts[i % 3], value);
		histogram_add(&whole, value);
	}
	for (int i = 2; i >= 0; i--)
		histogram_merge(&merged, &parts[i]);
	cr_expect_eq(merged.count, whole.count);
	cr_expect_eq(merged.total, whole.total);
	for (unsigned per_mille = 0; per_mille <= 1000; per_mille++)
		cr_expect_eq(histogram_quantile(&merged, per_mille),
			     histogram_quantile(&whole, per_mille), "seed %u: %u per mille",
			     first_seed, per_mille);
	for (int i = 0; i < 3; i++)
		histogram_free(&parts[i]);
	histogram_free(&whole);
	histogram_free(&merged);
}

Test(histogram, values_that_lie_together_need_little_room)
{
	struct histogram histogram = { 0 };

	for (uint64_t value = 1000000; value < 2000000; value += 100)
		histogram_add(&histogram, value);
	cr_expect_leq(histogram.span, 33);
	histogram_free(&histogram);
}
