/* SPDX-License-Identifier: MIT */
#include "tests/replay/choices.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

static uint64_t random_state;

void choices_seed(uint64_t seed)
{
	random_state = seed * 2654435761u + 88172645463325252u;
}

unsigned below(unsigned limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (unsigned)(random_state >> 20) % limit;
}

bool one_in(unsigned n)
{
	return !below(n);
}

int any_fd(unsigned open)
{
	int fd = FIRST_FD + (int)below(END_FD - FIRST_FD);

	for (int i = 0; i < END_FD && !(open >> fd & 1); i++)
		fd = fd + 1 < END_FD ? fd + 1 : FIRST_FD;
	return fd;
}

static struct command a_record_lock(int fd)
{
	static const int posix[] = { F_SETLK, F_SETLK, F_SETLKW, F_GETLK };
	static const int ofd[] = { F_OFD_SETLK, F_OFD_SETLK, F_OFD_SETLKW, F_OFD_GETLK };
	static const int16_t types[] = { F_RDLCK, F_WRLCK, F_UNLCK };
	static const int16_t whences[] = { SEEK_SET, SEEK_SET, SEEK_CUR, SEEK_END };
	struct command command = {
		.op = OP_RECORD,
		.fd = fd,
		.command = (one_in(3) ? ofd : posix)[below(4)],
		.type = types[below(3)],
		.whence = whences[below(4)],
		.start = below(50),
		.length = below(30),
	};

	if (command.whence == SEEK_END)
		command.start -= FILE_BYTES;
	if (one_in(5))
		command.length = -command.length;
	if (one_in(8)) /* of the usual places, so that ranges touch, nest and are the same */
		command.start = command.whence == SEEK_SET ? 10 * below(5) : command.start,
		command.length = 10;
	return command;
}

struct command a_lock(int fd)
{
	static const int lockfs[] = { F_LOCK, F_TLOCK, F_ULOCK, F_TEST };
	static const int flocks[] = { LOCK_SH, LOCK_EX, LOCK_UN };

	switch (below(8)) {
	case 0:
		return (struct command){ .op = OP_LOCKF,
					 .fd = fd,
					 .command = lockfs[below(4)],
					 .length = (int)below(40) - 10 };
	case 1:
	case 2:
		return (struct command){ .op = OP_FLOCK,
					 .fd = fd,
					 .command = flocks[below(3)] | (one_in(3) ? 0 : LOCK_NB) };
	case 3:
		return (struct command){ .op = OP_SEEK, .fd = fd, .start = below(60) };
	}
	return a_record_lock(fd);
}

struct command an_open(void)
{
	static const int flags[] = { O_RDWR, O_RDWR, O_RDWR, O_RDONLY, O_WRONLY };

	return (struct command){ .op = OP_OPEN,
				 .other = (int)below(FILES),
				 .command = flags[below(5)] | (one_in(4) ? O_CLOEXEC : 0) };
}

struct command a_close(int fd)
{
	static const enum op ops[] = { OP_CLOSE, OP_CLOSE, OP_FCLOSE, OP_RAW_CLOSE };

	if (one_in(6))
		return (struct command){ .op = OP_RANGE,
					 .fd = fd,
					 .other = fd + (int)below(3),
					 .command = one_in(3) ? CLOSE_RANGE_CLOEXEC : 0 };
	return (struct command){ .op = ops[below(4)], .fd = fd };
}

struct command a_dup(int fd)
{
	static const enum op ops[] = { OP_DUP, OP_DUP_ABOVE, OP_DUP2, OP_DUP3, OP_SETFD };
	struct command command = { .op = ops[below(5)],
				   .fd = fd,
				   .other = FIRST_FD + (int)below(END_FD - FIRST_FD) };

	if (command.op == OP_DUP_ABOVE)
		command.command = one_in(2) ? F_DUPFD : F_DUPFD_CLOEXEC;
	if (command.op == OP_SETFD)
		command.command = one_in(2) ? FD_CLOEXEC : 0;
	return command;
}
