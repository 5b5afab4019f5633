/*
 * debug.h: exochat debug: one part of the core at a time, from standard input to one JSON value on standard output.
 *
 * The input is fed in pieces that end at given offsets, each in memory of its own that ends where the piece does and is
 * freed before the next one comes: so a part that reads on, or keeps a pointer, is caught by a memory checker.
 */
#ifndef EXO_CLI_DEBUG_H
#define EXO_CLI_DEBUG_H

#include "exochat/buffer.h"

/* Standard input, and where it is cut. */
typedef struct debug_input {
    exo_span all;
    size_t *cuts; /* offsets, ascending but for `encode`, where they are sizes */
    size_t cut_count;
    size_t at;       /* how much was handed out */
    size_t cut;      /* the next one to look at */
    char *piece;     /* the one handed out last */
    bool think_tags; /* for chat: what a deployment may say of its endpoint */
    bool lenient_end;
    bool strict_stream;
} debug_input;

/* `exochat debug`, argv[0] being "debug". Returns the exit code. */
int debug_command(int argc, char **argv);

/* The next piece, never empty, valid until the next call. False: there is none. */
bool debug_next(debug_input *input, exo_span *piece);

/* Says which error it was and at which byte, and returns the exit code of what is refused. */
int debug_refuse(int code, uint64_t offset);

/* The parts. Each returns the exit code. */
int debug_sse(debug_input *input);
int debug_json(debug_input *input);
int debug_repair(debug_input *input);
int debug_chat(debug_input *input);
int debug_encode(debug_input *input);
int debug_http(debug_input *input);

#endif
