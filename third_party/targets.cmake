# SPDX-License-Identifier: Apache-2.0
# Targets for what third_party/fetch.sh put into the cache:
#   lazuli::sqlite               the amalgamation as one static library
#   lazuli::llhttp               the generated HTTP/1 parser as a static library
#   lazuli::onnxruntime_headers  the C API's headers alone: the library is loaded at run time (see below)
enable_language(C)

if(NOT LAZULI_THIRD_PARTY)
  if(DEFINED ENV{LAZULI_THIRD_PARTY})
    set(LAZULI_THIRD_PARTY "$ENV{LAZULI_THIRD_PARTY}")
  elseif(DEFINED ENV{LAZULI_CACHE})
    set(LAZULI_THIRD_PARTY "$ENV{LAZULI_CACHE}/third_party")
  else()
    set(LAZULI_THIRD_PARTY "$ENV{HOME}/.cache/lazuli/third_party")
  endif()
endif()
set(LAZULI_THIRD_PARTY "${LAZULI_THIRD_PARTY}" CACHE PATH "Where third_party/fetch.sh keeps its packages")

# The versions stand in pins.txt alone: lazuli_pin(sqlite) sets sqlite_DIR to .../sqlite-3.54.1.
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${CMAKE_CURRENT_LIST_DIR}/pins.txt")
function(lazuli_pin name)
  file(STRINGS "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/pins.txt" lines REGEX "^${name}-[0-9][0-9.]* ")
  list(LENGTH lines count)
  if(NOT count EQUAL 1)
    message(FATAL_ERROR "pins.txt names ${name} ${count} times instead of once")
  endif()
  string(REGEX MATCH "^[^ ]+" directory "${lines}")
  if(NOT EXISTS "${LAZULI_THIRD_PARTY}/${directory}/PIN")
    message(FATAL_ERROR "${LAZULI_THIRD_PARTY}/${directory} is missing: run third_party/fetch.sh")
  endif()
  set(${name}_DIR "${LAZULI_THIRD_PARTY}/${directory}" PARENT_SCOPE)
endfunction()

function(lazuli_c_library name include_directory)
  add_library(lazuli_${name} STATIC ${ARGN})
  add_library(lazuli::${name} ALIAS lazuli_${name})
  target_include_directories(lazuli_${name} SYSTEM PUBLIC "${include_directory}")
  # Always optimised, never linted: these are other people's sources, and a debug build of ours gains nothing from theirs.
  target_compile_options(lazuli_${name} PRIVATE -O2 -w)
  set_target_properties(lazuli_${name} PROPERTIES
    POSITION_INDEPENDENT_CODE ON C_STANDARD 11 C_CLANG_TIDY "" UNITY_BUILD OFF)
endfunction()

lazuli_pin(sqlite)
lazuli_c_library(sqlite "${sqlite_DIR}" "${sqlite_DIR}/sqlite3.c")
target_compile_definitions(lazuli_sqlite PRIVATE
  SQLITE_THREADSAFE=2              # a connection is used by one thread at a time
  SQLITE_DEFAULT_SYNCHRONOUS=2     # FULL: a commit is answered when it is on disk
  SQLITE_DEFAULT_WAL_SYNCHRONOUS=2
  SQLITE_DEFAULT_FOREIGN_KEYS=1
  SQLITE_DEFAULT_MEMSTATUS=0       # no global lock around every allocation
  SQLITE_TEMP_STORE=3              # temporary tables in memory: no plain text in files outside the data folder
  SQLITE_DQS=0                     # "x" is a column, never a string
  SQLITE_TRUSTED_SCHEMA=0
  SQLITE_STRICT_SUBTYPE=1
  SQLITE_LIKE_DOESNT_MATCH_BLOBS
  SQLITE_OMIT_LOAD_EXTENSION
  SQLITE_OMIT_SHARED_CACHE
  SQLITE_OMIT_DEPRECATED
  SQLITE_ENABLE_API_ARMOR          # misuse is an error code, not undefined behaviour
  SQLITE_MAX_ATTACHED=4
  HAVE_FDATASYNC=1 HAVE_PREAD=1 HAVE_PWRITE=1 HAVE_USLEEP=1 HAVE_GMTIME_R=1 HAVE_LOCALTIME_R=1
  HAVE_MALLOC_H=1 HAVE_MALLOC_USABLE_SIZE=1 HAVE_STRERROR_R=1 STRERROR_R_CHAR_P=1 _GNU_SOURCE)
target_link_libraries(lazuli_sqlite PUBLIC m)

lazuli_pin(llhttp)
lazuli_c_library(llhttp "${llhttp_DIR}/include"
  "${llhttp_DIR}/src/llhttp.c" "${llhttp_DIR}/src/api.c" "${llhttp_DIR}/src/http.c")

# ONNX Runtime is loaded by engines/inference with dlopen, from ../lib beside the executable's folder, after
# ORT_DISABLE_TELEMETRY is set: linking it would run its initialisers before main. It is copied when we configure.
lazuli_pin(onnxruntime-api)
add_library(lazuli_onnxruntime_headers INTERFACE)
add_library(lazuli::onnxruntime_headers ALIAS lazuli_onnxruntime_headers)
target_include_directories(lazuli_onnxruntime_headers SYSTEM INTERFACE "${onnxruntime-api_DIR}")

lazuli_pin(onnxruntime)
file(GLOB onnxruntime_library "${onnxruntime_DIR}/lib/libonnxruntime.so.*")
get_filename_component(onnxruntime_name "${onnxruntime_library}" NAME)
file(COPY "${onnxruntime_library}" DESTINATION "${CMAKE_BINARY_DIR}/lib")
file(CREATE_LINK "${onnxruntime_name}" "${CMAKE_BINARY_DIR}/lib/libonnxruntime.so.1" SYMBOLIC)
