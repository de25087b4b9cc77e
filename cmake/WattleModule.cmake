# SPDX-License-Identifier: Apache-2.0
# One static library per folder of src/, one test program per folder of tests/.
include(GoogleTest)

# Flags of every target of ours, in one place.
add_library(wattle_flags INTERFACE)
target_include_directories(wattle_flags INTERFACE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
target_compile_options(wattle_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow
                                              $<$<CXX_COMPILER_ID:Clang>:-Wno-unknown-warning-option>
                                              $<$<CXX_COMPILER_ID:Clang>:-Wno-deprecated-declarations>)
# GCC 12 warns of overlapping copies inside std::string's own functions (GCC bug 105651).
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(wattle_flags INTERFACE -Wno-restrict)
endif()
# Sums and products are fused only where the source says so: else a compiler for aarch64 does it where
# it likes, and results depend on it and on how much it optimises.
target_compile_options(wattle_flags INTERFACE -ffp-contract=off)
if(WATTLE_ASSERTS)
  target_compile_definitions(wattle_flags INTERFACE WATTLE_ENABLE_ASSERTS)
endif()
if(WATTLE_SANITIZE)
  target_compile_definitions(wattle_flags INTERFACE WATTLE_SANITIZED)
  target_compile_options(wattle_flags INTERFACE -fsanitize=${WATTLE_SANITIZE} -fno-omit-frame-pointer
                                                -fno-sanitize-recover=all)
  target_link_options(wattle_flags INTERFACE -fsanitize=${WATTLE_SANITIZE})
endif()

# wattle_module(NAME SOURCES a.cpp ... UNGUIDED b.cpp ... DEPS wattle_base fmt::fmt ...)
# Makes the library wattle_NAME from the sources of the current folder. Fuzzers are guided by the branches
# taken in SOURCES. UNGUIDED are files whose branches tell them nothing, as they are behind no door or only
# compute: counting the branches makes the inner loops of the scalar kernels three times slower.
function(wattle_module name)
  cmake_parse_arguments(ARG "" "" "SOURCES;UNGUIDED;DEPS" ${ARGN})
  add_library(wattle_${name} STATIC ${ARG_SOURCES} ${ARG_UNGUIDED})
  target_link_libraries(wattle_${name} PUBLIC wattle_flags ${ARG_DEPS})
  if(WATTLE_FUZZ)
    set_property(SOURCE ${ARG_SOURCES} APPEND PROPERTY COMPILE_OPTIONS -fsanitize=fuzzer-no-link)
  endif()
endfunction()

# wattle_test(NAME LABEL fast|slow SOURCES a_test.cpp ... DEPS ...)
# Makes the program NAME_tests; each of its cases is a ctest test with that label. A test that needs
# reference data reads the folder that the environment variable WATTLE_GOLDEN names and skips itself
# where there is none.
function(wattle_test name)
  cmake_parse_arguments(ARG "" "LABEL" "SOURCES;DEPS" ${ARGN})
  if(NOT ARG_LABEL)
    set(ARG_LABEL fast)
  endif()
  add_executable(${name}_tests ${ARG_SOURCES})
  target_include_directories(${name}_tests PRIVATE ${PROJECT_SOURCE_DIR})
  # What is tested is optimised as it ships; the tests themselves are compiled for quick builds.
  target_compile_options(${name}_tests PRIVATE $<$<CONFIG:Release>:-O1>)
  target_link_libraries(${name}_tests PRIVATE wattle_flags wattle_test_support ${ARG_DEPS}
                                              GTest::gtest GTest::gtest_main)
  gtest_discover_tests(${name}_tests DISCOVERY_TIMEOUT 60 PROPERTIES LABELS ${ARG_LABEL} TIMEOUT 600)
endfunction()
