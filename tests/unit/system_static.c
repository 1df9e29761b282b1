/* SPDX-License-Identifier: MIT */
/* A program that no preload object gets into: linked statically. Ends when its input does. */
#include <unistd.h>

int main(void)
{
	char byte;

	while (read(0, &byte, 1) > 0)
		;
	return 0;
}
