/*
 * http1.c: request head, response head and chunked coding of HTTP/1.1, without a connection.
 *
 * It does not know what a header means beyond what frames the body and ends the connection, and decodes no content. The
 * transports of targets without libcurl call it. A request head needs no memory; a response keeps at most one header
 * line that was cut or folded, in the caller's buffer, and limits.head, limits.headers and limits.chunk_overhead bound
 * what a server can make it read besides the body.
 */
#include "exochat/http1.h"

#include "ascii.h"
#include "json_text.h"

enum byte {
    HTAB = '\t',
    LF = '\n',
    CR = '\r',
    SP = ' '
};

/* What a byte is; up to CR, in the order of `marks`. */
enum byte_class {
    IS_BLANK,
    IS_COLON,
    IS_SEMICOLON,
    IS_EQUALS,
    IS_QUOTE,
    IS_BACKSLASH,
    IS_CR,    /* or a bare LF */
    IS_TOKEN, /* another that may stand in a token (RFC 9110, 5.6.2) */
    IS_TEXT,
    IS_OBS_TEXT, /* not ASCII */
    IS_WRONG
};

static enum byte_class http1_classify(unsigned char byte)
{
    static const char marks[] = " :;=\"\\\r!#$%&'*+-.^_`|~";

    if (ascii_is_digit(byte) || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z')) {
        return IS_TOKEN;
    }
    const char *mark = memchr(marks, byte == HTAB ? SP : byte == LF ? CR : byte, sizeof marks - 1);
    if (mark) {
        return mark - marks < IS_TOKEN ? (enum byte_class)(mark - marks) : IS_TOKEN;
    }
    return byte >= 128 ? IS_OBS_TEXT : byte > SP && byte < 127 ? IS_TEXT : IS_WRONG;
}

/* Sets of classes. */
enum {
    TOKENS = 1 << IS_TOKEN,
    NOT_TEXT = 1 << IS_CR | 1 << IS_WRONG,
    TEXTS = ((1 << IS_WRONG) - 1) & ~NOT_TEXT,              /* a field value, a reason phrase or a chunk extension */
    VISIBLES = TEXTS & ~(1 << IS_BLANK | 1 << IS_OBS_TEXT), /* a host or a request target */
};

static bool http1_is_blank(unsigned char byte)
{
    return byte == SP || byte == HTAB;
}

static void http1_consume(exo_span *text, size_t len)
{
    text->ptr += len;
    text->len -= len;
}

static bool http1_same_name(exo_span a, exo_span b)
{
    return a.len == b.len && exo_ascii_same(a.ptr, b.ptr, a.len);
}

bool exo_http1_name_is(exo_span name, const char *text)
{
    return http1_same_name(name, exo_span_text(text));
}

bool exo_header_split(exo_span line, exo_span *name, exo_span *value)
{
    size_t len = 0;
    size_t colon;

    while (len < line.len && http1_classify((unsigned char)line.ptr[len]) == IS_TOKEN) {
        len++;
    }
    for (colon = len; colon < line.len && http1_is_blank((unsigned char)line.ptr[colon]); colon++) {
    }
    *name = *value = exo_span_of(line.ptr, 0);
    if (len == 0 || colon == line.len || line.ptr[colon] != ':') {
        return false;
    }
    name->len = len;
    *value = exo_span_of(line.ptr + colon + 1, line.len - colon - 1);
    exo_ascii_trim(value);
    return true;
}

/* The headers that are heeded in a response; the first three are written, so they are refused in a request. Others are
 * none of these. */
enum known {
    HOST,
    CONTENT_LENGTH,
    TRANSFER_ENCODING,
    CONNECTION
};

static int http1_known_header(const exo_span *name)
{
    return exo_ascii_word_index("host content-length transfer-encoding connection", name);
}

/* ---- the request head ---- */

static int http1_check(const exo_span *text, unsigned allowed)
{
    for (size_t i = 0; i < text->len; i++) {
        const unsigned char byte = (unsigned char)text->ptr[i];
        const enum byte_class is = http1_classify(byte);
        if (is == IS_CR || byte == 0) {
            return EXO_E_HEADER;
        }
        if ((allowed >> is & 1) == 0) {
            return EXO_E_ARGUMENT;
        }
    }
    return EXO_OK;
}

static int http1_check_filled(const exo_span *text, unsigned allowed)
{
    return text->len == 0 ? EXO_E_ARGUMENT : http1_check(text, allowed);
}

static int http1_check_header(const exo_http1_request *request, const exo_http1_header *header)
{
    int result = http1_check_filled(&header->name, TOKENS);
    if (result == EXO_OK) {
        result = http1_check(&header->value, TEXTS);
    }
    if (result == EXO_OK && (unsigned)http1_known_header(&header->name) <= TRANSFER_ENCODING) {
        return EXO_E_DUPLICATE_KEY;
    }
    for (const exo_http1_header *other = request->headers; result == EXO_OK && other < header; other++) {
        result = http1_same_name(header->name, other->name) ? EXO_E_DUPLICATE_KEY : EXO_OK;
    }
    return result;
}

static int http1_check_request(const exo_http1_request *request)
{
    int result = (unsigned)request->framing > EXO_HTTP1_CHUNKED ? EXO_E_ARGUMENT : EXO_OK;
    if (result == EXO_OK) {
        result = http1_check_filled(&request->method, TOKENS);
    }
    if (result == EXO_OK) {
        result = http1_check_filled(&request->target, VISIBLES);
    }
    if (result == EXO_OK) {
        result = http1_check_filled(&request->host, VISIBLES);
    }
    for (size_t i = 0; i < request->header_count && result == EXO_OK; i++) {
        result = http1_check_header(request, &request->headers[i]);
    }
    return result;
}

int exo_http1_head_init(exo_http1_head *head, const exo_http1_request *request)
{
    memset(head, 0, sizeof *head);
    head->request_ = request;
    if (request->framing == EXO_HTTP1_LENGTH) {
        head->digits_len_ = (uint8_t)exo_ascii_put_number(head->digits_, request->content_length);
    }
    head->error_ = http1_check_request(request);
    return head->error_;
}

/* The head is a sequence of pieces: the start line with Host, four for each header, the framing, and the empty line. */
enum piece {
    METHOD,
    SPACE,
    TARGET,
    VERSION,
    AUTHORITY,
    CRLF, /* from here on, once for each header */
    HEADER_NAME,
    COLON,
    HEADER_VALUE,
    FRAMING,
    DIGITS,
    EMPTY_LINE,
    PIECES
};

static exo_span http1_piece_of(const exo_http1_head *head)
{
    /* For the pieces that are the same in every head: the others are empty here. */
    static const char literals[] = "\0 \0\0 HTTP/1.1\r\nHost: \0\0\r\n\0\0: \0\0\0\0\r\n\r\n";
    static const char framings[] = "\0\r\nContent-Length: \0\r\nTransfer-Encoding: chunked";
    const exo_http1_request *request = head->request_;
    const char *literal;

    switch ((enum piece)head->piece_) {
    case METHOD:
        return request->method;
    case TARGET:
        return request->target;
    case AUTHORITY:
        return request->host;
    case HEADER_NAME:
        return request->headers[head->header_].name;
    case HEADER_VALUE:
        return request->headers[head->header_].value;
    case DIGITS:
        return exo_span_of(head->digits_, head->digits_len_);
    case FRAMING:
        literal = exo_ascii_string(framings, request->framing);
        break;
    default:
        literal = exo_ascii_string(literals, head->piece_);
        break;
    }
    return exo_span_text(literal);
}

int exo_http1_head_write(exo_http1_head *head, exo_window *window)
{
    if (head->error_ != EXO_OK) {
        return head->error_;
    }
    while (head->piece_ < PIECES) {
        if (head->piece_ == CRLF && head->header_ == head->request_->header_count) {
            head->piece_ = FRAMING;
        }
        exo_span piece = http1_piece_of(head);
        size_t room = window->size - window->pos;
        size_t left = piece.len - head->at_;
        size_t n = left < room ? left : room;

        if (n > 0 && piece.ptr) {
            memcpy(window->dst + window->pos, piece.ptr + head->at_, n);
        }
        window->pos += n;
        head->at_ += n;
        if (n < left) {
            return EXO_AGAIN;
        }
        head->at_ = 0;
        head->piece_++;
        if (head->piece_ == FRAMING) {
            head->piece_ = CRLF;
            head->header_++;
        }
    }
    return EXO_OK;
}

/* ---- the chunked body of a request ---- */

exo_span exo_http1_chunk_frame(char *payload, size_t len)
{
    char *begin = payload;

    if (len == 0) {
        return exo_span_of(payload, 0);
    }
    *--begin = LF;
    *--begin = CR;
    for (size_t rest = len; rest > 0; rest >>= 4) {
        *--begin = ascii_hex_digit(rest & 15);
    }
    payload[len] = CR;
    payload[len + 1] = LF;
    return exo_span_of(begin, (size_t)(payload - begin) + len + EXO_HTTP1_CHUNK_BEHIND);
}

/* ---- the response ---- */

/* What the response waits for: first the LF of some line, then bytes of which `next_states` says where they lead. */
enum state {
    WRONG, /* none: here lead wrong bytes */
    CHUNK_LF,
    CHUNK_SIZE_LF,
    STATUS_LF, /* from here on to FOLD, a line of a head or of trailers */
    HEADER_LF,
    EMPTY_LF,
    HEADER_END, /* the next line, whose first byte says whether it continues this one */
    STATUS_LINE,
    REASON,
    LINE_START, /* a name, or the CR of the empty line */
    NAME,
    VALUE,
    FOLD, /* in the white space with which a line continues another */
    CHUNK_CR,
    CHUNK_SIZE,
    CHUNK_SEMICOLON, /* from here on, where a chunk extension is: white space before it */
    EXTENSION_START, /* behind its semicolon */
    EXTENSION_NAME,
    EXTENSION_EQUALS, /* white space behind the name */
    EXTENSION_VALUE,  /* behind the equals sign */
    EXTENSION_TOKEN,
    EXTENSION_QUOTED,
    EXTENSION_ESCAPE,   /* behind a backslash */
    EXTENSION_UNQUOTED, /* behind the closing quote */
    CHUNK_BYTES,        /* from here on, no single bytes */
    BODY_BYTES,
    CLOSE, /* body bytes, until the peer closes */
    END,   /* to be told; from here on, no bytes are needed */
    NOTHING
};

/* The states that a blank, another byte of text and a CR lead to. */
#define TEXT(blank, text, cr) \
    { \
        blank, text, text, text, text, text, cr, text, text \
    }

/* Where bytes lead, from STATUS_LINE on. What is behind the size of a chunk is *( BWS ";" BWS name [ BWS "=" BWS
 * ( token / quoted-string ) ] ) of RFC 9112, 7.1.1. */
/* clang-format off */
static const uint8_t next_states[][IS_TEXT + 1] = {
    {/* STATUS_LINE */
        [IS_BLANK] = REASON, [IS_CR] = STATUS_LF},
    [REASON - STATUS_LINE] = TEXT(REASON, REASON, STATUS_LF),
    [LINE_START - STATUS_LINE] = {
        [IS_BLANK] = FOLD, [IS_TOKEN] = NAME, [IS_CR] = EMPTY_LF},
    [NAME - STATUS_LINE] = {
        [IS_TOKEN] = NAME, [IS_COLON] = VALUE},
    [VALUE - STATUS_LINE] = TEXT(VALUE, VALUE, HEADER_LF),
    [FOLD - STATUS_LINE] = TEXT(FOLD, VALUE, HEADER_LF),
    [CHUNK_CR - STATUS_LINE] = {
        [IS_CR] = CHUNK_LF},
    [CHUNK_SIZE - STATUS_LINE] = {
        [IS_BLANK] = CHUNK_SEMICOLON, [IS_SEMICOLON] = EXTENSION_START, [IS_CR] = CHUNK_SIZE_LF},
    [CHUNK_SEMICOLON - STATUS_LINE] = {
        [IS_BLANK] = CHUNK_SEMICOLON, [IS_SEMICOLON] = EXTENSION_START},
    [EXTENSION_START - STATUS_LINE] = {
        [IS_BLANK] = EXTENSION_START, [IS_TOKEN] = EXTENSION_NAME},
    [EXTENSION_NAME - STATUS_LINE] = {
        [IS_BLANK] = EXTENSION_EQUALS, [IS_TOKEN] = EXTENSION_NAME, [IS_SEMICOLON] = EXTENSION_START,
        [IS_EQUALS] = EXTENSION_VALUE, [IS_CR] = CHUNK_SIZE_LF},
    [EXTENSION_EQUALS - STATUS_LINE] = {
        [IS_BLANK] = EXTENSION_EQUALS, [IS_SEMICOLON] = EXTENSION_START, [IS_EQUALS] = EXTENSION_VALUE},
    [EXTENSION_VALUE - STATUS_LINE] = {
        [IS_BLANK] = EXTENSION_VALUE, [IS_TOKEN] = EXTENSION_TOKEN, [IS_QUOTE] = EXTENSION_QUOTED},
    [EXTENSION_TOKEN - STATUS_LINE] = {
        [IS_BLANK] = CHUNK_SEMICOLON, [IS_TOKEN] = EXTENSION_TOKEN, [IS_SEMICOLON] = EXTENSION_START,
        [IS_CR] = CHUNK_SIZE_LF},
    [EXTENSION_QUOTED - STATUS_LINE] = {
        [IS_BLANK] = EXTENSION_QUOTED, [IS_TOKEN] = EXTENSION_QUOTED, [IS_TEXT] = EXTENSION_QUOTED,
        [IS_COLON] = EXTENSION_QUOTED, [IS_SEMICOLON] = EXTENSION_QUOTED, [IS_EQUALS] = EXTENSION_QUOTED,
        [IS_QUOTE] = EXTENSION_UNQUOTED, [IS_BACKSLASH] = EXTENSION_ESCAPE},
    [EXTENSION_ESCAPE - STATUS_LINE] = TEXT(EXTENSION_QUOTED, EXTENSION_QUOTED, WRONG),
    [EXTENSION_UNQUOTED - STATUS_LINE] = {
        [IS_BLANK] = CHUNK_SEMICOLON, [IS_SEMICOLON] = EXTENSION_START, [IS_CR] = CHUNK_SIZE_LF},
};
/* clang-format on */

enum seen {
    SEEN_LENGTH = 1,
    SEEN_CHUNKED = 2,
    SEEN_CLOSE = 4,
    SEEN_FRAMING = 8 /* in the line that was read last */
};

void exo_http1_response_init(exo_http1_response *response, const exo_limits *limits, exo_buffer *carry)
{
    memset(response, 0, sizeof *response);
    response->head_left_ = limits->head;
    response->headers_left_ = limits->headers;
    response->overhead_left_ = limits->chunk_overhead;
    response->carry_ = carry;
    response->state_ = STATUS_LINE;
    exo_buffer_clear(carry);
}

int exo_http1_response_feed(exo_http1_response *response, exo_span bytes)
{
    if (response->error_ != EXO_OK) {
        return response->error_;
    }
    if (response->in_.len > 0 || response->closed_) {
        return EXO_E_STATE;
    }
    response->in_ = bytes;
    return EXO_OK;
}

void exo_http1_response_end(exo_http1_response *response)
{
    response->closed_ = true;
}

size_t exo_http1_response_unread(const exo_http1_response *response)
{
    return response->in_.len;
}

bool exo_http1_response_reusable(const exo_http1_response *response)
{
    return response->state_ == NOTHING && response->minor_ == 1 && (response->seen_ & SEEN_CLOSE) == 0 &&
           response->in_.len == 0 && !response->closed_;
}

static bool http1_is_interim(const exo_http1_response *r)
{
    return r->status_ < 200;
}

/* Whether bytes of a line of a head or of trailers are awaited. */
static bool http1_is_in_line(const exo_http1_response *r)
{
    return r->state_ >= STATUS_LF && r->state_ <= FOLD;
}

static bool http1_is_in_head(const exo_http1_response *r)
{
    return http1_is_in_line(r) && !r->trailing_;
}

static int http1_tell(exo_http1_event *event, exo_http1_event_type type)
{
    event->type = type;
    return EXO_EVENT;
}

/* Counts a byte of a line before it is judged. */
static int http1_count_line_byte(exo_http1_response *r)
{
    if (r->head_left_ == 0) {
        return EXO_E_HEAD_LIMIT;
    }
    r->head_left_--;
    if (r->length_++ == 0) {
        exo_buffer_clear(r->carry_);
    }
    return EXO_OK;
}

/* Carries the part of the line that is not carried yet: it ends where the unread bytes begin, or behind the LF that is
 * `at_hand` there. */
static int http1_carry_line(exo_http1_response *r, size_t at_hand)
{
    const size_t len = r->length_ - r->carry_->len;
    return len > 0 ? exo_buffer_append(r->carry_, exo_span_of(r->in_.ptr + at_hand - len, len)) : EXO_OK;
}

/* Stores the line that ends with the LF that was read last, or is `at_hand`, without its line end. */
static int http1_whole_line(exo_http1_response *r, size_t at_hand, exo_span *line)
{
    if (r->carry_->len > 0) {
        int result = http1_carry_line(r, at_hand);
        if (result != EXO_OK) {
            return result;
        }
        *line = exo_buffer_span(r->carry_);
    } else {
        *line = exo_span_of(r->in_.ptr + at_hand - r->length_, r->length_);
    }
    line->len -= line->ptr[line->len - 2] == CR ? 2 : 1; /* no line that ends is shorter */
    return EXO_OK;
}

/* The line is done with. */
static void http1_end_line(exo_http1_response *r)
{
    r->state_ = LINE_START;
    r->length_ = 0;
}

enum {
    STATUS_END = 12 /* "HTTP/1.1 200" */
};

/* Whether `byte` may stand where it does in HTTP/1.x SP status, or behind that. */
static bool http1_fits_status_line(exo_http1_response *r, unsigned char byte)
{
    static const char start[] = "HTTP/1.x ";
    const uint32_t column = r->length_ - 1;

    if (column == 7) {
        r->status_ = 0;
        r->minor_ = byte == '1';
        return byte == '0' || byte == '1';
    }
    if (column < sizeof start - 1) {
        return byte == (unsigned char)start[column];
    }
    if (column == STATUS_END) {
        return byte != HTAB;
    }
    r->status_ = (uint16_t)(r->status_ * 10 + (byte - '0'));
    /* Status 101: no upgrade was asked for, and what follows would not be HTTP. */
    return ascii_is_digit(byte) && r->status_ != 0 && (column != 11 || r->status_ != 101);
}

static int http1_tell_status(exo_http1_response *r, exo_http1_event *event)
{
    exo_span line;
    int result = http1_whole_line(r, 1, &line);

    http1_end_line(r);
    if (result != EXO_OK || http1_is_interim(r)) {
        return result;
    }
    if (line.len > STATUS_END) {
        event->value = exo_span_of(line.ptr + STATUS_END + 1, line.len - STATUS_END - 1);
    }
    return http1_tell(event, EXO_HTTP1_STATUS);
}

/* A list is what a proxy makes of repeated lines (RFC 9112, 6.3): as those, it may only repeat itself. Goes behind what
 * is right of it. */
static int http1_note_length(exo_http1_response *r, exo_span *list)
{
    for (;;) {
        const exo_span begin = *list;
        uint64_t number = 0;

        while (list->len > 0 && ascii_is_digit(*list->ptr) &&
               exo_ascii_append_digit(&number, (unsigned)(*list->ptr - '0'))) {
            http1_consume(list, 1);
        }
        if (list->len == begin.len || (list->len > 0 && *list->ptr != ',')) {
            return EXO_E_CONTENT_LENGTH;
        }
        if ((r->seen_ & SEEN_LENGTH) != 0 && number != r->remaining_) {
            *list = begin;
            return EXO_E_CONTENT_LENGTH;
        }
        r->remaining_ = number;
        r->seen_ |= SEEN_LENGTH;
        if (list->len == 0) {
            return EXO_OK;
        }
        do {
            http1_consume(list, 1);
        } while (list->len > 0 && http1_is_blank((unsigned char)*list->ptr));
    }
}

static void http1_note_connection(exo_http1_response *r, exo_span *list)
{
    const char *comma;

    do {
        exo_span word = *list;
        comma = memchr(list->ptr, ',', list->len);
        if (comma) {
            word.len = (size_t)(comma - list->ptr);
            http1_consume(list, word.len + 1);
        }
        exo_ascii_trim(&word);
        if (exo_ascii_word_index("close", &word) == 0) {
            r->seen_ |= SEEN_CLOSE;
        }
    } while (comma);
}

/* Heeds what a header says about the body and the connection. On an error `value` begins where it is wrong. */
static int http1_note_header(exo_http1_response *r, const exo_span *name, exo_span *value)
{
    const int known = http1_known_header(name);
    const unsigned other = known == CONTENT_LENGTH ? SEEN_CHUNKED : SEEN_LENGTH;

    if (known == CONNECTION) {
        http1_note_connection(r, value);
    }
    if (known != CONTENT_LENGTH && known != TRANSFER_ENCODING) {
        return EXO_OK;
    }
    r->seen_ |= SEEN_FRAMING;
    if ((r->seen_ & other) != 0) {
        return EXO_E_BOTH_LENGTHS;
    }
    if (known == CONTENT_LENGTH) {
        return http1_note_length(r, value);
    }
    if ((r->seen_ & SEEN_CHUNKED) != 0 || r->minor_ == 0 || exo_ascii_word_index("chunked", value) != 0) {
        return EXO_E_CODING;
    }
    r->seen_ |= SEEN_CHUNKED;
    return EXO_OK;
}

/* The LF behind a header is read. What it says is judged now, and told when the next line does not continue it. */
static int http1_judge_header(exo_http1_response *r)
{
    exo_span line;
    exo_span name;
    exo_span value;
    int result = http1_whole_line(r, 1, &line);

    r->state_ = HEADER_END;
    r->seen_ &= (uint8_t)~SEEN_FRAMING;
    if (result != EXO_OK || http1_is_interim(r) || r->trailing_) {
        return result;
    }
    (void)exo_header_split(line, &name, &value); /* its bytes are judged: it is a header */
    result = http1_note_header(r, &name, &value);
    if (result != EXO_OK) { /* the wrong byte is taken for the one at hand */
        r->at -= r->length_ - 1 - (uint32_t)(value.ptr - line.ptr);
    }
    return result;
}

static int http1_tell_header(exo_http1_response *r, exo_http1_event *event)
{
    exo_span line;
    int result = http1_whole_line(r, 0, &line);

    http1_end_line(r);
    if (result != EXO_OK || http1_is_interim(r)) {
        return result;
    }
    (void)exo_header_split(line, &event->name, &event->value);
    return http1_tell(event, r->trailing_ ? EXO_HTTP1_TRAILER : EXO_HTTP1_HEADER);
}

/* The next line begins with a blank: all white space around the line end becomes one space (RFC 9112, 5.2), for which
 * the line has to be carried. Not where it would change how the body is framed, which is how responses get smuggled. */
static int http1_fold_line(exo_http1_response *r)
{
    exo_buffer *carry = r->carry_;
    int result = (r->seen_ & SEEN_FRAMING) != 0 ? EXO_E_OBS_FOLD : http1_carry_line(r, 0);

    if (result != EXO_OK) {
        return result;
    }
    size_t len = carry->len - 1; /* without the LF */
    while (http1_is_blank((unsigned char)carry->data[len - 1]) || carry->data[len - 1] == CR) {
        len--;
    }
    carry->data[len] = SP;
    exo_buffer_truncate(carry, len + 1);
    r->length_ = (uint32_t)carry->len;
    r->state_ = FOLD;
    return EXO_OK;
}

static enum state http1_await_chunk(exo_http1_response *r)
{
    r->remaining_ = 0;
    r->digits_ = 0;
    return CHUNK_SIZE;
}

/* Where the body begins (RFC 9112, 6.3). */
static enum state http1_await_body(exo_http1_response *r)
{
    if (r->status_ == 204 || r->status_ == 304) {
        return END;
    }
    if ((r->seen_ & SEEN_CHUNKED) != 0) {
        return http1_await_chunk(r);
    }
    if ((r->seen_ & SEEN_LENGTH) != 0) {
        return r->remaining_ > 0 ? BODY_BYTES : END;
    }
    r->remaining_ = UINT64_MAX;
    return CLOSE;
}

/* The empty line ends an interim response, the trailers, or the head. */
static int http1_end_head(exo_http1_response *r, exo_http1_event *event)
{
    r->length_ = 0;
    if (http1_is_interim(r)) {
        r->state_ = STATUS_LINE;
        return EXO_OK;
    }
    if (r->trailing_) {
        r->state_ = END;
        return EXO_OK;
    }
    r->state_ = (uint8_t)http1_await_body(r);
    return http1_tell(event, EXO_HTTP1_HEAD_END);
}

/* Fed bytes are body, up to its length or the chunk's size. */
static void http1_tell_body(exo_http1_response *r, exo_http1_event *event)
{
    event->value = r->in_;
    if (event->value.len >= r->remaining_) {
        event->value.len = (size_t)r->remaining_;
        r->state_ = r->state_ == CHUNK_BYTES ? CHUNK_CR : END;
    }
    r->remaining_ -= event->value.len;
    event->type = EXO_HTTP1_BODY;
}

/* Adds a digit to the chunk size, and says whether 64 bits hold it. */
static bool http1_add_digit(exo_http1_response *r, unsigned digit)
{
    if (r->digits_ == 16) {
        return false;
    }
    r->digits_++;
    r->remaining_ = r->remaining_ << 4 | digit;
    return true;
}

/* No byte is at hand: keeps what is cut, or judges the end that the peer has made. */
static int http1_starve(exo_http1_response *r)
{
    if (!r->closed_) {
        int result = r->length_ > 0 ? http1_carry_line(r, 0) : EXO_OK;
        return result == EXO_OK ? EXO_NEED_DATA : result;
    }
    if (r->state_ == CLOSE) {
        r->state_ = END;
        return EXO_OK;
    }
    if (r->at == 0) {
        return EXO_E_CLOSED;
    }
    return http1_is_in_head(r) ? EXO_E_HEAD : EXO_E_BODY_CUT;
}

/* The LF that ends what state `end` is the last of. */
static int http1_end_of_line(exo_http1_response *r, exo_http1_event *event, enum state end)
{
    switch (end) {
    case STATUS_LF:
        return http1_tell_status(r, event);
    case HEADER_LF:
        return http1_judge_header(r);
    case EMPTY_LF:
        return http1_end_head(r, event);
    case CHUNK_SIZE_LF:
        r->trailing_ = r->remaining_ == 0;
        r->state_ = r->trailing_ ? LINE_START : CHUNK_BYTES;
        return EXO_OK;
    default:
        r->state_ = (uint8_t)http1_await_chunk(r);
        return EXO_OK;
    }
}

/* The state that `byte` leads to; LF, to the one that it is the last of; or WRONG. A bare LF ends a line of a head as
 * if a CR had come before it (RFC 9112, 2.2), for servers that write no CR. In trailers it is as wrong as in the rest
 * of the chunked coding. */
static enum state http1_state_behind(exo_http1_response *r, unsigned char byte)
{
    const enum state state = (enum state)r->state_;

    if (state < STATUS_LINE) {
        return byte == LF ? state : WRONG;
    }
    if (state == STATUS_LINE && !http1_fits_status_line(r, byte)) {
        return WRONG;
    }
    if (state == STATUS_LINE && r->length_ <= STATUS_END) {
        return STATUS_LINE;
    }
    if (state == CHUNK_SIZE) {
        const int digit = exo_json_hex_value(byte);
        if (digit >= 0) {
            return http1_add_digit(r, (unsigned)digit) ? CHUNK_SIZE : WRONG;
        }
        if (r->digits_ == 0) {
            return WRONG;
        }
    }
    const enum byte_class is = http1_classify(byte);
    if (is == IS_WRONG || (byte == LF && !http1_is_in_head(r))) {
        return WRONG;
    }
    return (enum state)next_states[state - STATUS_LINE][is < IS_TEXT ? is : IS_TEXT];
}

static int http1_step_byte(exo_http1_response *r, exo_http1_event *event, unsigned char byte)
{
    const enum state state = (enum state)r->state_;
    const enum state next = http1_state_behind(r, byte);

    if (next == WRONG) {
        return http1_is_in_head(r) ? EXO_E_HEAD : EXO_E_CHUNK; /* trailers are part of the coding */
    }
    if (byte == LF) {
        return http1_end_of_line(r, event, next);
    }
    r->state_ = (uint8_t)next;
    if (next == NAME && state == LINE_START && r->headers_left_-- == 0) {
        return EXO_E_HEADERS_LIMIT;
    }
    if (next == FOLD) {
        if (state == LINE_START) {
            return EXO_E_OBS_FOLD;
        }
        r->length_--; /* counted, but no part of the line */
    }
    /* a leading zero of a chunk size carries as little as all that is behind the size */
    const bool idle = next == CHUNK_SIZE ? r->digits_ > 1 && r->remaining_ < 16 : next > CHUNK_SIZE;
    return idle && r->overhead_left_-- == 0 ? EXO_E_CHUNK_LIMIT : EXO_OK;
}

/* One byte, or one piece of body, of `*used` bytes. EXO_OK: go on. */
static int http1_step(exo_http1_response *r, exo_http1_event *event, size_t *used)
{
    const bool at_hand = r->in_.len > 0;

    if (r->state_ == HEADER_END && (at_hand || r->closed_)) {
        return at_hand && http1_is_blank((unsigned char)*r->in_.ptr) ? http1_fold_line(r) : http1_tell_header(r, event);
    }
    if (r->state_ < END && !at_hand) {
        return http1_starve(r);
    }
    if (http1_is_in_line(r) && http1_count_line_byte(r) != EXO_OK) {
        return EXO_E_HEAD_LIMIT;
    }
    if (r->state_ < CHUNK_BYTES) {
        *used = 1;
        return http1_step_byte(r, event, (unsigned char)*r->in_.ptr);
    }
    if (r->state_ < END) {
        http1_tell_body(r, event);
        *used = event->value.len;
        return EXO_EVENT;
    }
    if (r->state_ == NOTHING) {
        return EXO_DONE;
    }
    r->state_ = NOTHING;
    return http1_tell(event, EXO_HTTP1_END);
}

int exo_http1_response_next(exo_http1_response *response, exo_http1_event *event)
{
    int result = response->error_;

    memset(event, 0, sizeof *event);
    while (result == EXO_OK) {
        size_t used = 0;
        result = http1_step(response, event, &used);
        if (result < 0) {
            response->error_ = result;
            used = 0; /* a wrong byte is not consumed */
        }
        if (used > 0) { /* of nothing there is no place behind */
            http1_consume(&response->in_, used);
            response->at += used;
        }
    }
    if (result >= 0) {
        event->status = response->status_;
        event->minor = response->minor_;
    }
    return result;
}
