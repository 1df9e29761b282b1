/* SPDX-License-Identifier: MIT */
/* Writes three records into the session of argv[1] and is killed in the middle of the second. */
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "trace/ring.h"

int main(int argc, char **argv)
{
	int fd = argc == 2 ? open(argv[1], O_RDWR | O_CLOEXEC) : -1;
	struct stat file;
	struct header *header;
	struct cell *ring;
	uint64_t first, payload[PAYLOAD_WORDS] = { RECORD_RESULT, 5, ~UINT64_C(5) };

	if (fd < 0 || fstat(fd, &file))
		return 1;
	header = mmap(NULL, (size_t)file.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (header == MAP_FAILED)
		return 1;
	ring = (struct cell *)((char *)header + header->ring_offset);
	first = ring_take(&header->ring_head.value, 3);
	cell_write(&ring[first], first, payload);
	cell_write(&ring[first + 2], first + 2, payload);
	for (int i = 0; i < PAYLOAD_WORDS; i++)
		atomic_store(&ring[first + 1].word[i], payload[i]);
	raise(SIGKILL);
	return 1;
}
