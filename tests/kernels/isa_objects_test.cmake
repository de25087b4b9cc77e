# SPDX-License-Identifier: Apache-2.0
# The files of an instruction set may leave no inline function to the linker: it keeps one copy for
# the whole program, and with theirs the program would stop on processors without that set.
# cmake -D NM=nm -D ARCHIVE=libwattle_kernels.a -D FILES=a_avx2.cpp,... -P isa_objects_test.cmake
execute_process(COMMAND ${NM} -C --defined-only -A ${ARCHIVE} OUTPUT_VARIABLE symbols
                COMMAND_ERROR_IS_FATAL ANY)
string(REPLACE ";" "," symbols "${symbols}")
string(REPLACE "\n" ";" symbols "${symbols}")

string(REPLACE "," ";" files "${FILES}")
foreach(file IN LISTS files)
  cmake_path(GET file FILENAME name)
  set(of_file ${symbols})
  list(FILTER of_file INCLUDE REGEX ":${name}\\.o:")
  if(NOT of_file)
    message(SEND_ERROR "${ARCHIVE} has nothing of ${file}")
  endif()
  foreach(symbol IN LISTS of_file)
    # W, V, u: one of several copies. The reference to the unwinder is data.
    if(symbol MATCHES " [WVu] " AND NOT symbol MATCHES "DW\\.ref\\.__gxx_personality_v0")
      message(SEND_ERROR "${symbol}")
    endif()
  endforeach()
endforeach()
