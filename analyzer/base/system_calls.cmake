# SPDX-License-Identifier: MIT
# cmake -DCOMPILER=… -DOUTPUT=… -P system_calls.cmake: X(read) for each system call that the kernel's header has for this processor.
execute_process(
	COMMAND ${COMPILER} -dM -E -include asm/unistd.h -x c /dev/null
	OUTPUT_VARIABLE macros
	RESULT_VARIABLE failed)
string(REGEX MATCHALL "#define __NR_[a-z0-9_]+ [^\n]+" lines "${macros}")
set(text "")
foreach(line IN LISTS lines)
	string(REGEX REPLACE "#define __NR_([a-z0-9_]+) .*" "\\1" name "${line}")
	# These two are counts, and aliases of others.
	if(NOT name MATCHES "^(syscalls|arch_specific_syscall)$")
		string(APPEND text "X(${name})\n")
	endif()
endforeach()
if(failed OR NOT text MATCHES "X\\(fcntl\\)")
	message(FATAL_ERROR "no system calls in asm/unistd.h, as ${COMPILER} finds it")
endif()
file(WRITE ${OUTPUT} "${text}")
