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

enum byte {
    HTAB = '\t',
    LF = '\n',
    CR = '\r',
    SP = ' '
};

/* A bit for each tchar of RFC 9110, 5.6.2. */
static const uint32_t token_bytes[4] = {0, UINT32_C(0x03FF6CFA), UINT32_C(0xC7FFFFFE), UINT32_C(0x57FFFFFF)};

static bool is_token(unsigned char byte)
{
    return byte < 128 && (token_bytes[byte >> 5] >> (byte & 31) & 1) != 0;
}

static bool is_blank(unsigned char byte)
{
    return byte == SP || byte == HTAB;
}

/* A byte of a field value, a reason phrase or a chunk extension. */
static bool is_text(unsigned char byte)
{
    return (byte >= SP && byte != 127) || byte == HTAB;
}

/* A byte of a host or a request target. */
static bool is_visible(unsigned char byte)
{
    return byte > SP && byte < 127;
}

static bool same_name(exo_span a, exo_span b)
{
    return a.len == b.len && exo_ascii_same(a.ptr, b.ptr, a.len);
}

bool exo_http1_name_is(exo_span name, const char *text)
{
    return same_name(name, exo_span_text(text));
}

bool exo_header_split(exo_span line, exo_span *name, exo_span *value)
{
    size_t name_len = 0;
    size_t colon;

    *name = *value = exo_span_of(NULL, 0);
    while (name_len < line.len && is_token((unsigned char)line.ptr[name_len])) {
        name_len++;
    }
    for (colon = name_len; colon < line.len && is_blank((unsigned char)line.ptr[colon]); colon++) {
    }
    if (name_len == 0 || colon == line.len || line.ptr[colon] != ':') {
        return false;
    }
    *name = exo_span_of(line.ptr, name_len);
    *value = exo_span_of(line.ptr + colon + 1, line.len - colon - 1);
    exo_ascii_trim(value);
    return true;
}

/* The headers that are heeded in a response; the first three are written, so they are refused in a request. */
enum known {
    HOST,
    CONTENT_LENGTH,
    TRANSFER_ENCODING,
    CONNECTION,
    OTHER
};

static enum known known_header(exo_span name)
{
    static const char names[] = "host\0content-length\0transfer-encoding\0connection";
    unsigned known = 0;
    while (known < OTHER && !exo_http1_name_is(name, exo_ascii_string(names, known))) {
        known++;
    }
    return (enum known)known;
}

/* ---- the request head ---- */

static int check(const exo_span *text, bool (*allowed)(unsigned char))
{
    for (size_t i = 0; i < text->len; i++) {
        unsigned char byte = (unsigned char)text->ptr[i];
        if (byte == CR || byte == LF || byte == 0) {
            return EXO_E_HEADER;
        }
        if (!allowed(byte)) {
            return EXO_E_ARGUMENT;
        }
    }
    return EXO_OK;
}

static int check_filled(const exo_span *text, bool (*allowed)(unsigned char))
{
    return text->len == 0 ? EXO_E_ARGUMENT : check(text, allowed);
}

static int check_header(const exo_http1_request *request, const exo_http1_header *header)
{
    int result = check_filled(&header->name, is_token);
    if (result == EXO_OK) {
        result = check(&header->value, is_text);
    }
    if (result == EXO_OK && known_header(header->name) <= TRANSFER_ENCODING) {
        return EXO_E_DUPLICATE_KEY;
    }
    for (const exo_http1_header *other = request->headers; result == EXO_OK && other < header; other++) {
        result = same_name(header->name, other->name) ? EXO_E_DUPLICATE_KEY : EXO_OK;
    }
    return result;
}

static int check_request(const exo_http1_request *request)
{
    int result = (unsigned)request->framing > EXO_HTTP1_CHUNKED ? EXO_E_ARGUMENT : EXO_OK;
    if (result == EXO_OK) {
        result = check_filled(&request->method, is_token);
    }
    if (result == EXO_OK) {
        result = check_filled(&request->target, is_visible);
    }
    if (result == EXO_OK) {
        result = check_filled(&request->host, is_visible);
    }
    for (size_t i = 0; i < request->header_count && result == EXO_OK; i++) {
        result = check_header(request, &request->headers[i]);
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
    head->error_ = check_request(request);
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

#define LITERAL(text) exo_span_of(text, sizeof text - 1)

static exo_span piece_of(const exo_http1_head *head, enum piece piece, size_t header)
{
    const exo_http1_request *request = head->request_;
    switch (piece) {
    case METHOD:
        return request->method;
    case SPACE:
        return LITERAL(" ");
    case TARGET:
        return request->target;
    case VERSION:
        return LITERAL(" HTTP/1.1\r\nHost: ");
    case AUTHORITY:
        return request->host;
    case CRLF:
        return LITERAL("\r\n");
    case HEADER_NAME:
        return request->headers[header].name;
    case COLON:
        return LITERAL(": ");
    case HEADER_VALUE:
        return request->headers[header].value;
    case FRAMING:
        return request->framing == EXO_HTTP1_LENGTH    ? LITERAL("\r\nContent-Length: ")
               : request->framing == EXO_HTTP1_CHUNKED ? LITERAL("\r\nTransfer-Encoding: chunked")
                                                       : LITERAL("");
    case DIGITS:
        return exo_span_of(head->digits_, head->digits_len_);
    default:
        return LITERAL("\r\n\r\n");
    }
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
        exo_span piece = piece_of(head, (enum piece)head->piece_, head->header_);
        size_t room = window->size - window->pos;
        size_t left = piece.len - head->at_;
        size_t n = left < room ? left : room;

        if (n > 0) {
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
        *--begin = "0123456789abcdef"[rest & 15];
    }
    payload[len] = CR;
    payload[len + 1] = LF;
    return exo_span_of(begin, (size_t)(payload - begin) + len + EXO_HTTP1_CHUNK_BEHIND);
}

/* ---- the response ---- */

/* What the response waits for. The states up to EMPTY_LF read lines of a head or of trailers, those up to CHUNK_LF one
 * byte at a time; those from END on need no bytes. */
enum state {
    STATUS_LINE,
    REASON,
    STATUS_LF,
    LINE_START, /* a name, or the CR of the empty line */
    NAME,
    VALUE,
    HEADER_LF,
    HEADER_END, /* the next line, whose first byte says whether it continues this one */
    FOLD,       /* in the white space with which it does */
    EMPTY_LF,
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
    CHUNK_SIZE_LF,
    CHUNK_CR,
    CHUNK_LF,
    CHUNK_BYTES,
    BODY_BYTES,
    CLOSE, /* body bytes, until the peer closes */
    END,   /* to be told */
    NOTHING
};

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

static bool is_interim(const exo_http1_response *r)
{
    return r->status_ < 200;
}

/* The first wrong byte is at `at`, before the byte at hand. */
static int fail_at(exo_http1_response *r, uint64_t at, int error)
{
    r->at = at + 1;
    return error;
}

static void consume(exo_http1_response *r, size_t n)
{
    r->in_.ptr += n;
    r->in_.len -= n;
    r->at += n;
}

/* The byte at hand is right: the next one is judged in state `next`. */
static int accept(exo_http1_response *r, enum state next)
{
    r->state_ = (uint8_t)next;
    return EXO_OK;
}

static int tell(exo_http1_event *event, exo_http1_event_type type)
{
    event->type = type;
    return EXO_EVENT;
}

/* Counts a byte of a line before it is judged. */
static int count_line_byte(exo_http1_response *r)
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

/* The part of the line that is not carried: it ends where the unread bytes begin. */
static exo_span fed_part(const exo_http1_response *r)
{
    size_t len = r->length_ - r->carry_->len;
    return exo_span_of(len > 0 ? r->in_.ptr - len : NULL, len);
}

/* Stores the line that ends with the LF that was read last, without its line end. */
static int whole_line(exo_http1_response *r, exo_span *line)
{
    *line = fed_part(r);
    if (r->carry_->len > 0) {
        int result = exo_buffer_append(r->carry_, *line);
        if (result != EXO_OK) {
            return result;
        }
        *line = exo_buffer_span(r->carry_);
    }
    line->len -= line->ptr[line->len - 2] == CR ? 2 : 1; /* no line that ends is shorter */
    return EXO_OK;
}

/* The line is done with. */
static void end_line(exo_http1_response *r)
{
    accept(r, LINE_START);
    r->length_ = 0;
}

enum {
    STATUS_END = 12 /* "HTTP/1.1 200" */
};

/* Whether `byte` may stand at `column` of HTTP/1.x SP status. */
static bool fits_status_line(exo_http1_response *r, unsigned char byte, uint32_t column)
{
    static const char start[] = "HTTP/1.";

    if (column < sizeof start - 1) {
        return byte == (unsigned char)start[column];
    }
    if (column == 7) {
        r->minor_ = byte == '1';
        return byte == '0' || byte == '1';
    }
    if (column == 8) {
        r->status_ = 0;
        return byte == SP;
    }
    r->status_ = (uint16_t)(r->status_ * 10 + (byte - '0'));
    /* Status 101: no upgrade was asked for, and what follows would not be HTTP. */
    return ascii_is_digit(byte) && r->status_ != 0 && (column != 11 || r->status_ != 101);
}

static int status_byte(exo_http1_response *r, unsigned char byte)
{
    const uint32_t column = r->length_ - 1;

    if (column < STATUS_END) {
        return fits_status_line(r, byte, column) ? accept(r, STATUS_LINE) : EXO_E_HEAD;
    }
    if (byte == CR) {
        return accept(r, STATUS_LF);
    }
    return byte == SP ? accept(r, REASON) : EXO_E_HEAD;
}

static int tell_status(exo_http1_response *r, exo_http1_event *event)
{
    exo_span line;
    int result = whole_line(r, &line);

    end_line(r);
    if (result != EXO_OK || is_interim(r)) {
        return result;
    }
    if (line.len > STATUS_END) {
        event->value = exo_span_of(line.ptr + STATUS_END + 1, line.len - STATUS_END - 1);
    }
    return tell(event, EXO_HTTP1_STATUS);
}

static int line_start(exo_http1_response *r, unsigned char byte)
{
    if (byte == CR) {
        return accept(r, EMPTY_LF);
    }
    if (is_blank(byte)) {
        return EXO_E_OBS_FOLD;
    }
    if (!is_token(byte)) {
        return EXO_E_HEAD;
    }
    if (r->headers_left_ == 0) {
        return EXO_E_HEADERS_LIMIT;
    }
    r->headers_left_--;
    return accept(r, NAME);
}

static int name_byte(exo_http1_response *r, unsigned char byte)
{
    if (byte == ':') {
        return accept(r, VALUE);
    }
    return is_token(byte) ? accept(r, NAME) : EXO_E_HEAD;
}

/* A byte of a reason or a value, or the CR behind it. */
static int text_byte(exo_http1_response *r, unsigned char byte, enum state same, enum state line_feed)
{
    if (byte == CR) {
        return accept(r, line_feed);
    }
    return is_text(byte) ? accept(r, same) : EXO_E_HEAD;
}

/* One number of Content-Length, from value[*i] on. */
static bool read_number(exo_span value, size_t *i, uint64_t *number)
{
    const size_t begin = *i;

    *number = 0;
    for (; *i < value.len && ascii_is_digit(value.ptr[*i]); ++*i) {
        if (!exo_ascii_append_digit(number, (unsigned)(value.ptr[*i] - '0'))) {
            return false;
        }
    }
    return *i > begin;
}

/* A list is what a proxy makes of repeated lines (RFC 9112, 6.3): as those, it may only repeat itself. */
static int note_length(exo_http1_response *r, exo_span value, uint64_t at)
{
    for (size_t i = 0;; i++) {
        while (i > 0 && i < value.len && is_blank((unsigned char)value.ptr[i])) {
            i++;
        }
        size_t begin = i;
        uint64_t number;
        if (!read_number(value, &i, &number) || (i < value.len && value.ptr[i] != ',')) {
            return fail_at(r, at + i, EXO_E_CONTENT_LENGTH);
        }
        if ((r->seen_ & SEEN_LENGTH) != 0 && number != r->remaining_) {
            return fail_at(r, at + begin, EXO_E_CONTENT_LENGTH);
        }
        r->remaining_ = number;
        r->seen_ |= SEEN_LENGTH;
        if (i == value.len) {
            return EXO_OK;
        }
    }
}

static void note_connection(exo_http1_response *r, exo_span value)
{
    for (size_t begin = 0, i = 0; i <= value.len; i++) {
        if (i < value.len && value.ptr[i] != ',') {
            continue;
        }
        exo_span word = exo_span_of(value.ptr + begin, i - begin);
        exo_ascii_trim(&word);
        if (exo_http1_name_is(word, "close")) {
            r->seen_ |= SEEN_CLOSE;
        }
        begin = i + 1;
    }
}

/* Heeds what a header says about the body and the connection; `at` is the offset of its value. */
static int note_header(exo_http1_response *r, exo_span name, exo_span value, uint64_t at)
{
    switch (known_header(name)) {
    case CONTENT_LENGTH:
        r->seen_ |= SEEN_FRAMING;
        if ((r->seen_ & SEEN_CHUNKED) != 0) {
            return fail_at(r, at, EXO_E_BOTH_LENGTHS);
        }
        return note_length(r, value, at);
    case TRANSFER_ENCODING:
        r->seen_ |= SEEN_FRAMING;
        if ((r->seen_ & SEEN_LENGTH) != 0) {
            return fail_at(r, at, EXO_E_BOTH_LENGTHS);
        }
        if ((r->seen_ & SEEN_CHUNKED) != 0 || r->minor_ == 0 || !exo_http1_name_is(value, "chunked")) {
            return fail_at(r, at, EXO_E_CODING);
        }
        r->seen_ |= SEEN_CHUNKED;
        return EXO_OK;
    case CONNECTION:
        note_connection(r, value);
        return EXO_OK;
    default:
        return EXO_OK;
    }
}

/* The LF behind a header is read. What it says is judged now, and told when the next line does not continue it. */
static int judge_header(exo_http1_response *r)
{
    exo_span line;
    exo_span name;
    exo_span value;
    int result = whole_line(r, &line);

    accept(r, HEADER_END);
    r->seen_ &= (uint8_t)~SEEN_FRAMING;
    if (result != EXO_OK || is_interim(r) || r->trailing_) {
        return result;
    }
    (void)exo_header_split(line, &name, &value); /* its bytes are judged: it is a header */
    return note_header(r, name, value, r->at - (r->length_ - (uint64_t)(value.ptr - line.ptr)));
}

static int tell_header(exo_http1_response *r, exo_http1_event *event)
{
    exo_span line;
    int result = whole_line(r, &line);

    end_line(r);
    if (result != EXO_OK || is_interim(r)) {
        return result;
    }
    (void)exo_header_split(line, &event->name, &event->value);
    return tell(event, r->trailing_ ? EXO_HTTP1_TRAILER : EXO_HTTP1_HEADER);
}

/* The next line begins with a blank: all white space around the line end becomes one space (RFC 9112, 5.2), for which
 * the line has to be carried. Not where it would change how the body is framed, which is how responses get smuggled. */
static int fold_line(exo_http1_response *r)
{
    exo_buffer *carry = r->carry_;
    int result = (r->seen_ & SEEN_FRAMING) != 0 ? EXO_E_OBS_FOLD : exo_buffer_append(carry, fed_part(r));

    if (result != EXO_OK) {
        return result;
    }
    size_t len = carry->len - 1; /* without the LF */
    while (is_blank((unsigned char)carry->data[len - 1]) || carry->data[len - 1] == CR) {
        len--;
    }
    carry->data[len] = SP;
    exo_buffer_truncate(carry, len + 1);
    r->length_ = (uint32_t)carry->len;
    return accept(r, FOLD);
}

static int fold_byte(exo_http1_response *r, unsigned char byte)
{
    if (is_blank(byte)) {
        r->length_--; /* counted, but no part of the line */
        return accept(r, FOLD);
    }
    return text_byte(r, byte, VALUE, HEADER_LF);
}

static enum state await_chunk(exo_http1_response *r)
{
    r->remaining_ = 0;
    r->digits_ = 0;
    return CHUNK_SIZE;
}

/* Where the body begins (RFC 9112, 6.3). */
static enum state await_body(exo_http1_response *r)
{
    if (r->status_ == 204 || r->status_ == 304) {
        return END;
    }
    if ((r->seen_ & SEEN_CHUNKED) != 0) {
        return await_chunk(r);
    }
    if ((r->seen_ & SEEN_LENGTH) != 0) {
        return r->remaining_ > 0 ? BODY_BYTES : END;
    }
    r->remaining_ = UINT64_MAX;
    return CLOSE;
}

/* The empty line ends an interim response, the trailers, or the head. */
static int end_head(exo_http1_response *r, exo_http1_event *event)
{
    r->length_ = 0;
    if (is_interim(r)) {
        return accept(r, STATUS_LINE);
    }
    if (r->trailing_) {
        return accept(r, END);
    }
    accept(r, await_body(r));
    return tell(event, EXO_HTTP1_HEAD_END);
}

/* Fed bytes are body, up to its length or the chunk's size. */
static int tell_body(exo_http1_response *r, exo_http1_event *event)
{
    event->value = r->in_;
    if (event->value.len >= r->remaining_) {
        event->value.len = (size_t)r->remaining_;
        r->state_ = r->state_ == CHUNK_BYTES ? CHUNK_CR : END;
    }
    r->remaining_ -= event->value.len;
    consume(r, event->value.len);
    return tell(event, EXO_HTTP1_BODY);
}

/* Accepts a byte of chunk framing that carries nothing. */
static int accept_overhead(exo_http1_response *r, enum state next)
{
    if (r->overhead_left_ == 0) {
        return EXO_E_CHUNK_LIMIT;
    }
    r->overhead_left_--;
    return accept(r, next);
}

static int chunk_size_byte(exo_http1_response *r, unsigned char byte)
{
    const unsigned char letter = byte | 0x20;

    if (ascii_is_digit(byte) || (letter >= 'a' && letter <= 'f')) {
        bool leading_zero = r->digits_ > 0 && r->remaining_ == 0;
        if (r->digits_ == 16) {
            return EXO_E_CHUNK;
        }
        r->digits_++;
        r->remaining_ = r->remaining_ << 4 | (unsigned)(ascii_is_digit(byte) ? byte - '0' : letter - 'a' + 10);
        return leading_zero ? accept_overhead(r, CHUNK_SIZE) : accept(r, CHUNK_SIZE);
    }
    if (r->digits_ == 0) {
        return EXO_E_CHUNK;
    }
    if (byte == CR) {
        return accept(r, CHUNK_SIZE_LF);
    }
    if (byte == ';') {
        return accept_overhead(r, EXTENSION_START);
    }
    return is_blank(byte) ? accept_overhead(r, CHUNK_SEMICOLON) : EXO_E_CHUNK;
}

/* What a byte is to a chunk extension; the marks are in the order of `marks`. */
enum extension_class {
    IS_BLANK,
    IS_TOKEN,
    IS_TEXT, /* in quotes only, as the others there are */
    IS_SEMICOLON,
    IS_EQUALS,
    IS_QUOTE,
    IS_BACKSLASH,
    IS_CR,
    EXTENSION_CLASSES
};

static enum extension_class classify(unsigned char byte)
{
    static const char marks[] = {';', '=', '"', '\\', CR};
    const char *mark = memchr(marks, byte, sizeof marks);

    if (mark) {
        return (enum extension_class)(IS_SEMICOLON + (mark - marks));
    }
    return is_blank(byte) ? IS_BLANK : is_token(byte) ? IS_TOKEN : is_text(byte) ? IS_TEXT : EXTENSION_CLASSES;
}

/* *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] ) of RFC 9112, 7.1.1, behind the size and its first
 * byte. Where no state stands, the byte is wrong. */
static int extension_byte(exo_http1_response *r, unsigned char byte)
{
    /* clang-format off */
    static const uint8_t next[][EXTENSION_CLASSES] = {
        [CHUNK_SEMICOLON - CHUNK_SEMICOLON] = {
            [IS_BLANK] = CHUNK_SEMICOLON, [IS_SEMICOLON] = EXTENSION_START},
        [EXTENSION_START - CHUNK_SEMICOLON] = {
            [IS_BLANK] = EXTENSION_START, [IS_TOKEN] = EXTENSION_NAME},
        [EXTENSION_NAME - CHUNK_SEMICOLON] = {
            [IS_BLANK] = EXTENSION_EQUALS, [IS_TOKEN] = EXTENSION_NAME, [IS_SEMICOLON] = EXTENSION_START,
            [IS_EQUALS] = EXTENSION_VALUE, [IS_CR] = CHUNK_SIZE_LF},
        [EXTENSION_EQUALS - CHUNK_SEMICOLON] = {
            [IS_BLANK] = EXTENSION_EQUALS, [IS_SEMICOLON] = EXTENSION_START, [IS_EQUALS] = EXTENSION_VALUE},
        [EXTENSION_VALUE - CHUNK_SEMICOLON] = {
            [IS_BLANK] = EXTENSION_VALUE, [IS_TOKEN] = EXTENSION_TOKEN, [IS_QUOTE] = EXTENSION_QUOTED},
        [EXTENSION_TOKEN - CHUNK_SEMICOLON] = {
            [IS_BLANK] = CHUNK_SEMICOLON, [IS_TOKEN] = EXTENSION_TOKEN, [IS_SEMICOLON] = EXTENSION_START,
            [IS_CR] = CHUNK_SIZE_LF},
        [EXTENSION_QUOTED - CHUNK_SEMICOLON] = {
            [IS_BLANK] = EXTENSION_QUOTED, [IS_TOKEN] = EXTENSION_QUOTED, [IS_TEXT] = EXTENSION_QUOTED,
            [IS_SEMICOLON] = EXTENSION_QUOTED, [IS_EQUALS] = EXTENSION_QUOTED, [IS_QUOTE] = EXTENSION_UNQUOTED,
            [IS_BACKSLASH] = EXTENSION_ESCAPE},
        [EXTENSION_ESCAPE - CHUNK_SEMICOLON] = {
            [IS_BLANK] = EXTENSION_QUOTED, [IS_TOKEN] = EXTENSION_QUOTED, [IS_TEXT] = EXTENSION_QUOTED,
            [IS_SEMICOLON] = EXTENSION_QUOTED, [IS_EQUALS] = EXTENSION_QUOTED, [IS_QUOTE] = EXTENSION_QUOTED,
            [IS_BACKSLASH] = EXTENSION_QUOTED},
        [EXTENSION_UNQUOTED - CHUNK_SEMICOLON] = {
            [IS_BLANK] = CHUNK_SEMICOLON, [IS_SEMICOLON] = EXTENSION_START, [IS_CR] = CHUNK_SIZE_LF},
    };
    /* clang-format on */
    const enum extension_class is = classify(byte);
    const uint8_t then = is < EXTENSION_CLASSES ? next[r->state_ - CHUNK_SEMICOLON][is] : 0;

    if (then == 0) {
        return EXO_E_CHUNK;
    }
    return then == CHUNK_SIZE_LF ? accept(r, CHUNK_SIZE_LF) : accept_overhead(r, (enum state)then);
}

static int begin_chunk(exo_http1_response *r)
{
    r->trailing_ = r->remaining_ == 0;
    return accept(r, r->trailing_ ? LINE_START : CHUNK_BYTES);
}

/* No byte is at hand: keeps what is cut, or judges the end that the peer has made. */
static int starve(exo_http1_response *r)
{
    const bool in_line = r->state_ <= EMPTY_LF;

    if (!r->closed_) {
        int result = in_line && r->length_ > 0 ? exo_buffer_append(r->carry_, fed_part(r)) : EXO_OK;
        return result == EXO_OK ? EXO_NEED_DATA : result;
    }
    if (r->state_ == CLOSE) {
        r->state_ = END;
        return EXO_OK;
    }
    if (r->at == 0) {
        return EXO_E_CLOSED;
    }
    return in_line && !r->trailing_ ? EXO_E_HEAD : EXO_E_BODY_CUT;
}

/* The state in which `byte` is judged: a bare LF ends a line of a head as if a CR had come before it (RFC 9112, 2.2),
 * for servers that write no CR. In trailers it is as wrong as in the rest of the chunked coding. */
static enum state state_for(const exo_http1_response *r, unsigned char byte)
{
    const enum state state = (enum state)r->state_;

    if (byte != LF || r->trailing_) {
        return state;
    }
    switch (state) {
    case STATUS_LINE:
        return r->length_ == STATUS_END + 1 ? STATUS_LF : STATUS_LINE;
    case REASON:
        return STATUS_LF;
    case LINE_START:
        return EMPTY_LF;
    case VALUE:
    case FOLD:
        return HEADER_LF;
    default:
        return state;
    }
}

static int step_byte(exo_http1_response *r, exo_http1_event *event, unsigned char byte)
{
    switch (state_for(r, byte)) {
    case STATUS_LINE:
        return status_byte(r, byte);
    case REASON:
        return text_byte(r, byte, REASON, STATUS_LF);
    case STATUS_LF:
        return byte == LF ? tell_status(r, event) : EXO_E_HEAD;
    case LINE_START:
        return line_start(r, byte);
    case NAME:
        return name_byte(r, byte);
    case VALUE:
        return text_byte(r, byte, VALUE, HEADER_LF);
    case HEADER_LF:
        return byte == LF ? judge_header(r) : EXO_E_HEAD;
    case FOLD:
        return fold_byte(r, byte);
    case EMPTY_LF:
        return byte == LF ? end_head(r, event) : EXO_E_HEAD;
    case CHUNK_SIZE:
        return chunk_size_byte(r, byte);
    case CHUNK_SIZE_LF:
        return byte == LF ? begin_chunk(r) : EXO_E_CHUNK;
    case CHUNK_CR:
        return byte == CR ? accept(r, CHUNK_LF) : EXO_E_CHUNK;
    case CHUNK_LF:
        return byte == LF ? accept(r, await_chunk(r)) : EXO_E_CHUNK;
    default:
        return extension_byte(r, byte);
    }
}

/* One byte, or one piece of body. EXO_OK: go on. */
static int step(exo_http1_response *r, exo_http1_event *event)
{
    const bool at_hand = r->in_.len > 0;

    if (r->state_ == HEADER_END && (at_hand || r->closed_)) {
        return at_hand && is_blank((unsigned char)*r->in_.ptr) ? fold_line(r) : tell_header(r, event);
    }
    if (r->state_ < END && !at_hand) {
        return starve(r);
    }
    if (r->state_ <= EMPTY_LF && count_line_byte(r) != EXO_OK) {
        return EXO_E_HEAD_LIMIT;
    }
    if (r->state_ <= CHUNK_LF) {
        const exo_span unread = r->in_;
        consume(r, 1);
        int result = step_byte(r, event, (unsigned char)*unread.ptr);
        if (result < 0) { /* a wrong byte is not consumed */
            r->at--;
            r->in_ = unread;
        }
        return result == EXO_E_HEAD && r->trailing_ ? EXO_E_CHUNK : result; /* trailers are part of the coding */
    }
    if (r->state_ < END) {
        return tell_body(r, event);
    }
    if (r->state_ == NOTHING) {
        return EXO_DONE;
    }
    r->state_ = NOTHING;
    return tell(event, EXO_HTTP1_END);
}

int exo_http1_response_next(exo_http1_response *response, exo_http1_event *event)
{
    int result = response->error_;

    memset(event, 0, sizeof *event);
    while (result == EXO_OK) {
        result = step(response, event);
    }
    if (result < 0) {
        response->error_ = result;
    } else {
        event->status = response->status_;
        event->minor = response->minor_;
    }
    return result;
}
