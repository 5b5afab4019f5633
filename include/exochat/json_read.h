/*
 * json_read.h: a pull reader over one contiguous JSON text (RFC 8259), of fixed depth, without memory of its own. It is
 * strict, unless it is told to tolerate what servers write that have no JSON writer.
 *
 * It is given a span, hands out tokens that point into it, and copies nothing. A number beyond any machine type stays
 * text. Duplicate keys are the caller's business.
 */
#ifndef EXOCHAT_JSON_READ_H
#define EXOCHAT_JSON_READ_H

#include "exochat/error.h"
#include "exochat/span.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The deepest nesting that any reader can be told to accept. */
#define EXO_JSON_DEPTH_MAX 64

/* What a token is. */
typedef enum exo_json_type {
    EXO_JSON_NULL,
    EXO_JSON_FALSE,
    EXO_JSON_TRUE,
    EXO_JSON_NUMBER, /* text: the number as written */
    EXO_JSON_STRING, /* text: what stands between the quotation marks, escapes and all */
    EXO_JSON_KEY,    /* as STRING, and a value follows */
    EXO_JSON_ARRAY,  /* [ */
    EXO_JSON_ARRAY_END,
    EXO_JSON_OBJECT, /* { */
    EXO_JSON_OBJECT_END
} exo_json_type;

/* One token. `text` points into the reader's input. `raw` is the token as it stands there, quotation marks included (of
 * ARRAY and OBJECT only the bracket). `plain` says that a STRING or KEY has no escape and is valid UTF-8, so that
 * `text` is its value. */
typedef struct exo_json_token {
    exo_json_type type;
    bool plain;
    exo_span text;
    exo_span raw;
} exo_json_token;

/* A reader. `at` may be read: the offset in the input of the next byte, or of the first wrong byte after an error. The
 * rest is private. A reader may be copied: the copy reads on from the same place, on its own. */
typedef struct exo_json_reader {
    exo_span in_;
    size_t at;
    int error_;
    uint8_t state_;
    uint8_t depth_;
    uint8_t max_depth_;
    uint8_t mode_;
    uint64_t stack_; /* a bit per open bracket, the innermost lowest: 1 is a brace */
} exo_json_reader;

/* Begins to read `text`, which must outlive the reader, with at most `max_depth` levels (1 to EXO_JSON_DEPTH_MAX;
 * larger counts as that). Invalid UTF-8 in a string is EXO_E_JSON_UTF8, unless `replace` is true: then it is accepted,
 * and exo_json_decode() turns it into U+FFFD. A byte order mark is not accepted. */
void exo_json_reader_init(exo_json_reader *reader, exo_span text, uint32_t max_depth, bool replace);

/* Makes a reader, before its first token, take what is not quite JSON and can mean one thing only: invalid UTF-8 as
 * above; a control character in a string as itself, and the reverse solidus of a bad escape too; NaN, Infinity and inf,
 * in any case and with a sign, as null; and exo_json_skip() knows no depth limit. Of JSON it makes what a strict reader
 * makes. */
void exo_json_reader_tolerate(exo_json_reader *reader);

/* Stores the next token. EXO_EVENT: a token; EXO_OK: the text is one complete value and only white space followed; or
 * one of EXO_E_JSON_* and EXO_E_DEPTH_LIMIT, sticky, with `reader->at` at the first byte that is wrong: for
 * EXO_E_JSON_UTF8 where the bad sequence begins, for EXO_E_DEPTH_LIMIT at the bracket, for EXO_E_JSON_END at the end of
 * the text. A valid text that is cut off is always EXO_E_JSON_END, but for a number that stands alone. A KEY is taken
 * together with its colon. */
int exo_json_next(exo_json_reader *reader, exo_json_token *token);

/* Skips the next value whole (after a KEY: its value; inside an array: the next element) and stores it as it stands,
 * brackets included, in `*raw` (may be NULL). EXO_OK; EXO_NOT_FOUND when the array or object ends here (nothing is
 * consumed); EXO_E_STATE where no value can stand, which changes nothing and is not sticky; or an error as above. */
int exo_json_skip(exo_json_reader *reader, exo_span *raw);

/* Checks that `text` is one JSON value and nothing else: EXO_OK or an error as above, its offset in `*at` (may be
 * NULL). */
int exo_json_check(exo_span text, uint32_t max_depth, size_t *at);

/* How many bytes of scratch one decoded fragment may need. */
#define EXO_JSON_SCRATCH 64

/* Takes the text of a STRING or KEY apart into fragments. Private but for sizeof; may be copied. */
typedef struct exo_json_decoder {
    exo_span rest_;
    bool plain_;
    bool done_;
} exo_json_decoder;

/* Begins to decode `text`, the `text` of a token; it must stay valid. `plain` text is handed out as it stands, in one
 * fragment. */
void exo_json_decoder_init_as(exo_json_decoder *decoder, exo_span text, bool plain);

/* The same, of text of which nobody knows whether it is plain. */
static inline void exo_json_decoder_init(exo_json_decoder *decoder, exo_span text)
{
    exo_json_decoder_init_as(decoder, text, false);
}

/* Stores the next fragment of the string's value: a run that points into the text, or up to EXO_JSON_SCRATCH decoded
 * bytes in `scratch`, valid until the next call. Always whole UTF-8 sequences; a lone surrogate and invalid UTF-8
 * become U+FFFD, and the reverse solidus of a bad escape stands for itself. EXO_EVENT: a fragment, `*last` says whether
 * it ends the string; EXO_OK: nothing was left. The empty string gives one empty fragment with `*last` set. Where
 * fragments are cut depends on the text alone. */
int exo_json_decode(exo_json_decoder *decoder, char scratch[EXO_JSON_SCRATCH], exo_span *fragment, bool *last);

/* Takes off `text`, the `text` of a STRING, a surrogate pair's second half that it begins with, as \uXXXX, and a first
 * half that it ends with, whose other halves another string may bring; 0 where there is none. */
void exo_json_take_halves(exo_span *text, uint16_t *low, uint16_t *high);

/* Whether `text` is exactly `value` when it is decoded; `plain` text is taken as it stands. */
bool exo_json_equal(exo_span text, bool plain, exo_span value);

/* Whether the decoded value of a STRING or KEY token is exactly the string `literal`. */
bool exo_json_is(const exo_json_token *token, const char *literal);

/* Copies the decoded value of a STRING or KEY into `dst` of `size` bytes and terminates it with NUL; cut at a
 * character's border where it does not fit. Returns the bytes stored without the NUL. Control characters and NUL are
 * stored as they are decoded. */
size_t exo_json_copy(const exo_json_token *token, char *dst, size_t size);

/* Reads a NUMBER token that is an integer in range, fraction and exponent allowed only where the value is whole (1.0,
 * 1e3). EXO_OK, or EXO_NOT_FOUND when it is another type, not whole or out of range; `*number` is then unchanged. */
int exo_json_int64(const exo_json_token *token, int64_t *number);

#ifdef __cplusplus
}
#endif

#endif
