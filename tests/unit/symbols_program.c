/* SPDX-License-Identifier: MIT */
/* A program whose addresses the symbols test looks up: calls inlined two deep, and a name as C++
 * mangles it. */
#include <stdio.h>
#include <stdlib.h>

int order_save(const char *text, int count) __asm__("_ZN5Order4saveEPKci");
int checkout(int argc, char **argv);

static volatile int total;

static inline __attribute__((always_inline)) void take_header(int amount)
{
	total += amount;
	if (total > 100)
		puts("full");
}

static inline __attribute__((always_inline)) void take_order(int amount)
{
	total ^= amount;
	take_header(amount + 1);
	total ^= amount;
}

__attribute__((noinline)) int order_save(const char *text, int count)
{
	total = count;
	for (int i = 0; i < count; i++)
		take_order(atoi(text) + i);
	return total;
}

__attribute__((noinline)) int checkout(int argc, char **argv)
{
	take_header(argc);
	return order_save(argv[0], argc) + 1;
}

int main(int argc, char **argv)
{
	return checkout(argc, argv);
}
