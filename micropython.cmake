# _exochat as a user C module of MicroPython's CMake-based ports (ESP32, RP2):
#     make -C ports/esp32 USER_C_MODULES=FOLDER/micropython.cmake
# -DEXOCHAT_SMALL=ON leaves out what micropython.mk says.
set(EXOCHAT_DIR ${CMAKE_CURRENT_LIST_DIR})
file(STRINGS ${EXOCHAT_DIR}/src/core/core.mk EXOCHAT_LINES REGEX "^EXO_CORE_SOURCES \\+= ")
list(TRANSFORM EXOCHAT_LINES REPLACE "^EXO_CORE_SOURCES \\+= " "")
set(EXOCHAT_BINDING answer.c attempt.c encoder.c error_words.c event.c failure.c fields.c method.c module.c route.c tape.c text.c wire.c)

add_library(usermod_exochat INTERFACE)
if(EXOCHAT_SMALL)
    list(FILTER EXOCHAT_LINES EXCLUDE REGEX "^json_repair")
    list(APPEND EXOCHAT_BINDING no_repair.c)
    target_compile_definitions(usermod_exochat INTERFACE EXO_NO_ERROR_TEXTS EXO_NO_ERROR_NAMES)
endif()
list(TRANSFORM EXOCHAT_LINES PREPEND ${EXOCHAT_DIR}/src/core/)
list(TRANSFORM EXOCHAT_BINDING PREPEND ${EXOCHAT_DIR}/bindings/micropython/)
target_sources(usermod_exochat INTERFACE ${EXOCHAT_BINDING} ${EXOCHAT_LINES})
target_include_directories(usermod_exochat INTERFACE ${EXOCHAT_DIR}/include)
target_compile_definitions(usermod_exochat INTERFACE EXO_SMALL)
# What gcc does for speed even with -Os, where it takes room; for these sources alone.
if(CMAKE_C_COMPILER_ID STREQUAL GNU)
    set_source_files_properties(${EXOCHAT_BINDING} ${EXOCHAT_LINES} PROPERTIES COMPILE_OPTIONS
        "-fno-move-loop-invariants;-fno-tree-loop-optimize;-fno-schedule-insns2;-fno-code-hoisting;-fno-tree-pre;-fno-if-conversion;-fno-tree-dominator-opts;-fno-tree-copy-prop")
endif()
target_link_libraries(usermod INTERFACE usermod_exochat)
