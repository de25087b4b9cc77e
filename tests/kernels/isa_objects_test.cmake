# SPDX-License-Identifier: Apache-2.0
# The files of an instruction set may leave no inline function to the linker: it keeps one copy for
# the whole program, and with theirs the program would stop on processors without that set.
# cmake -D NM=nm -D ARCHIVE=libwattle_kernels.a -P isa_objects_test.cmake
execute_process(COMMAND ${NM} -C --defined-only -A ${ARCHIVE} OUTPUT_VARIABLE symbols
                COMMAND_ERROR_IS_FATAL ANY)
string(REPLACE ";" "," symbols "${symbols}")
string(REPLACE "\n" ";" symbols "${symbols}")

set(n_isa_symbols 0)
foreach(symbol IN LISTS symbols)
  if(NOT symbol MATCHES "_(avx2|avx512|avx512vnni|neon)\\.cpp\\.o")
    continue()
  endif()
  math(EXPR n_isa_symbols "${n_isa_symbols} + 1")
  # W, V, u: one of several copies. The reference to the unwinder is data.
  if(symbol MATCHES " [WVu] " AND NOT symbol MATCHES "DW\\.ref\\.__gxx_personality_v0")
    message(SEND_ERROR "${symbol}")
  endif()
endforeach()
if(n_isa_symbols EQUAL 0)
  message(FATAL_ERROR "no files of an instruction set in ${ARCHIVE}: have they been renamed?")
endif()
