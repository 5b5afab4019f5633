/*
 * encode_walk.h: what the files of the encoder share: the places of its walks, and how a token becomes a script.
 *
 * encode.c walks and decides about top-level keys, encode_file.c about messages and the files that they name, and
 * encode_piece.c writes what they ask for. Private to src/core; keeps nothing but the encoder.
 */
#ifndef EXOCHAT_ENCODE_WALK_H
#define EXOCHAT_ENCODE_WALK_H

#include "exochat/encode.h"

/* A script is text that is written as it stands, up to its NUL; the other bytes below the space stand for pieces. */
enum mark {
    MARK_END,
    MARK_VALUE_TEXT,   /* the token's text, escaped */
    MARK_VALUE_SOURCE, /* the token's source, as the token says */
    MARK_MODEL,        /* options.model, escaped */
    MARK_MEDIA_TYPE,   /* the open file's, escaped */
    MARK_FILE_NAME,    /* the open file's, escaped */
    MARK_FILE_BASE64,
    MARK_FILE_TEXT,
    MARK_PART_KEY,   /* the key that the open file is sent as */
    MARK_PART_SCRIPT /* goes on with what stands behind that key */
};

/* The marks as scripts write them. */
#define VALUE_TEXT   "\1"
#define VALUE_SOURCE "\2"
#define MODEL        "\3"
#define MEDIA_TYPE   "\4"
#define FILE_NAME    "\5"
#define FILE_BASE64  "\6"
#define FILE_TEXT    "\7"
#define PART_KEY     "\10"
#define PART_SCRIPT  "\11"

enum walk {
    WALK_KEYS,
    WALK_SIZE,
    WALK_WRITE
};

enum wait {
    WAIT_REQUEST,   /* its opening brace */
    WAIT_TOKEN,     /* the next token that is sent */
    WAIT_SKIPPED,   /* the end of a value that is not sent */
    WAIT_LOOKED,    /* the end of an object in which file keys are looked for */
    WAIT_EXTRA,     /* the opening brace of extra_body */
    WAIT_MODEL,     /* "model", where the request has none */
    WAIT_STREAM,    /* "stream", where the request has none */
    WAIT_USAGE,     /* "stream_options", where nobody has any */
    WAIT_AGREEMENT, /* the last brace, once both walks agree */
    WAIT_NOTHING    /* the body is written */
};

enum piece {
    PIECE_SCRIPT,
    PIECE_STRING,
    PIECE_TEXT,
    PIECE_BASE64
};

/* ---- encode_piece.c ---- */

/* Begins a script whose first byte is a comma, and says whether what follows it needs one. EXO_OK. */
int exo_encode_emit(exo_encoder *encoder, const char *script, bool comma_follows);

/* Lets the script, or the piece that it has come to, write into the window, and counts what it wrote.
 * EXO_OK: go on; EXO_AGAIN: no room, or no data; or an error. */
int exo_encode_write_on(exo_encoder *encoder, exo_window *out);

/* The checksum of a walk. What is in the window and not covered yet is added before the window is given back, and
 * before bytes that it does not cover; on small machines, each piece at once. Ending it gives it back, and changes
 * nothing. */
#ifndef EXO_SMALL
void exo_encode_begin_sum(exo_encoder *encoder);
void exo_encode_hash(exo_encoder *encoder, const exo_window *out);
exo_encode_sum exo_encode_end_sum(exo_encoder *encoder, const exo_window *out);

/* The next window, or the same one, emptied: nothing of it is covered. */
static inline void exo_encode_begin_window(exo_encoder *encoder, const exo_window *out)
{
    encoder->hashed_ = out->pos;
}
#else
static inline void exo_encode_begin_sum(exo_encoder *encoder)
{
    memset(&encoder->sum_, 0, sizeof encoder->sum_);
}

static inline exo_encode_sum exo_encode_end_sum(const exo_encoder *encoder, const exo_window *out)
{
    (void)out;
    return encoder->sum_;
}
#define exo_encode_hash         (void)exo_encode_end_sum
#define exo_encode_begin_window (void)exo_encode_end_sum
#endif

/* Stores the hash of the text in value_ as it is sent, so that two spellings of one name are one. */
void exo_encode_hash_text(exo_encoder *encoder);

/* ---- encode_file.c ---- */

/* Whether the key, or string, that was just taken says this. */
#ifdef EXO_SMALL
bool exo_encode_key_is(const exo_encoder *encoder, const char *name);
#else
static inline bool exo_encode_key_is(const exo_encoder *encoder, const char *name)
{
    const exo_span text = encoder->value_.text;
    if (encoder->value_.escaped) {
        return exo_value_is(&encoder->value_, exo_span_text(name));
    }
    return text.len > 0 && *text.ptr == *name && text.len == strlen(name) && memcmp(text.ptr, name, text.len) == 0;
}
#endif

/* Stores the text of the token with a NUL behind it, cut to fit, and returns its length. What is `plain` is stored as
 * it stands, all else decoded. */
size_t exo_encode_copy_text(const exo_encoder *encoder, bool plain, char *dst, size_t size);

/* Leaves out the value of the key that was just taken. EXO_OK. */
int exo_encode_skip_value(exo_encoder *encoder);

/* Sends a key below the top level on, or leaves it out. */
int exo_encode_inner_key(exo_encoder *encoder);

/* Sends the brace of an object on, at once or once the object is looked through for files. */
int exo_encode_inner_object(exo_encoder *encoder);

/* Looks at the next token of an object in which file keys are looked for. */
int exo_encode_look(exo_encoder *encoder);

#endif
