/* SPDX-License-Identifier: MIT */
/*
 * A close that blocks: of a socket that lingers, whose other end reads nothing. It is locked, too.
 * Meanwhile other threads lock, a handler locks, and the thread is cancelled.
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/socket.h>

#include "hazard.h"

#define LINGERS 1 /* s */
#define PAIRS	1000

static int listener, file, of_handler, slow;
static atomic_int tid, closed;

static void lock_of_handler(int number)
{
	(void)number;
	REQUIRE(!flock(of_handler, LOCK_EX));
	REQUIRE(!flock(of_handler, LOCK_UN));
}

static void connect_and_fill(void)
{
	struct linger linger = { .l_onoff = 1, .l_linger = LINGERS };
	struct sockaddr_in address;
	socklen_t length = sizeof(address);
	static char bytes[1 << 16];

	REQUIRE(!getsockname(listener, (struct sockaddr *)&address, &length));
	REQUIRE((slow = socket(AF_INET, SOCK_STREAM, 0)) >= 0);
	REQUIRE(!connect(slow, (struct sockaddr *)&address, length));
	REQUIRE(!setsockopt(slow, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
	while (send(slow, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
	REQUIRE(!flock(slow, LOCK_EX));
}

static void *close_slowly(void *argument)
{
	tid = (int)syscall(SYS_gettid);
	if (argument)
		REQUIRE(dup2(file, slow) == slow);
	else
		REQUIRE(!close(slow));
	closed = 1;
	if (argument)
		close(slow);
	return NULL;
}

/* Its state, once it is inside of the call. */
static void wait_until_it_sleeps(void)
{
	char path[64], text[256];
	ssize_t got = 0;

	while (!tid)
		;
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	do {
		int fd = open(path, O_RDONLY);

		REQUIRE(fd >= 0);
		got = read(fd, text, sizeof(text) - 1);
		REQUIRE(got > 0);
		close(fd);
		text[got] = '\0';
	} while (!strstr(text, ") S "));
}

static pthread_t begin(bool dup)
{
	pthread_t thread;

	tid = closed = 0;
	connect_and_fill();
	REQUIRE(!pthread_create(&thread, NULL, close_slowly, dup ? &file : NULL));
	wait_until_it_sleeps();
	return thread;
}

static void end(pthread_t thread, const char *what)
{
	void *result;

	REQUIRE(!pthread_join(thread, &result));
	printf("%s: %s, %s\n", what, result == PTHREAD_CANCELED ? "cancelled" : "returned",
	       fcntl(slow, F_GETFD) == -1 ? "closed" : "open");
}

static void lock_meanwhile(void)
{
	for (int i = 0; i < PAIRS; i++) {
		lock_record(file, F_SETLKW, F_WRLCK);
		REQUIRE(!unlock_record(file));
	}
	printf("%d pairs, and it was %s\n", PAIRS, closed ? "over" : "under way");
}

int main(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct sigaction action = { .sa_handler = lock_of_handler };
	pthread_t thread;

	REQUIRE((file = open("beside", O_RDWR | O_CREAT, 0600)) >= 0);
	REQUIRE((of_handler = open("of-handler", O_RDWR | O_CREAT, 0600)) >= 0);
	REQUIRE(!sigaction(SIGUSR1, &action, NULL));
	REQUIRE((listener = socket(AF_INET, SOCK_STREAM, 0)) >= 0);
	REQUIRE(!bind(listener, (struct sockaddr *)&any, sizeof(any)) && !listen(listener, 8));

	thread = begin(false);
	lock_meanwhile();
	end(thread, "close");
	thread = begin(true);
	lock_meanwhile();
	end(thread, "dup2");
	thread = begin(false);
	REQUIRE(!pthread_kill(thread, SIGUSR1));
	end(thread, "interrupted");
	thread = begin(false);
	REQUIRE(!pthread_cancel(thread));
	end(thread, "while cancelled");
	return 0;
}
