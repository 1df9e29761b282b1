# SPDX-License-Identifier: MIT
# Tests of trace/ and analyzer/read, and of dump's text; with the builder of traces that they share.
add_library(mktrace STATIC ${PROJECT_SOURCE_DIR}/tests/support/mktrace.c)
target_link_libraries(mktrace PUBLIC base analyzer_options)

unit_test(reader read mktrace)
unit_test(reader_names read mktrace)
unit_test(reader_gaps read mktrace)
unit_test(reader_alive read mktrace)
unit_test(reader_grants read mktrace)
unit_test(reader_bad read mktrace)
# "Never hangs" means that it is over by then.
set_tests_properties(unit-reader_bad PROPERTIES TIMEOUT 120)

unit_test(format)
target_compile_definitions(unit-format PRIVATE FORMAT_PAGE="${PROJECT_SOURCE_DIR}/trace/FORMAT.md")

unit_test(dump_text base trace_names)
target_sources(unit-dump_text PRIVATE ${PROJECT_SOURCE_DIR}/analyzer/commands/lock_text.c)

unit_test(dump_command mktrace)
target_compile_definitions(unit-dump_command PRIVATE FLOCKTRACE="$<TARGET_FILE:flocktrace>")
add_dependencies(unit-dump_command flocktrace)
