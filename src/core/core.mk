# The one list of core sources, relative to this folder. Make and MicroPython include it; CMake and the scripts in
# tools/ read the lines below as they stand, so keep one file on a line.
EXO_CORE_SOURCES :=
EXO_CORE_SOURCES += error.c
EXO_CORE_SOURCES += limits.c
EXO_CORE_SOURCES += buffer.c
EXO_CORE_SOURCES += ascii.c
EXO_CORE_SOURCES += json_text.c
EXO_CORE_SOURCES += json_write.c
EXO_CORE_SOURCES += json_read.c
EXO_CORE_SOURCES += json_repair.c
EXO_CORE_SOURCES += value.c
EXO_CORE_SOURCES += encode.c
EXO_CORE_SOURCES += encode_file.c
EXO_CORE_SOURCES += encode_piece.c
EXO_CORE_SOURCES += sse.c
EXO_CORE_SOURCES += think.c
EXO_CORE_SOURCES += chunk.c
EXO_CORE_SOURCES += answer.c
EXO_CORE_SOURCES += clock.c
EXO_CORE_SOURCES += failure.c
EXO_CORE_SOURCES += failure_body.c
EXO_CORE_SOURCES += failure_words.c
EXO_CORE_SOURCES += retry_after.c
EXO_CORE_SOURCES += intake.c
EXO_CORE_SOURCES += attempt.c
EXO_CORE_SOURCES += route.c
EXO_CORE_SOURCES += http1.c
