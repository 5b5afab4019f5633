/*
 * encode_file.c: the keys of messages, and the files that messages and the parts of their content name.
 *
 * An object that may name a file is looked through before its first byte is sent, because the key may stand at its end,
 * and is then walked again. The caller's opener opens the file. encode.c calls this for all that lies below the
 * top-level keys. Its memory is the encoder's.
 */
#include "ascii.h"
#include "encode_walk.h"

/* What a look into an object waits for behind a key. */
enum want {
    WANT_NOTHING,
    WANT_PATH,
    WANT_TYPE
};

/* How deep one is inside of a message, and inside of an object of its content. */
enum {
    MESSAGE_DEPTH = 3,
    PART_DEPTH = 5
};

/* Where in scratch_ the parts of a file's name lie until it is opened. A source's bytes take the place of the path. */
enum {
    PATH_AT = 0,
    MEDIA_TYPE_AT = EXO_PATH_MAX + 1
};

/* What files become in a message's content, three strings each: the media type, or the beginning of it up to a slash;
 * the part's type, which is the key too that the file is sent as; the script of what stands behind that key. The last
 * one is for all that no other one fits. */
#define DATA         "{\"data\":\"" FILE_BASE64 "\",\"format\":"
#define DATA_URL     "data:" MEDIA_TYPE ";base64," FILE_BASE64 "\"}"
#define PART_STRINGS 3
static const char parts[] = "image/\0image_url\0{\"url\":\"" DATA_URL "\0"
                            "audio/wav\0input_audio\0" DATA "\"wav\"}\0"
                            "audio/mpeg\0input_audio\0" DATA "\"mp3\"}\0"
                            "text/\0text\0\"" FILE_TEXT "\"\0"
                            "\0file\0{\"filename\":\"" FILE_NAME "\",\"file_data\":\"" DATA_URL;

#ifdef EXO_SMALL
bool exo_encode_key_is(const exo_encoder *e, const char *name)
{
    return exo_value_is(&e->value_, exo_span_of(name, strlen(name)));
}
#endif

size_t exo_encode_copy_text(const exo_encoder *e, bool plain, char *dst, size_t size)
{
    const exo_json_token token = {EXO_JSON_STRING, plain, e->value_.text, e->value_.text};
    return exo_json_copy(&token, dst, size);
}

int exo_encode_skip_value(exo_encoder *e)
{
    e->skip_depth_ = e->depth_;
    e->skipped_ = 0;
    e->wait_ = WAIT_SKIPPED;
    return EXO_OK;
}

/* MESSAGE_DEPTH where the innermost object is a message, PART_DEPTH where it is a part in the list that is a message's
 * content; else 0. From the outermost one on, each second is an object, the others are lists. */
static unsigned file_place(const exo_encoder *e)
{
    const unsigned depth = e->depth_;
    const bool inside = depth == MESSAGE_DEPTH ? e->in_messages_ : depth == PART_DEPTH && e->in_content_;
    return inside && ((e->nest_[0] ^ 21U) & ((1U << depth) - 1)) == 0 ? depth : 0;
}

/* ---- The look ---- */

/* Stores the value at scratch_[at], and returns its length: `size` and one for what is too long, or no string. */
static uint16_t file_keep_text(exo_encoder *e, size_t at, size_t size)
{
    const exo_span kept =
        exo_span_of(e->scratch_ + at, exo_encode_copy_text(e, !e->value_.escaped, e->scratch_ + at, size + 1));
    return (uint16_t)(e->value_.type == EXO_VALUE_STRING && exo_value_is(&e->value_, kept) ? kept.len : size + 1);
}

/* Keeps what stands behind a wanted key. A bad type is an error only beside a file. */
static int file_keep_wanted(exo_encoder *e, enum want want)
{
    if (e->value_.type == EXO_VALUE_NULL) {
        return EXO_OK;
    }
    if (want == WANT_TYPE) {
        e->media_type_len_ = file_keep_text(e, MEDIA_TYPE_AT, EXO_MEDIA_TYPE_MAX);
        return EXO_OK;
    }
    e->has_path_ = true;
    e->path_len_ = file_keep_text(e, PATH_AT, EXO_PATH_MAX);
    return e->path_len_ > EXO_PATH_MAX || memchr(e->scratch_, 0, e->path_len_) ? EXO_E_REQUEST : EXO_OK;
}

/* Asks the opener for the file that the object names. EXO_NOT_FOUND where that is no error. */
static int open_file(exo_encoder *e)
{
    const exo_file_opener *opener = e->in_extra_ ? NULL : e->options_.opener;
    if (e->media_type_len_ > EXO_MEDIA_TYPE_MAX) {
        return EXO_E_REQUEST;
    }
    if (!opener) {
        return EXO_E_FILE_REFUSED;
    }
    memset(&e->file_, 0, sizeof e->file_);
    int rc = opener->open(opener->ctx, exo_span_of(e->scratch_ + PATH_AT, e->path_len_),
                          exo_span_of(e->scratch_ + MEDIA_TYPE_AT, e->media_type_len_), &e->file_);
    if (rc < 0 || (rc == EXO_NOT_FOUND && e->has_content_)) {
        return rc;
    }
    return rc == EXO_OK && e->file_.source ? EXO_OK : EXO_E_SOURCE_READ;
}

/* Whether a media type, its parameters apart, is `name`, or begins with it where `name` ends in a slash. */
static bool file_media_type_is(exo_span type, const char *name)
{
    return exo_ascii_skip(&type, name) &&
           (type.ptr[-1] == '/' || type.len == 0 || *type.ptr == ';' || *type.ptr == ' ');
}

static int file_emit_part(exo_encoder *e)
{
    const char *part = parts;
    if (e->file_.media_type.len == 0) {
        e->file_.media_type = exo_span_text("application/octet-stream");
    }
    while (*part && !file_media_type_is(e->file_.media_type, part)) {
        part = exo_ascii_string(part, PART_STRINGS);
    }
    e->part_ = exo_ascii_string(part, 1);
    return exo_encode_emit(e, ",{\"type\":\"" PART_KEY "\",\"" PART_KEY "\":" PART_SCRIPT, true);
}

/* The object that was looked through begins, with a file or without. */
static int file_begin_object(exo_encoder *e, bool message, bool has_file)
{
    e->in_content_ = !message;
    e->content_file_ = message ? has_file : e->content_file_;
    e->part_ = NULL;
    e->content_sent_ = false;
    return !message && has_file ? file_emit_part(e) : exo_encode_emit(e, ",{", false);
}

/* The object has been looked through: back to its first key, and on with or without a file. */
static int file_end_look(exo_encoder *e)
{
    const bool message = e->look_depth_ == MESSAGE_DEPTH;
    int rc = e->cursor_->ops->reset(e->cursor_->ctx);
    if (rc < 0) {
        return rc;
    }
    e->depth_ = e->look_depth_;
    e->wait_ = WAIT_TOKEN;
    rc = e->has_path_ ? open_file(e) : EXO_NOT_FOUND;
    if (rc < 0) {
        return rc;
    }
    return file_begin_object(e, message, rc == EXO_OK);
}

int exo_encode_inner_object(exo_encoder *e)
{
    const unsigned place = file_place(e);
    if (place == 0) {
        return exo_encode_emit(e, ",{", false);
    }
#ifndef EXO_SMALL
    const exo_cursor_ops *ops = e->cursor_->ops;
    if (ops->is_plain && ops->is_plain(e->cursor_->ctx)) {
        return file_begin_object(e, place == MESSAGE_DEPTH, false);
    }
#endif
    e->look_depth_ = e->depth_;
    e->want_ = WANT_NOTHING;
    e->has_path_ = false;
    e->has_content_ = false;
    e->media_type_len_ = 0;
    e->wait_ = WAIT_LOOKED;
    int rc = e->cursor_->ops->mark(e->cursor_->ctx);
    return rc < 0 ? rc : EXO_OK;
}

/* What is wanted behind the key that was just taken. */
static enum want file_wanted(exo_encoder *e)
{
    const bool message = e->look_depth_ == MESSAGE_DEPTH;
    if (exo_encode_key_is(e, message ? "_content_file" : "_file")) {
        return WANT_PATH;
    }
    if (!message) {
        return exo_encode_key_is(e, "_type") ? WANT_TYPE : WANT_NOTHING;
    }
    e->has_content_ = e->has_content_ || exo_encode_key_is(e, "content");
    return WANT_NOTHING;
}

int exo_encode_look(exo_encoder *e)
{
    const enum want want = (enum want)e->want_;
    if (e->depth_ < e->look_depth_) {
        return file_end_look(e);
    }
    const bool key = e->value_.type == EXO_VALUE_KEY && e->depth_ == e->look_depth_;
    e->want_ = (uint8_t)(key ? file_wanted(e) : WANT_NOTHING);
    /* The token behind a wanted key is its value, or the bracket of it. */
    return want == WANT_NOTHING ? EXO_OK : file_keep_wanted(e, want);
}

/* ---- Keys ---- */

/* A key of ours, which is not sent, begins with an underscore. */
static bool file_is_private(const exo_encoder *e)
{
    char first[2];
#ifndef EXO_SMALL
    if (!e->value_.escaped) {
        return e->value_.text.len > 0 && *e->value_.text.ptr == '_';
    }
#endif
    exo_encode_copy_text(e, !e->value_.escaped, first, sizeof first);
    return *first == '_';
}

/* The file's text stands where the first of the two keys stood. */
static int file_content_key(exo_encoder *e)
{
    if (!e->content_sent_) {
        exo_encode_emit(e, ",\"content\":\"" FILE_TEXT "\"", true);
    }
    e->content_sent_ = true;
    return exo_encode_skip_value(e);
}

int exo_encode_inner_key(exo_encoder *e)
{
    const unsigned at = file_place(e);
    const bool message = at == MESSAGE_DEPTH;
    const bool part = e->part_ && at == PART_DEPTH;
    if (message) {
        e->in_content_ = exo_encode_key_is(e, "content");
        if (e->content_file_ && (e->in_content_ || exo_encode_key_is(e, "_content_file"))) {
            return file_content_key(e);
        }
    }
    /* What the file makes of the object cannot be there twice. */
    if (part && (exo_encode_key_is(e, "type") || exo_encode_key_is(e, e->part_))) {
        return EXO_E_DUPLICATE_KEY;
    }
    if ((message || part) && file_is_private(e)) {
        return exo_encode_skip_value(e);
    }
    return exo_encode_emit(e, ",\"" VALUE_TEXT "\":", false);
}
