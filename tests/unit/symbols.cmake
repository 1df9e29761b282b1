# SPDX-License-Identifier: MIT
# One small program as its users might have it: linked here or there, stripped, split, or built by clang.
set(programs ${CMAKE_CURRENT_BINARY_DIR}/symbols-programs)
set(source ${CMAKE_CURRENT_SOURCE_DIR}/symbols_program.c)
file(MAKE_DIRECTORY ${programs})
find_program(FLOCKTRACE_GCC gcc REQUIRED)
find_program(FLOCKTRACE_CLANG clang)
find_program(FLOCKTRACE_LLVM_ADDR2LINE llvm-addr2line)

function(symbols_program variant)
	add_custom_command(
		OUTPUT ${programs}/symbols-${variant}
		${ARGN}
		WORKING_DIRECTORY ${programs}
		VERBATIM)
	set_property(DIRECTORY APPEND PROPERTY SYMBOLS_PROGRAMS ${programs}/symbols-${variant})
endfunction()

set(compile -g -O2 -D_GNU_SOURCE ${source} -o)
symbols_program(pie COMMAND ${FLOCKTRACE_GCC} -fPIE -pie -Wl,--build-id=sha1 ${compile} symbols-pie DEPENDS ${source})
symbols_program(fixed COMMAND ${FLOCKTRACE_GCC} -fno-pie -no-pie -Wl,--build-id=sha1 ${compile} symbols-fixed DEPENDS ${source})
symbols_program(noid COMMAND ${FLOCKTRACE_GCC} -fPIE -pie -Wl,--build-id=none ${compile} symbols-noid DEPENDS ${source})
symbols_program(stripped COMMAND ${CMAKE_OBJCOPY} --strip-all symbols-pie symbols-stripped DEPENDS ${programs}/symbols-pie)
symbols_program(nodebug COMMAND ${CMAKE_OBJCOPY} --strip-debug symbols-pie symbols-nodebug DEPENDS ${programs}/symbols-pie)
symbols_program(
	split
	COMMAND ${CMAKE_OBJCOPY} --only-keep-debug symbols-pie symbols-split.debug
	COMMAND ${CMAKE_OBJCOPY} --strip-all --add-gnu-debuglink=symbols-split.debug symbols-pie symbols-split
	DEPENDS ${programs}/symbols-pie)
if(FLOCKTRACE_CLANG AND FLOCKTRACE_LLVM_ADDR2LINE)
	symbols_program(clang COMMAND ${FLOCKTRACE_CLANG} -fPIE -pie -Wl,--build-id=sha1 ${compile} symbols-clang DEPENDS ${source})
	target_compile_definitions(unit-symbols PRIVATE SYMBOLS_LLVM_ADDR2LINE="${FLOCKTRACE_LLVM_ADDR2LINE}")
endif()

get_property(all DIRECTORY PROPERTY SYMBOLS_PROGRAMS)
add_custom_target(symbols-programs DEPENDS ${all})
add_dependencies(unit-symbols symbols-programs)
target_compile_definitions(unit-symbols PRIVATE SYMBOLS_PROGRAMS="${programs}")
