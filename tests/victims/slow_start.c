/* SPDX-License-Identifier: MIT */
/* A library that takes its time before the preload object has begun, and a program that needs it.
 */
#include <unistd.h>

#ifdef LIBRARY

int slow_start(void);

int slow_start(void)
{
	return 0;
}

__attribute__((constructor)) static void take_time(void)
{
	usleep(400000);
}

#else

int slow_start(void);

int main(void)
{
	return slow_start();
}

#endif
