/* SPDX-License-Identifier: MIT */
/*
 * reload LIBRARY…: opens one library after the other, all at the same address, and locks in each
 * the file that has its number. Says the address of each.
 */
#include "host.h"

#include <dlfcn.h>

int main(int argc, char **argv)
{
	char name[16];

	for (int i = 1; i < argc; i++) {
		void *handle = dlopen(argv[i], RTLD_NOW);
		void (*lock)(int fd);
		Dl_info info;
		int fd;

		CHECK(handle);
		*(void **)&lock = dlsym(handle, "lock_in_library");
		CHECK(lock && dladdr(*(void **)&lock, &info));
		snprintf(name, sizeof(name), "file%d", i);
		fd = open(name, O_RDWR | O_CREAT, 0600);
		for (int n = 0; n < 5; n++)
			lock(fd);
		printf("%p\n", info.dli_fbase);
		CHECK(!close(fd) && !dlclose(handle));
	}
	return 0;
}
