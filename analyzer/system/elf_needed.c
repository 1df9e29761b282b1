/* SPDX-License-Identifier: MIT */
/* The libraries that a program asks for. Trusts no byte of the file. */
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <unistd.h>

#include "analyzer/system/elf.h"

enum { SEGMENTS_MAX = 256, ENTRIES_MAX = 4096 };

struct dynamic {
	int fd;
	ElfW(Phdr) segments[SEGMENTS_MAX];
	unsigned count;
	uint64_t offset, entries; /* of the dynamic section */
	uint64_t strings;	  /* file offset of its names; 0: none */
};

static bool read_at(int fd, void *buffer, size_t size, uint64_t offset)
{
	return offset <= INT64_MAX && pread(fd, buffer, size, (off_t)offset) == (ssize_t)size;
}

/* Where in the file an address of the image comes from; 0: nowhere. */
static uint64_t offset_of(const struct dynamic *dynamic, uint64_t address)
{
	for (unsigned i = 0; i < dynamic->count; i++) {
		const ElfW(Phdr) *segment = &dynamic->segments[i];

		if (segment->p_type == PT_LOAD && address >= segment->p_vaddr &&
		    address - segment->p_vaddr < segment->p_filesz)
			return segment->p_offset + (address - segment->p_vaddr);
	}
	return 0;
}

static bool entry_at(const struct dynamic *dynamic, uint64_t index, ElfW(Dyn) * entry)
{
	return index < dynamic->entries && index < ENTRIES_MAX &&
	       read_at(dynamic->fd, entry, sizeof(*entry),
		       dynamic->offset + index * sizeof(*entry)) &&
	       entry->d_tag != DT_NULL;
}

static bool find_dynamic(struct dynamic *dynamic)
{
	ElfW(Ehdr) head;
	ElfW(Dyn) entry;

	if (!read_at(dynamic->fd, &head, sizeof(head), 0) ||
	    head.e_phentsize != sizeof(*dynamic->segments) || head.e_phnum > SEGMENTS_MAX ||
	    !read_at(dynamic->fd, dynamic->segments, head.e_phnum * sizeof(*dynamic->segments),
		     head.e_phoff))
		return false;
	dynamic->count = head.e_phnum;
	for (unsigned i = 0; i < dynamic->count; i++) {
		if (dynamic->segments[i].p_type == PT_DYNAMIC) {
			dynamic->offset = dynamic->segments[i].p_offset;
			dynamic->entries = dynamic->segments[i].p_filesz / sizeof(ElfW(Dyn));
		}
	}
	for (uint64_t i = 0; entry_at(dynamic, i, &entry); i++) {
		if (entry.d_tag == DT_STRTAB)
			dynamic->strings = offset_of(dynamic, entry.d_un.d_ptr);
	}
	return dynamic->strings;
}

static bool search(const struct dynamic *dynamic, const char *beginning, char *name, size_t size)
{
	size_t length = strlen(beginning);
	ElfW(Dyn) entry;

	for (uint64_t i = 0; entry_at(dynamic, i, &entry); i++) {
		ssize_t got;

		if (entry.d_tag != DT_NEEDED || entry.d_un.d_val > INT32_MAX)
			continue;
		got = pread(dynamic->fd, name, size - 1,
			    (off_t)(dynamic->strings + entry.d_un.d_val));
		if (got <= 0)
			continue;
		name[got] = '\0';
		if (!strncmp(name, beginning, length))
			return true;
	}
	return false;
}

bool elf_needs(const char *path, const char *beginning, char *name, size_t size)
{
	struct dynamic dynamic = { 0 };
	struct elf_summary summary;
	bool found;

	elf_look(path, &summary);
	if (summary.state != ELF_READ)
		return false;
	dynamic.fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (dynamic.fd < 0)
		return false;
	found = find_dynamic(&dynamic) && search(&dynamic, beginning, name, size);
	close(dynamic.fd);
	return found;
}
