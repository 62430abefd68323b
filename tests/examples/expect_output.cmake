# Runs PROGRAM and fails unless it ends with 0, writes nothing to standard error, and its output is the file EXPECTED.
# With SOURCE, first compiles it alone: COMPILER -std=c++20 FLAGS, warnings are errors.
if(SOURCE)
  separate_arguments(flags UNIX_COMMAND "${FLAGS}")
  execute_process(COMMAND ${COMPILER} -std=c++20 -Wall -Wextra -Werror ${flags} ${SOURCE} -o ${PROGRAM}
                  RESULT_VARIABLE status OUTPUT_VARIABLE text ERROR_VARIABLE text)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${COMPILER} ${FLAGS} ${SOURCE}: ${status}\n${text}")
  endif()
endif()
execute_process(COMMAND ${PROGRAM} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE errors)
file(READ ${EXPECTED} expected)
if(NOT status EQUAL 0 OR NOT errors STREQUAL "" OR NOT output STREQUAL expected)
  message(FATAL_ERROR "${PROGRAM}: ${status}\n${errors}--- output:\n${output}--- expected:\n${expected}")
endif()
