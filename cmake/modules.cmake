# SPDX-License-Identifier: Apache-2.0
# Every service is a folder below src/services and one line here.
set(LAZULI_SERVICES directory identity authorization resources storage declared workspace assets runs schedules jobs endpoints)

add_library(lazuli_flags INTERFACE)
target_compile_options(lazuli_flags INTERFACE
  -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wimplicit-fallthrough -Werror=return-type
  -Wno-missing-field-initializers -fno-plt)
target_include_directories(lazuli_flags INTERFACE ${CMAKE_SOURCE_DIR}/src ${CMAKE_BINARY_DIR}/gen)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(lazuli_flags INTERFACE $<$<COMPILE_LANGUAGE:CXX>:SHELL:-Xclang -fno-pch-timestamp>)
endif()

# One precompiled standard header for everybody.
file(WRITE ${CMAKE_BINARY_DIR}/pch.cc "")
add_library(lazuli_pch OBJECT ${CMAKE_BINARY_DIR}/pch.cc)
target_link_libraries(lazuli_pch PRIVATE lazuli_flags)
target_precompile_headers(lazuli_pch PRIVATE ${CMAKE_SOURCE_DIR}/cmake/pch.h)

set_property(GLOBAL PROPERTY LAZULI_TEST_SOURCES "")

# Each src/FOLDER/NAME_fuzz_test.cc of a module becomes the program fuzz_FOLDER_NAME.
function(lazuli_fuzz_targets module)
  set(fuzzers ${ARGN})
  list(FILTER fuzzers INCLUDE REGEX "_fuzz_test\\.cc$")
  foreach(source ${fuzzers})
    string(REGEX REPLACE ".*/([a-z0-9_]+)/([a-z0-9_]+)_fuzz_test\\.cc$" "fuzz_\\1_\\2" target ${source})
    add_executable(${target} ${source})
    target_compile_definitions(${target} PRIVATE LAZULI_FUZZ)
    target_link_libraries(${target} PRIVATE ${module})
    target_link_options(${target} PRIVATE -fsanitize=fuzzer)
  endforeach()
endfunction()

# lazuli_module(path LINK modules… PRIVATE libraries…): a static library of src/path/*.cc; its
# *_test.cc join the one test binary.
function(lazuli_module path)
  cmake_parse_arguments(ARG "" "" "LINK;PRIVATE" ${ARGN})
  string(REPLACE "/" "_" name ${path})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${path}/*.cc)
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$|_fake\\.cc$")
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$|_fake\\.cc$|/main\\.cc$")
  set_property(GLOBAL APPEND PROPERTY LAZULI_TEST_SOURCES ${tests})
  if(LAZULI_FUZZ)
    lazuli_fuzz_targets(${name} ${tests})
  endif()
  if(sources)
    add_library(${name} STATIC ${sources})
    target_link_libraries(${name} PUBLIC lazuli_flags ${ARG_LINK} PRIVATE ${ARG_PRIVATE})
    target_precompile_headers(${name} REUSE_FROM lazuli_pch)
  else()
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE lazuli_flags ${ARG_LINK})
  endif()
endfunction()

function(lazuli_executables)
  # The job supervisor without a server, for the compute engine's own tests.
  add_executable(lazuli_supervisor ${CMAKE_SOURCE_DIR}/src/engines/compute/main.cc)
  target_link_libraries(lazuli_supervisor PRIVATE engines_compute)
  target_link_options(lazuli_supervisor PRIVATE -Wl,--as-needed)
  target_precompile_headers(lazuli_supervisor REUSE_FROM lazuli_pch)
  if(EXISTS ${CMAKE_SOURCE_DIR}/src/cli/main.cc)
    add_executable(lazuli ${CMAKE_SOURCE_DIR}/src/cli/main.cc)
    target_link_libraries(lazuli PRIVATE cli ${CMAKE_DL_LIBS})
    target_precompile_headers(lazuli REUSE_FROM lazuli_pch)
  endif()
  # Tokens that no client could ask for, for the tests on the wire.
  add_executable(lazuli_mint ${CMAKE_SOURCE_DIR}/tests/mint/main.cc)
  target_link_libraries(lazuli_mint PRIVATE server ${CMAKE_DL_LIBS})
  target_precompile_headers(lazuli_mint REUSE_FROM lazuli_pch)
  get_property(tests GLOBAL PROPERTY LAZULI_TEST_SOURCES)
  if(tests)
    add_executable(lazuli_tests ${tests})
    add_dependencies(lazuli_tests lazuli_supervisor)
    target_link_libraries(lazuli_tests PRIVATE cli lazuli::sqlite PostgreSQL::PostgreSQL
      GTest::gtest GTest::gtest_main ${CMAKE_DL_LIBS})
    target_precompile_headers(lazuli_tests REUSE_FROM lazuli_pch)
  endif()
  # Built only when ./dev bench asks for them.
  add_executable(bench_db EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/bench/db.cc)
  target_link_libraries(bench_db PRIVATE db lazuli::sqlite)
  target_precompile_headers(bench_db REUSE_FROM lazuli_pch)
  add_executable(bench_bytes EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/bench/bytes.cc)
  target_link_libraries(bench_bytes PRIVATE bytes)
  target_precompile_headers(bench_bytes REUSE_FROM lazuli_pch)
  add_executable(bench_state EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/bench/state.cc)
  target_link_libraries(bench_state PRIVATE engines_workflow lazuli::sqlite PostgreSQL::PostgreSQL)
  target_precompile_headers(bench_state REUSE_FROM lazuli_pch)
endfunction()
