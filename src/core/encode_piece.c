/*
 * encode_piece.c: a script and its pieces → bytes in a window: escaped strings, the text of a source, base64.
 *
 * It knows nothing of the request: encode.c says what the script is. What it leaves in the window is counted, and
 * hashed before the window is given back, so that two walks can be compared. Its memory is the encoder's, with one
 * piece of a source that is read ahead.
 */
#include "encode_walk.h"
#include "json_text.h"
#include "seldom.h"
#include "vectors.h"

static size_t piece_smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The checksum (FNV-1a, but from 0: there is no NUL in JSON) of bytes behind those that `digest` is of, however they
 * are cut. */
static uint64_t piece_digest_add(uint64_t digest, const char *bytes, size_t len)
{
    for (; len > 0; len--) {
        digest = (digest ^ (uint8_t)*bytes++) * UINT64_C(0x100000001B3);
    }
    return digest;
}

#ifdef EXO_SMALL
/* What is in `part` was written, as the last of the window. */
static void piece_written(exo_encoder *e, const exo_window *part, const exo_window *out, bool hashed)
{
    (void)out;
    if (hashed) {
        e->sum_.digest_ = piece_digest_add(e->sum_.digest_, part->dst, part->pos);
    }
}
#else
/* Whatever the one is, another one of the other makes another result. */
static uint64_t piece_mix(uint64_t lane, uint64_t word)
{
    lane ^= word;
    return (lane << 29 | lane >> 35) * UINT64_C(0x9E3779B97F4A7C15);
}

static uint64_t piece_word(const char *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

/* Adds as many whole blocks as there are in `len` bytes. */
static void piece_mix_blocks(exo_encoder *e, const char *bytes, size_t len)
{
    uint64_t a = e->sum_.digest_;
    uint64_t b = e->lanes_[0];
    uint64_t c = e->lanes_[1];
    uint64_t d = e->lanes_[2];
#pragma GCC unroll 2 /* there is little to do for each */
    for (size_t left = len / sizeof e->words_; left > 0; left--, bytes += sizeof e->words_) {
        a = piece_mix(a, piece_word(bytes));
        b = piece_mix(b, piece_word(bytes + 8));
        c = piece_mix(c, piece_word(bytes + 16));
        d = piece_mix(d, piece_word(bytes + 24));
    }
    e->sum_.digest_ = a;
    e->lanes_[0] = b;
    e->lanes_[1] = c;
    e->lanes_[2] = d;
}

/* The same for what may be large: by words as this machine has them, however the bytes are cut. */
static void piece_sum_add(exo_encoder *e, const char *bytes, size_t len)
{
    const size_t block = sizeof e->words_;
    if (e->held_ > 0) {
        const size_t take = piece_smaller(block - e->held_, len);
        memcpy(e->words_ + e->held_, bytes, take);
        e->held_ = (uint8_t)(e->held_ + take);
        if (e->held_ < block) {
            return;
        }
        bytes += take;
        len -= take;
        piece_mix_blocks(e, e->words_, block);
        memset(e->words_, 0, block);
    }
    piece_mix_blocks(e, bytes, len);
    e->held_ = (uint8_t)(len % block);
    memcpy(e->words_, bytes + len - e->held_, e->held_);
}

void exo_encode_begin_sum(exo_encoder *e)
{
    memset(&e->sum_, 0, sizeof e->sum_);
    memset(e->lanes_, 0, sizeof e->lanes_);
    memset(e->words_, 0, sizeof e->words_);
    e->held_ = 0;
}

void exo_encode_hash(exo_encoder *e, const exo_window *out)
{
    if (out->pos > e->hashed_) { /* a window without room may be none */
        piece_sum_add(e, out->dst + e->hashed_, out->pos - e->hashed_);
        e->hashed_ = out->pos;
    }
}

exo_encode_sum exo_encode_end_sum(exo_encoder *e, const exo_window *out)
{
    exo_encode_hash(e, out);
    exo_encode_sum sum = e->sum_;
    for (size_t i = 0; i < 3; i++) {
        sum.digest_ = piece_mix(sum.digest_, e->lanes_[i]);
    }
    for (size_t i = 0; i < sizeof e->words_; i += sizeof sum.digest_) {
        sum.digest_ = piece_mix(sum.digest_, piece_word(e->words_ + i));
    }
    return sum;
}

/* What is in `part` was written, as the last of the window: it is hashed when there is more. */
static void piece_written(exo_encoder *e, const exo_window *part, const exo_window *out, bool hashed)
{
    (void)part;
    e->hashed_ = hashed ? e->hashed_ : out->pos;
}
#endif

int exo_encode_emit(exo_encoder *e, const char *script, bool comma_follows)
{
    e->script_ = script + e->first_;
    e->first_ = !comma_follows;
    return EXO_OK;
}

/* ---- Pieces: each writes what fits; EXO_OK when it is complete ---- */

static void piece_begin_string(exo_encoder *e, exo_span text, bool escaped)
{
    exo_json_escaper_init(&e->escaper_);
    exo_json_decoder_init_as(&e->decoder_, text, !escaped);
    e->fragment_.len = 0;
    e->last_ = false;
    e->piece_ = PIECE_STRING;
}

static int piece_write_string(exo_encoder *e, exo_window *out)
{
    for (;;) {
        int rc = exo_json_escape(&e->escaper_, &e->fragment_, e->last_, out);
        if (rc != EXO_OK || e->last_) {
            return rc;
        }
        exo_json_decode(&e->decoder_, e->scratch_, &e->fragment_, &e->last_);
    }
}

void exo_encode_hash_text(exo_encoder *e)
{
    uint64_t digest = 0;
    char memory[EXO_JSON_SCRATCH];
    int rc;
    piece_begin_string(e, e->value_.text, e->value_.escaped);
    do {
        exo_window window = {memory, sizeof memory, 0};
        rc = piece_write_string(e, &window);
        digest = piece_digest_add(digest, memory, window.pos);
    } while (rc == EXO_AGAIN);
    e->piece_ = PIECE_SCRIPT;
    e->hash_ = digest;
}

static int piece_begin_source(exo_encoder *e, const exo_source *source, bool base64)
{
    if (!source) {
        return EXO_E_TYPE;
    }
    const bool bound = base64 && source->size != EXO_SIZE_UNKNOWN;
    if (e->walk_ == WALK_SIZE && !source->rewind) {
        e->once_ = true;
        return EXO_OK;
    }
    if (e->walk_ == WALK_SIZE && bound) {
        e->sum_.bytes_ += (source->size + 2) / 3 * 4;
        return EXO_OK;
    }
    e->source_ = source;
    e->left_ = source->size;
    e->bound_ = bound;
    e->piece_ = base64 ? PIECE_BASE64 : PIECE_TEXT;
    e->staged_at_ = e->staged_len_ = 0;
    e->digit_at_ = 0;
    e->ended_ = false;
    exo_json_escaper_init(&e->escaper_);
    if (!source->rewind) {
        e->spent_ = true;
        return EXO_OK;
    }
    int rc = source->rewind(source->ctx);
    return rc < 0 ? rc : EXO_OK;
}

/* Whether what is written is counted in both walks, and whether the checksum covers it: it does not where a source can
 * be read only once, or is sized by arithmetic. */
static bool piece_is_counted(const exo_encoder *e)
{
    return !e->source_ || e->source_->rewind;
}

static bool piece_is_hashed(const exo_encoder *e)
{
    return piece_is_counted(e) && !e->bound_;
}

/* Reads on in the source. At its end, `*got` is 0, ended_ is set, and the source has kept what it promised. */
static int piece_pull(exo_encoder *e, char *dst, size_t size, size_t *got)
{
    const exo_source *source = e->source_;
    if (e->bound_ && size > e->left_) {
        size = e->left_ > 0 ? (size_t)e->left_ : 1;
    }
    *got = 0;
    int rc = source->read(source->ctx, dst, size, got);
    if (rc < 0 || (rc == EXO_AGAIN && *got == 0)) {
        return rc;
    }
    if (*got > size) {
        return EXO_E_SOURCE_READ;
    }
    e->ended_ = *got == 0;
    if (e->bound_ && e->ended_ == (e->left_ > 0)) { /* no more than what is left was asked for, if anything is */
        return EXO_E_BODY_CHANGED;
    }
    e->left_ -= *got;
    rc = e->ended_ && !piece_is_hashed(e) && source->check ? source->check(source->ctx) : EXO_OK;
    return rc < 0 ? rc : EXO_OK;
}

/* Where to read `*size` bytes of a source: a large window is its own reading room, and they go to its end, to be
 * encoded towards its beginning. Otherwise as many bytes as scratch_ takes go there. */
static char *piece_reading_room(exo_encoder *e, const exo_window *out, size_t *size)
{
    if (*size > EXO_PATH_MAX) {
        return out->dst + out->size - *size;
    }
    *size = EXO_PATH_MAX;
    return e->scratch_;
}

/* How much larger a byte of text can become, and what the escaper may hold back from an earlier piece. */
enum {
    TEXT_GROWTH = 6,
    TEXT_HELD = 16
};

/* Reads so little into a large window that escaping it cannot reach what is not read yet. */
static int piece_pull_text(exo_encoder *e, const exo_window *out, exo_span *text)
{
    size_t size = (out->size - out->pos) / (TEXT_GROWTH + 1);
    size = size > TEXT_HELD ? size - TEXT_HELD : 0;
    char *dst = piece_reading_room(e, out, &size);
    int rc = piece_pull(e, dst, size, &text->len);
    text->ptr = dst;
    e->staged_len_ = dst == e->scratch_ ? (uint16_t)text->len : 0;
    return rc;
}

static int piece_write_text(exo_encoder *e, exo_window *out)
{
    exo_span rest = exo_span_of(e->scratch_ + e->staged_at_, (size_t)(e->staged_len_ - e->staged_at_));
    int rc = EXO_OK;
    bool ended = false;
    while (rc == EXO_OK && !ended) {
        ended = e->ended_;
        rc = exo_json_escape(&e->escaper_, &rest, ended, out);
        if (rc == EXO_OK && !ended) {
            rc = piece_pull_text(e, out, &rest);
        }
    }
    e->staged_at_ = (uint16_t)(e->staged_len_ - rest.len);
    return rc;
}

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static uint32_t piece_byte_at(const char *bytes, size_t at)
{
    return (uint8_t)bytes[at];
}

/* Four digits for each three bytes. What is written may reach into `in` from below: a triple is read before its digits
 * are written. */
static void encode_triples(exo_window *window, const char *in, size_t count)
{
    char *out = window->dst + window->pos;
    window->pos += count * 4;
#ifdef VECTOR_BYTES
    /* What four of them come to reaches no further than what was read, as long as there is a fifth. */
    for (; count > VECTOR_BASE64 / 3; count -= VECTOR_BASE64 / 3, in += VECTOR_BASE64, out += VECTOR_BASE64_OUT) {
        vector_base64(in, out);
    }
#endif
    for (; count > 0; count--, in += 3, out += 4) {
        uint32_t bits = piece_byte_at(in, 0) << 16 | piece_byte_at(in, 1) << 8 | piece_byte_at(in, 2);
        out[0] = base64_digits[bits >> 18];
        out[1] = base64_digits[bits >> 12 & 63];
        out[2] = base64_digits[bits >> 6 & 63];
        out[3] = base64_digits[bits & 63];
    }
}

/* The next digit, or padding, of the up to three staged bytes that are written digit by digit. */
static char piece_next_digit(exo_encoder *e, size_t staged)
{
    const char *in = e->scratch_ + e->staged_at_;
    const unsigned at = e->digit_at_;
    uint32_t bits = 0;
    staged = piece_smaller(staged, 3);
    for (size_t i = 0; i < 3; i++) {
        bits = bits << 8 | (i < staged ? piece_byte_at(in, i) : 0);
    }
    e->digit_at_ = (at + 1) % 4;
    if (e->digit_at_ == 0) {
        e->staged_at_ = (uint16_t)(e->staged_at_ + staged);
    }
    return at > staged ? '=' : base64_digits[bits >> (18 - 6 * at) & 63];
}

/* Reads on behind the up to two staged bytes, and encodes at once what is in a large window. */
static int piece_pull_base64(exo_encoder *e, exo_window *out)
{
    size_t left = (size_t)(e->staged_len_ - e->staged_at_);
    size_t size = (out->size - out->pos) / 4 * 3;
    char *dst = piece_reading_room(e, out, &size);
    size_t got;
    memmove(e->scratch_, e->scratch_ + e->staged_at_, left);
    memmove(dst, e->scratch_, left);
    e->staged_at_ = 0;
    e->staged_len_ = (uint16_t)left;
    int rc = piece_pull(e, dst + left, size - left, &got);
    if (rc != EXO_OK) {
        return rc;
    }
    got += left;
    if (dst != e->scratch_) {
        const size_t count = got / 3;
        encode_triples(out, dst, count);
        got -= count * 3;
        memcpy(e->scratch_, dst + count * 3, got);
    }
    e->staged_len_ = (uint16_t)got;
    return EXO_OK;
}

static int piece_write_base64(exo_encoder *e, exo_window *out)
{
    for (;;) {
        size_t staged = (size_t)(e->staged_len_ - e->staged_at_);
        size_t count = e->digit_at_ > 0 ? 0 : piece_smaller(staged / 3, (out->size - out->pos) / 4);
        if (staged < 3 && e->digit_at_ == 0 && !e->ended_) {
            int rc = piece_pull_base64(e, out);
            if (rc != EXO_OK) {
                return rc;
            }
        } else if (staged == 0) {
            return EXO_OK;
        } else if (out->pos == out->size) {
            return EXO_AGAIN;
        } else if (count > 0) {
            encode_triples(out, e->scratch_ + e->staged_at_, count);
            e->staged_at_ = (uint16_t)(e->staged_at_ + count * 3);
        } else {
            out->dst[out->pos++] = piece_next_digit(e, staged);
        }
    }
}

static int piece_write_script(exo_encoder *e, exo_window *out)
{
    for (; (uint8_t)*e->script_ >= ' '; e->script_++) {
        if (out->pos == out->size) {
            return EXO_AGAIN;
        }
        out->dst[out->pos++] = *e->script_;
    }
    return EXO_OK;
}

/* Begins the piece that the script has come to, or ends the script. */
static int begin_piece(exo_encoder *e)
{
    enum mark mark = (enum mark) * e->script_++;
    switch (mark) {
    case MARK_VALUE_TEXT:
        piece_begin_string(e, e->value_.text, e->value_.escaped);
        return EXO_OK;
    case MARK_VALUE_SOURCE:
        return piece_begin_source(e, e->value_.source, e->value_.base64);
    case MARK_MODEL:
        piece_begin_string(e, e->options_.model, false);
        return EXO_OK;
    case MARK_MEDIA_TYPE:
        piece_begin_string(e, e->file_.media_type, false);
        return EXO_OK;
    case MARK_FILE_NAME:
        piece_begin_string(e, e->file_.name, false);
        return EXO_OK;
    case MARK_PART_KEY:
        piece_begin_string(e, exo_span_text(e->part_), false);
        return EXO_OK;
    case MARK_PART_SCRIPT:
        e->script_ = e->part_ + strlen(e->part_) + 1;
        return EXO_OK;
    case MARK_FILE_BASE64:
    case MARK_FILE_TEXT:
        return piece_begin_source(e, e->file_.source, mark == MARK_FILE_BASE64);
    default:
        e->script_ = NULL;
        return EXO_OK;
    }
}

static int write_piece(exo_encoder *e, exo_window *out)
{
    switch ((enum piece)e->piece_) {
    case PIECE_STRING:
        return piece_write_string(e, out);
    case PIECE_TEXT:
        return piece_write_text(e, out);
    case PIECE_BASE64:
        return piece_write_base64(e, out);
    default:
        return piece_write_script(e, out);
    }
}

/* What may be written into: nothing that the sizing walk did not count, lest a receiver that counts takes a changed
 * body for complete. */
static exo_window piece_part(const exo_encoder *e, const exo_window *out, bool counted)
{
    exo_window part = {out->dst + out->pos, out->size - out->pos, 0};
    if (e->walk_ == WALK_WRITE && counted && e->sized_.bytes_ - e->sum_.bytes_ < part.size) {
        part.size = (size_t)(e->sized_.bytes_ - e->sum_.bytes_);
    }
    return part;
}

static void piece_count(exo_encoder *e, exo_window *out, size_t written, bool counted)
{
    if (counted) {
        e->sum_.bytes_ += written;
    }
    e->cost_ += written;
    out->pos += written;
}

#ifndef EXO_SMALL
/* Writes as much of the script as is its own text, or the token's where that stands for itself: what most tokens are,
 * all at once. What finds no room, or no quick way, stays. Whether that was all. */
static bool piece_write_plain(exo_encoder *e, exo_window *out)
{
    exo_span *const text = &e->value_.text;
    const exo_window part = piece_part(e, out, true);
    const char *script = e->script_;
    size_t pos = 0;
    for (;; script++) {
        if ((uint8_t)*script >= ' ' && pos < part.size) {
            part.dst[pos++] = *script;
            continue;
        }
        if (*script != MARK_VALUE_TEXT || e->value_.escaped) {
            break;
        }
        if (text->len > 0 && pos < part.size) {
            exo_window rest = {part.dst, part.size, pos};
            exo_json_escape_most(text, &rest);
            pos = rest.pos;
        }
        if (text->len > 0) {
            break;
        }
    }
    piece_count(e, out, pos, true);
    e->script_ = *script == MARK_END ? NULL : script;
    return !e->script_;
}
#endif

/* What is not plain. */
SELDOM static int piece_write_on(exo_encoder *e, exo_window *out)
{
    const bool counted = piece_is_counted(e);
    const bool hashed = piece_is_hashed(e);
    const size_t room = out->size - out->pos;
    exo_window part = piece_part(e, out, counted);
    if (!hashed) {
        exo_encode_hash(e, out);
    }
    int rc = write_piece(e, &part);
    piece_count(e, out, part.pos, counted);
    piece_written(e, &part, out, hashed);
    if (rc == EXO_AGAIN && part.pos == part.size && part.size < room) {
        return EXO_E_BODY_CHANGED;
    }
    if (rc == EXO_OK && e->piece_ == PIECE_SCRIPT) {
        return begin_piece(e);
    }
    if (rc == EXO_OK) {
        e->piece_ = PIECE_SCRIPT;
        e->source_ = NULL;
        e->bound_ = false;
    }
    return rc;
}

int exo_encode_write_on(exo_encoder *e, exo_window *out)
{
#ifndef EXO_SMALL
    if (e->piece_ == PIECE_SCRIPT && piece_write_plain(e, out)) {
        return EXO_OK;
    }
#endif
    return piece_write_on(e, out);
}
