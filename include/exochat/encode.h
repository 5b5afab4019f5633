/*
 * encode.h: a request and its options → the bytes of a chat-completions body, in windows of any size.
 *
 * The encoder holds no part of the body but what lies in the caller's window, and at most 512 bytes of a source. It
 * walks the request three times: once over the keys (what is sent, what collides), once to size the body and find what
 * cannot be sent, once to write it. The second and the third walk keep a count and a checksum, and the last byte is
 * withheld until they agree.
 *
 * What is done to the request, a JSON object:
 *  - top level: "model" takes the value of options.model, if that is set, and "stream" is true, each in its place;
 *    where they are absent, "model" comes first, and "stream" behind everything but "stream_options". "tool_choice"
 *    and "parallel_tool_calls" without a non-empty "tools" are left out, and so is an empty "tools". Of these keys,
 * those in `drop` are not sent, and the others are renamed by `rename` (both by the name in the request; the first
 * match counts). Then come the keys of `extra_body` whose names are absent so far, as they are, and last
 * "stream_options": {"include_usage":true}, unless it is there, or it or "stream" is dropped. A key that would be sent
 * twice is an error, found before the first byte.
 *  - in each object of "messages": keys that begin with "_" are left out. "_content_file" (a string; null counts as
 *    absent) takes the place of "content": the file's text is sent, where the first of the two keys stands; if the file
 *    cannot be opened, the inline "content" is, and without one it is EXO_E_SOURCE_READ.
 *  - in each object of a message's "content" array: {"_file": "photo.jpg", "_type": "image/jpeg"} (the type may be
 *    absent: the opener decides) becomes the part that the media type asks for: image/… →
 *    {"type":"image_url","image_url":{"url":"data:…;base64,…"}}, audio/wav and audio/mpeg →
 *    {"type":"input_audio","input_audio":{"data":"…","format":"wav" or "mp3"}}, text/… → {"type":"text","text":"…"},
 *    anything else → {"type":"file","file":{"filename":"…","file_data":"data:…;base64,…"}}. Further keys of the object
 *    that do not begin with "_" follow; one that the part already has is EXO_E_DUPLICATE_KEY. A file that cannot be
 *    opened is EXO_E_SOURCE_READ.
 *  - a path that holds NUL, and a path or type that is neither string nor null, is EXO_E_REQUEST. "messages" of
 *    `extra_body` name no files: EXO_E_FILE_REFUSED.
 * Strings are sent with the fewest escapes, invalid UTF-8 and lone surrogates as U+FFFD, without white space between
 * tokens. Nothing else is changed or added.
 */
#ifndef EXOCHAT_ENCODE_H
#define EXOCHAT_ENCODE_H

#include "exochat/json_write.h"
#include "exochat/limits.h"
#include "exochat/value.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A file that the opener found. */
typedef struct exo_file {
    const exo_source *source; /* borrowed until the encoder is done with the body */
    exo_span media_type;      /* "image/jpeg": what the opener makes of the name, or the type that it was asked for */
    exo_span name;            /* the file's name without folders, for a part of type "file" */
} exo_file;

/* How the encoder gets at files: the core opens nothing. `open` is asked for the same paths in the same order on every
 * walk, and must answer the same each time. `path` and `media_type` (empty: guess) are decoded. EXO_OK with `*file`
 * stored; EXO_NOT_FOUND when it cannot be opened; EXO_E_FILE_REFUSED when the caller may not name files; other negative
 * errors end the encoding. Spans in `*file` must stay valid until the next call of `open`. */
typedef struct exo_file_opener {
    void *ctx;
    int (*open)(void *ctx, exo_span path, exo_span media_type, exo_file *file);
} exo_file_opener;

/* The longest path of a file, in bytes; longer ones are EXO_E_REQUEST. */
#define EXO_PATH_MAX 512

/* A key and what it is sent as. */
typedef struct exo_rename {
    exo_span from;
    exo_span to;
} exo_rename;

/* Options; what they point to is borrowed until the encoder is done. Begin with EXO_ENCODE_OPTIONS_INIT. */
typedef struct exo_encode_options {
    size_t size; /* sizeof(exo_encode_options), set by the macro */
    const exo_span *drop;
    size_t drop_count;
    const exo_rename *rename;
    size_t rename_count;
    const exo_cursor *extra_body;  /* an object, or NULL */
    const exo_file_opener *opener; /* NULL: every _content_file and _file is EXO_E_FILE_REFUSED */
    const exo_limits *limits;      /* NULL: exo_limits_host() */
    exo_span model;                /* sent as "model" in place of the request's own, if not empty */
    bool as_is;                    /* no top-level key of the request is added, changed or left out for what it means:
                                      "stream", "stream_options", "tools" and what goes with them; `model` is ignored */
} exo_encode_options;

/* No options. */
#define EXO_ENCODE_OPTIONS_INIT \
    { \
        sizeof(exo_encode_options), NULL, 0, NULL, 0, NULL, NULL, NULL, {NULL, 0}, false \
    }

/* The most top-level keys of a body, whatever limits.keys says. */
#define EXO_KEYS_MAX 64

/* The longest media type that a part can ask for ("_type"), in bytes; longer ones are EXO_E_REQUEST. */
#define EXO_MEDIA_TYPE_MAX 64

/* The bytes of a body that can be counted, without the last brace, and their checksum. Private. */
typedef struct exo_encode_sum {
    uint64_t bytes_;
    uint64_t digest_;
} exo_encode_sum;

/* The encoder. Private but for sizeof. It must stay where it is until the body is written. */
typedef struct exo_encoder {
    uint8_t walk_;
    uint8_t wait_;
    uint8_t piece_;
    uint8_t depth_;
    bool first_; /* no comma stands before what comes next */
    bool keyed_; /* a key has been taken, its value has not */
    bool in_extra_;
    bool last_;
    bool in_content_;
    bool in_tools_;
    bool has_tools_;
    bool empty_tools_;
    bool content_file_;
    bool content_sent_;
    bool bound_; /* the source must yield left_ bytes more */
    uint8_t want_;
    bool has_path_;
    bool has_content_;
    uint8_t look_depth_;
    uint8_t skip_depth_;
    uint8_t skipped_;
    bool in_messages_;
    bool ended_;
    uint8_t digit_at_; /* how many digits of the staged three bytes are written */
    uint8_t key_at_;
    uint8_t key_count_;
    uint8_t request_keys_; /* how many of keys_ are the request's, then the request's and ours, then extra_body's too */
    uint8_t own_keys_;
    uint8_t extra_keys_;
    uint8_t seen_;  /* a bit per known key: the request has it */
    uint8_t added_; /* a bit per known key: it is ours */
    uint8_t max_keys_;
    uint8_t max_depth_;
    bool once_;          /* a source cannot rewind */
    bool spent_;         /* and has been read */
    uint8_t held_;       /* how many bytes are in words_ */
    uint16_t staged_at_; /* the source's bytes in scratch_ that are not written yet */
    uint16_t staged_len_;
    uint16_t path_len_;
    uint16_t media_type_len_;
    int error_;
    const char *part_; /* what the file is sent as that the part of content names, or NULL */
    const char *script_;
    const exo_source *source_; /* the one that is being written */
    const exo_cursor *cursor_; /* the request's, or that of extra_body */
    size_t cost_;
    exo_file file_;
    exo_encode_options options_;
    exo_value value_;
    exo_span fragment_; /* of the string that is being written, decoded: what is left of it */
    exo_cursor request_;
    exo_json_decoder decoder_;
    exo_json_escaper escaper_;
    uint64_t hash_; /* of the key at hand */
    uint64_t left_;
    uint64_t written_;
    exo_encode_sum sum_;   /* of this walk */
    exo_encode_sum sized_; /* what the sizing walk found */
#ifndef EXO_SMALL
    uint64_t
        lanes_[3]; /* of the checksum, beside digest_: words take turns, so that four products are under way at once */
    char words_[32]; /* as much of the next four words as there is, and 0 behind that */
    size_t hashed_;  /* how much of what is in the window the checksum covers */
#endif
    uint64_t keys_[EXO_KEYS_MAX]; /* hashes of the names as sent: the request's, ours, extra_body's, "stream_options";
                                     their two lowest bits say what became of the key */
    uint8_t nest_[EXO_JSON_DEPTH_MAX / 8]; /* a bit per open array or object: 1 is an object */
    char key_[48];
    char scratch_[EXO_PATH_MAX + 1 + EXO_MEDIA_TYPE_MAX + 1];
} exo_encoder;

/* Begins with `request` (the cursor behind it is borrowed until the body is written) and `options` (NULL: none), of
 * which the struct itself is copied. Touches nothing yet. EXO_OK, or EXO_E_ARGUMENT. */
int exo_encode_init(exo_encoder *encoder, const exo_cursor *request, const exo_encode_options *options);

/* Sizes the body in slices: each call handles about `budget` bytes of it. EXO_AGAIN: call again; EXO_OK:
 * `exo_encode_total()` is known, and writing may begin; or a negative error: EXO_E_REQUEST (not an object; a message
 * that is not one is passed through), EXO_E_NUMBER, EXO_E_TYPE, EXO_E_DUPLICATE_KEY, EXO_E_KEY_COLLISION,
 * EXO_E_KEYS_LIMIT, EXO_E_DEPTH_LIMIT, EXO_E_FILE_REFUSED, EXO_E_SOURCE_READ, EXO_E_JSON_*. A base64 source of known
 * size is not read, nor is one that cannot rewind: with such a source exo_encode_total() is EXO_SIZE_UNKNOWN, and the
 * body is sent chunked, once. */
int exo_encode_size(exo_encoder *encoder, size_t budget);

#ifndef EXO_SMALL
/* As exo_encode_size(); what is sized is also written to `window` (NULL: to none), as far as it fits. Where the whole
 * body is in it once that returned EXO_OK, window->pos is exo_encode_total(), and nobody need write it again. It is not
 * where it does not fit, and where a source was not read to size it. */
int exo_encode_size_into(exo_encoder *encoder, exo_window *window, size_t budget);
#endif

/* The length of the body in bytes, or EXO_SIZE_UNKNOWN. Valid after exo_encode_size() returned EXO_OK. */
uint64_t exo_encode_total(const exo_encoder *encoder);

/* Writes the body, from where the last call stopped. EXO_AGAIN: the window is full, or (rarely) a source had nothing
 * ready; EXO_OK: all is written; or a negative error, EXO_E_BODY_CHANGED among them: then the last byte was not handed
 * out, and the request must be broken off. */
int exo_encode_write(exo_encoder *encoder, exo_window *window);

/* How many bytes exo_encode_write() has handed out since the last rewind. */
uint64_t exo_encode_written(const exo_encoder *encoder);

/* Back to the first byte of the body, for another attempt. EXO_OK; EXO_E_SOURCE_ONCE where a source that cannot rewind
 * has been read; EXO_E_STATE before sizing is done; or the error that the encoder has. */
int exo_encode_rewind(exo_encoder *encoder);

/* The top-level key at which an error arose, decoded and cut to fit, or "" where none applies. Valid until the encoder
 * is used again. */
const char *exo_encode_error_key(const exo_encoder *encoder);

#ifdef __cplusplus
}
#endif

#endif
