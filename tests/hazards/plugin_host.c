/* SPDX-License-Identifier: MIT */
/* plugin_host PLUGIN: a C program whose threads end, by pthread_cancel and by pthread_exit, inside
 * a C++ library that it opened. */
#include "host.h"

#include <dlfcn.h>
#include <pthread.h>

static struct {
	void (*lock)(int fd);
	void (*wait)(int fd, int ready);
	void (*exit)(int fd);
	int (*catch)(int fd);
} plugin;

static int fd, ready[2];

static void *run(void *mode)
{
	switch (*(const char *)mode) {
	case 'w':
		plugin.wait(fd, ready[1]);
		break;
	case 'e':
		plugin.exit(fd);
		break;
	case 'c':
		CHECK(plugin.catch(fd) == 1);
		break;
	}
	return NULL;
}

static void thread(const char *mode)
{
	pthread_t thread;
	void *result;
	char byte;

	CHECK(!pthread_create(&thread, NULL, run, (void *)mode));
	if (*mode == 'w') {
		CHECK(read(ready[0], &byte, 1) == 1);
		CHECK(!pthread_cancel(thread));
	}
	CHECK(!pthread_join(thread, &result));
	CHECK(*mode != 'w' || result == PTHREAD_CANCELED);
	printf("%s: over\n", mode);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	void *handle;

	fd = open("f", O_RDWR | O_CREAT, 0600);
	CHECK(argc == 2 && fd >= 0 && !pipe(ready));
	lock_and_unlock(fd);
	handle = dlopen(argv[1], RTLD_NOW);
	CHECK(handle);
	*(void **)&plugin.wait = dlsym(handle, "plugin_wait");
	*(void **)&plugin.exit = dlsym(handle, "plugin_exit");
	*(void **)&plugin.catch = dlsym(handle, "plugin_catch");
	for (int i = 0; i < 2; i++) {
		thread("catch");
		thread("wait");
		thread("exit");
	}
	return 0;
}
