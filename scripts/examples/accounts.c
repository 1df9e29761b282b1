/* SPDX-License-Identifier: MIT */
/* A bank in one file: tellers move money between accounts, an auditor counts all of it. */
#include <fcntl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ACCOUNTS 4
#define SIZE	 64 /* bytes of an account */

static int book;

static void work(long ms)
{
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

static void transfer(int account)
{
	struct flock record = { .l_type = F_WRLCK, .l_start = account * SIZE, .l_len = SIZE };

	fcntl(book, F_SETLKW, &record);
	work(30);
	record.l_type = F_UNLCK;
	fcntl(book, F_SETLK, &record);
}

static void audit(void)
{
	struct flock all = { .l_type = F_RDLCK };

	fcntl(book, F_SETLKW, &all);
	work(400);
	all.l_type = F_UNLCK;
	fcntl(book, F_SETLK, &all);
}

static void teller(void)
{
	for (int i = 0; i < 8; i++)
		transfer(i % ACCOUNTS);
}

static void auditor(void)
{
	work(50);
	audit();
}

int main(void)
{
	static void (*const staff[])(void) = { teller, teller, auditor };

	book = open("accounts.db", O_RDWR | O_CREAT | O_TRUNC, 0600);
	for (int i = 0; i < 3; i++) {
		if (fork())
			continue;
		staff[i]();
		_exit(0);
	}
	while (wait(NULL) > 0)
		;
	return 0;
}
