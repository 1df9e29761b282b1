# SPDX-License-Identifier: MIT
# Tests of launch/ and system/, and the programs that they start or look at.
function(test_helper name)
	set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
	target_link_libraries(${name} PRIVATE flocktrace_options)
endfunction()

unit_test(drain launch)
add_executable(unit-drain-victim drain_victim.c)
test_helper(unit-drain-victim)
target_compile_definitions(unit-drain PRIVATE DRAIN_VICTIM="$<TARGET_FILE:unit-drain-victim>")
add_dependencies(unit-drain unit-drain-victim)

unit_test(system launch)
add_executable(unit-system-static system_static.c)
test_helper(unit-system-static)
target_link_options(unit-system-static PRIVATE -static)
foreach(version same other)
	add_library(unit-system-${version} MODULE system_note.c)
	test_helper(unit-system-${version})
endforeach()
target_compile_definitions(unit-system-same PRIVATE VERSION=FORMAT_VERSION)
target_compile_definitions(unit-system-other PRIVATE VERSION=999999)
target_compile_definitions(
	unit-system PRIVATE SYSTEM_STATIC="$<TARGET_FILE:unit-system-static>" SYSTEM_SAME_VERSION="$<TARGET_FILE:unit-system-same>"
			    SYSTEM_OTHER_VERSION="$<TARGET_FILE:unit-system-other>")
add_dependencies(unit-system unit-system-static unit-system-same unit-system-other)

unit_test(launch)
target_compile_definitions(unit-launch PRIVATE FLOCKTRACE="$<TARGET_FILE:flocktrace>" LAUNCH_STATIC="$<TARGET_FILE:unit-system-static>")
add_dependencies(unit-launch flocktrace flocktrace_preload unit-system-static)

unit_test(proc_locks system)
