/* SPDX-License-Identifier: MIT */
/* A C++ library, opened by a C program: what it leaves on the stack of a thread has a destructor. */
#include <execinfo.h>
#include <pthread.h>
#include <stdexcept>
#include <sys/file.h>
#include <unistd.h>

namespace {
struct Guard {
	~Guard() { (void)!write(STDOUT_FILENO, "destructor\n", 11); }
};
} // namespace

extern "C" void plugin_lock(int fd)
{
	flock(fd, LOCK_EX);
	flock(fd, LOCK_UN);
}

extern "C" void plugin_wait(int fd, int ready)
{
	Guard guard;
	plugin_lock(fd);
	(void)!write(ready, "x", 1);
	for (;;)
		pause();
}

extern "C" void plugin_exit(int fd)
{
	Guard guard;
	plugin_lock(fd);
	pthread_exit(nullptr);
}

extern "C" int plugin_catch(int fd)
{
	try {
		Guard guard;
		plugin_lock(fd);
		throw std::runtime_error("thrown");
	} catch (const std::exception &) {
		plugin_lock(fd);
		void *frames[16];
		return backtrace(frames, 16) > 2;
	}
	return 0;
}
