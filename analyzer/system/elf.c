/* SPDX-License-Identifier: MIT */
#include "analyzer/system/elf.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define NOTE_OWNER    "flocktrace"
#define NOTE_VERSION  1 /* type; the description is the format version, uint32_t */
#define NOTE_GO	      "Go"
#define NOTE_BUILD_ID 4 /* type; Go's linker writes one into every program */

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define OWN_DATA ELFDATA2LSB
#else
#define OWN_DATA ELFDATA2MSB
#endif

enum {
	OWN_CLASS = sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32,
	SEGMENTS_MAX = 256,
	NOTES_MAX = 64 << 10
};

/* The machine that this very program was built for. */
static uint16_t own_machine(void)
{
	static uint16_t machine;
	ElfW(Ehdr) head;
	int fd;

	if (machine)
		return machine;
	fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		if (pread(fd, &head, sizeof(head), 0) == (ssize_t)sizeof(head))
			machine = head.e_machine;
		close(fd);
	}
	return machine;
}

static bool read_at(int fd, void *buffer, size_t size, uint64_t offset)
{
	return offset <= INT64_MAX && pread(fd, buffer, size, (off_t)offset) == (ssize_t)size;
}

static void look_at_note(int fd, const ElfW(Nhdr) * note, const char *owner, uint64_t description,
			 struct elf_summary *summary)
{
	if (note->n_type == NOTE_BUILD_ID && note->n_namesz >= sizeof(NOTE_GO) &&
	    !strcmp(owner, NOTE_GO))
		summary->go = true;
	if (note->n_type == NOTE_VERSION && note->n_namesz == sizeof(NOTE_OWNER) &&
	    note->n_descsz == sizeof(summary->version) && !strcmp(owner, NOTE_OWNER))
		summary->has_version =
			read_at(fd, &summary->version, sizeof(summary->version), description);
}

static void look_at_notes(int fd, uint64_t offset, uint64_t size, struct elf_summary *summary)
{
	uint64_t end = offset + (size > NOTES_MAX ? NOTES_MAX : size);

	while (offset + sizeof(ElfW(Nhdr)) <= end) {
		ElfW(Nhdr) note;
		char owner[sizeof(NOTE_OWNER)] = "";
		uint64_t description;
		size_t length;

		if (!read_at(fd, &note, sizeof(note), offset))
			return;
		offset += sizeof(note);
		length = note.n_namesz < sizeof(owner) ? note.n_namesz : sizeof(owner);
		if (!read_at(fd, owner, length, offset))
			return;
		owner[sizeof(owner) - 1] = '\0';
		description = offset + ((note.n_namesz + UINT64_C(3)) & ~UINT64_C(3));
		look_at_note(fd, &note, owner, description, summary);
		offset = description + ((note.n_descsz + UINT64_C(3)) & ~UINT64_C(3));
	}
}

static void look_at_segment(int fd, const ElfW(Phdr) * segment, struct elf_summary *summary)
{
	size_t length = segment->p_filesz;

	if (segment->p_type == PT_NOTE)
		look_at_notes(fd, segment->p_offset, segment->p_filesz, summary);
	if (segment->p_type != PT_INTERP)
		return;
	summary->has_interpreter = true;
	if (length >= sizeof(summary->interpreter))
		length = sizeof(summary->interpreter) - 1;
	if (!read_at(fd, summary->interpreter, length, segment->p_offset))
		length = 0;
	summary->interpreter[length] = '\0';
}

static enum elf_state look(int fd, struct elf_summary *summary)
{
	ElfW(Ehdr) head = { 0 };
	ElfW(Phdr) segment;
	struct stat file;

	if (fstat(fd, &file))
		return ELF_UNREADABLE;
	if (!read_at(fd, head.e_ident, EI_NIDENT, 0) || memcmp(head.e_ident, ELFMAG, SELFMAG))
		return ELF_NONE;
	if (head.e_ident[EI_CLASS] != OWN_CLASS)
		return ELF_OTHER_CLASS;
	if (head.e_ident[EI_DATA] != OWN_DATA)
		return ELF_OTHER_MACHINE;
	if (!read_at(fd, &head, sizeof(head), 0) || head.e_phentsize != sizeof(segment) ||
	    head.e_phnum > SEGMENTS_MAX)
		return ELF_TRUNCATED;
	if (head.e_machine != own_machine())
		return ELF_OTHER_MACHINE;
	summary->executable = head.e_type == ET_EXEC || head.e_type == ET_DYN;
	for (unsigned i = 0; i < head.e_phnum; i++) {
		if (!read_at(fd, &segment, sizeof(segment), head.e_phoff + i * sizeof(segment)) ||
		    segment.p_offset > (uint64_t)file.st_size ||
		    segment.p_filesz > (uint64_t)file.st_size - segment.p_offset)
			return ELF_TRUNCATED;
		look_at_segment(fd, &segment, summary);
	}
	return ELF_READ;
}

void elf_look(const char *path, struct elf_summary *summary)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int error;

	memset(summary, 0, sizeof(*summary));
	summary->state = ELF_UNREADABLE;
	if (fd < 0)
		return;
	summary->state = look(fd, summary);
	error = errno;
	close(fd);
	errno = error;
}

enum obstacle elf_privileges(const char *path)
{
	struct stat file;

	if (stat(path, &file))
		return OBSTACLE_NONE;
	if (file.st_mode & S_ISUID)
		return OBSTACLE_SETUID;
	if ((file.st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP))
		return OBSTACLE_SETGID;
	if (getxattr(path, "security.capability", NULL, 0) > 0)
		return OBSTACLE_CAPABILITIES;
	return OBSTACLE_NONE;
}

enum obstacle elf_obstacle(const struct elf_summary *summary)
{
	switch (summary->state) {
	case ELF_OTHER_CLASS:
		return OBSTACLE_OTHER_CLASS;
	case ELF_OTHER_MACHINE:
		return OBSTACLE_OTHER_MACHINE;
	case ELF_READ:
		if (summary->go)
			return OBSTACLE_GO;
		if (!summary->has_interpreter)
			return OBSTACLE_STATIC;
		if (!strstr(summary->interpreter, "/ld-linux") &&
		    !strstr(summary->interpreter, "/ld64.so"))
			return OBSTACLE_OTHER_LIBC;
		return OBSTACLE_NONE;
	case ELF_UNREADABLE:
	case ELF_NONE:
	case ELF_TRUNCATED:
		break;
	}
	return OBSTACLE_NONE;
}
