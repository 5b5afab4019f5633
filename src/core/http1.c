/*
 * http1.c: request head, response head and chunked coding of HTTP/1.1, without a connection.
 *
 * It does not know what a header means beyond what frames the body and ends the connection, and decodes no content. The
 * transports of targets without libcurl call it. A request head needs no memory; a response keeps at most one header
 * line that was cut, in the caller's buffer, and limits.head, limits.headers and limits.chunk_overhead bound what a
 * server can make it read besides the body.
 */
#include "exochat/http1.h"

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

static bool is_digit(unsigned char byte)
{
    return byte >= '0' && byte <= '9';
}

static unsigned char lower(unsigned char byte)
{
    return byte >= 'A' && byte <= 'Z' ? (unsigned char)(byte | 0x20) : byte;
}

static bool same_name(exo_span a, exo_span b)
{
    if (a.len != b.len) {
        return false;
    }
    for (size_t i = 0; i < a.len; i++) {
        if (lower((unsigned char)a.ptr[i]) != lower((unsigned char)b.ptr[i])) {
            return false;
        }
    }
    return true;
}

bool exo_http1_name_is(exo_span name, const char *text)
{
    return same_name(name, exo_span_text(text));
}

/* ---- the request head ---- */

static int check(exo_span text, bool (*allowed)(unsigned char))
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.ptr[i];
        if (byte == CR || byte == LF || byte == 0) {
            return EXO_E_HEADER;
        }
        if (!allowed(byte)) {
            return EXO_E_ARGUMENT;
        }
    }
    return EXO_OK;
}

static int check_filled(exo_span text, bool (*allowed)(unsigned char))
{
    return text.len == 0 ? EXO_E_ARGUMENT : check(text, allowed);
}

static int check_header(const exo_http1_request *request, size_t index)
{
    const exo_http1_header *header = &request->headers[index];
    int result = check_filled(header->name, is_token);
    if (result == EXO_OK) {
        result = check(header->value, is_text);
    }
    if (result != EXO_OK) {
        return result;
    }

    if (exo_http1_name_is(header->name, "host") || exo_http1_name_is(header->name, "content-length") ||
        exo_http1_name_is(header->name, "transfer-encoding")) {
        return EXO_E_DUPLICATE_KEY;
    }
    for (size_t i = 0; i < index; i++) {
        if (same_name(header->name, request->headers[i].name)) {
            return EXO_E_DUPLICATE_KEY;
        }
    }
    return EXO_OK;
}

static int check_request(const exo_http1_request *request)
{
    if ((unsigned)request->framing > EXO_HTTP1_CHUNKED) {
        return EXO_E_ARGUMENT;
    }
    int result = check_filled(request->method, is_token);
    if (result == EXO_OK) {
        result = check_filled(request->target, is_visible);
    }
    if (result == EXO_OK) {
        result = check_filled(request->host, is_visible);
    }
    for (size_t i = 0; i < request->header_count && result == EXO_OK; i++) {
        result = check_header(request, i);
    }
    return result;
}

/* Content-Length in decimal; nothing where another framing announces the body. */
static void write_digits(exo_http1_head *head)
{
    uint64_t number = head->request_->content_length;
    size_t begin = sizeof head->digits_;

    if (head->request_->framing != EXO_HTTP1_LENGTH) {
        return;
    }
    do {
        head->digits_[--begin] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    head->digits_len_ = (uint8_t)(sizeof head->digits_ - begin);
    memmove(head->digits_, head->digits_ + begin, head->digits_len_);
}

int exo_http1_head_init(exo_http1_head *head, const exo_http1_request *request)
{
    memset(head, 0, sizeof *head);
    head->request_ = request;
    write_digits(head);
    head->error_ = check_request(request);
    return head->error_;
}

enum {
    START_PIECES = 5,
    HEADER_PIECES = 4,
    END_PIECES = 3
};

/* The head is a sequence of pieces: the start line with Host, four for each header, and the framing. */
static exo_span piece_of(const exo_http1_head *head)
{
    static const char framing_text[][sizeof "\r\nTransfer-Encoding: chunked"] = {
        [EXO_HTTP1_NO_BODY] = "",
        [EXO_HTTP1_LENGTH] = "\r\nContent-Length: ",
        [EXO_HTTP1_CHUNKED] = "\r\nTransfer-Encoding: chunked",
    };
    const exo_http1_request *request = head->request_;
    size_t piece = head->piece_;

    if (piece < START_PIECES) {
        const exo_span start[START_PIECES] = {request->method, exo_span_text(" "), request->target,
                                              exo_span_text(" HTTP/1.1\r\nHost: "), request->host};
        return start[piece];
    }
    piece -= START_PIECES;
    if (piece / HEADER_PIECES < request->header_count) {
        const exo_http1_header *header = &request->headers[piece / HEADER_PIECES];
        const exo_span line[HEADER_PIECES] = {exo_span_text("\r\n"), header->name, exo_span_text(": "), header->value};
        return line[piece % HEADER_PIECES];
    }
    piece -= HEADER_PIECES * request->header_count;
    const exo_span end[END_PIECES] = {exo_span_text(framing_text[request->framing]),
                                      exo_span_of(head->digits_, head->digits_len_), exo_span_text("\r\n\r\n")};
    return end[piece];
}

int exo_http1_head_write(exo_http1_head *head, exo_window *window)
{
    if (head->error_ != EXO_OK) {
        return head->error_;
    }
    const size_t pieces = START_PIECES + HEADER_PIECES * head->request_->header_count + END_PIECES;

    while (head->piece_ < pieces) {
        exo_span piece = piece_of(head);
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
        head->piece_++;
        head->at_ = 0;
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

/* What the response waits for. The states up to EMPTY_LF read lines of a head or of trailers; those from END on need no
 * bytes. */
enum state {
    STATUS_LINE,
    REASON,
    STATUS_LF,
    LINE_START, /* a name, or the CR of the empty line */
    NAME,
    VALUE,
    HEADER_LF,
    EMPTY_LF,
    BODY_BYTES,
    CLOSE, /* body bytes, until the peer closes */
    CHUNK_SIZE,
    CHUNK_SEMICOLON, /* after white space behind the size */
    CHUNK_EXTENSION,
    CHUNK_SIZE_LF,
    CHUNK_BYTES,
    CHUNK_CR,
    CHUNK_LF,
    END, /* to be told */
    NOTHING
};

enum seen {
    SEEN_LENGTH = 1,
    SEEN_CHUNKED = 2,
    SEEN_CLOSE = 4
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

static int fail_at(exo_http1_response *r, uint64_t at, int error)
{
    r->at = at;
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
    consume(r, 1);
    r->state_ = (uint8_t)next;
    return EXO_OK;
}

static const exo_span no_text = {NULL, 0};

static int tell(const exo_http1_response *r, exo_http1_event *event, exo_http1_event_type type, exo_span name,
                exo_span value)
{
    event->type = type;
    event->status = r->status_;
    event->minor = r->minor_;
    event->name = name;
    event->value = value;
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

/* Ends the line with the LF at hand, and stores it without its CRLF. */
static int end_line(exo_http1_response *r, exo_span *line)
{
    accept(r, LINE_START);
    *line = fed_part(r);
    if (r->carry_->len > 0) {
        int result = exo_buffer_append(r->carry_, *line);
        if (result != EXO_OK) {
            return result;
        }
        *line = exo_buffer_span(r->carry_);
    }
    line->len -= 2;
    r->length_ = 0;
    return EXO_OK;
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
    return is_digit(byte) && r->status_ != 0 && (column != 11 || r->status_ != 101);
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
    int result = end_line(r, &line);

    if (result != EXO_OK || is_interim(r)) {
        return result;
    }
    if (line.len == STATUS_END) {
        return tell(r, event, EXO_HTTP1_STATUS, no_text, no_text);
    }
    exo_span reason = exo_span_of(line.ptr + STATUS_END + 1, line.len - STATUS_END - 1);
    return tell(r, event, EXO_HTTP1_STATUS, no_text, reason);
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
        r->name_len_ = r->length_ - 1;
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

static exo_span trim(exo_span text)
{
    while (text.len > 0 && is_blank((unsigned char)text.ptr[0])) {
        text.ptr++;
        text.len--;
    }
    while (text.len > 0 && is_blank((unsigned char)text.ptr[text.len - 1])) {
        text.len--;
    }
    return text;
}

/* One number of Content-Length, from value[*i] on. */
static bool read_number(exo_span value, size_t *i, uint64_t *number)
{
    const size_t begin = *i;

    *number = 0;
    for (; *i < value.len && is_digit((unsigned char)value.ptr[*i]); ++*i) {
        unsigned digit = (unsigned)(value.ptr[*i] - '0');
        if (*number > UINT64_MAX / 10 || (*number == UINT64_MAX / 10 && digit > UINT64_MAX % 10)) {
            return false;
        }
        *number = *number * 10 + digit;
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
        if (exo_http1_name_is(trim(exo_span_of(value.ptr + begin, i - begin)), "close")) {
            r->seen_ |= SEEN_CLOSE;
        }
        begin = i + 1;
    }
}

/* Heeds what a header says about the body and the connection; `at` is the offset of its value. */
static int note_header(exo_http1_response *r, exo_span name, exo_span value, uint64_t at)
{
    if (exo_http1_name_is(name, "content-length")) {
        if ((r->seen_ & SEEN_CHUNKED) != 0) {
            return fail_at(r, at, EXO_E_BOTH_LENGTHS);
        }
        return note_length(r, value, at);
    }
    if (exo_http1_name_is(name, "transfer-encoding")) {
        if ((r->seen_ & SEEN_LENGTH) != 0) {
            return fail_at(r, at, EXO_E_BOTH_LENGTHS);
        }
        if ((r->seen_ & SEEN_CHUNKED) != 0 || r->minor_ == 0 || !exo_http1_name_is(value, "chunked")) {
            return fail_at(r, at, EXO_E_CODING);
        }
        r->seen_ |= SEEN_CHUNKED;
    }
    if (exo_http1_name_is(name, "connection")) {
        note_connection(r, value);
    }
    return EXO_OK;
}

static int tell_header(exo_http1_response *r, exo_http1_event *event)
{
    exo_span line;
    int result = end_line(r, &line);

    if (result != EXO_OK || is_interim(r)) {
        return result;
    }
    exo_span name = exo_span_of(line.ptr, r->name_len_);
    exo_span value = trim(exo_span_of(line.ptr + r->name_len_ + 1, line.len - r->name_len_ - 1));
    if (r->trailing_) {
        return tell(r, event, EXO_HTTP1_TRAILER, name, value);
    }
    result = note_header(r, name, value, r->at - (uint64_t)(line.ptr + line.len + 2 - value.ptr));
    return result == EXO_OK ? tell(r, event, EXO_HTTP1_HEADER, name, value) : result;
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
    return tell(r, event, EXO_HTTP1_HEAD_END, no_text, no_text);
}

/* All fed bytes are body. */
static int tell_rest(exo_http1_response *r, exo_http1_event *event)
{
    exo_span bytes = r->in_;

    consume(r, bytes.len);
    return tell(r, event, EXO_HTTP1_BODY, no_text, bytes);
}

/* Fed bytes are body up to the length or the chunk's size; behind it comes `next`. */
static int tell_body(exo_http1_response *r, exo_http1_event *event, enum state next)
{
    exo_span bytes = r->in_;

    if (bytes.len >= r->remaining_) {
        bytes.len = (size_t)r->remaining_;
        r->state_ = (uint8_t)next;
    }
    r->remaining_ -= bytes.len;
    consume(r, bytes.len);
    return tell(r, event, EXO_HTTP1_BODY, no_text, bytes);
}

static int tell_end(exo_http1_response *r, exo_http1_event *event)
{
    r->state_ = NOTHING;
    return tell(r, event, EXO_HTTP1_END, no_text, no_text);
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
    const unsigned char letter = lower(byte);

    if (is_digit(byte) || (letter >= 'a' && letter <= 'f')) {
        bool leading_zero = r->digits_ > 0 && r->remaining_ == 0;
        if (r->digits_ == 16) {
            return EXO_E_CHUNK;
        }
        r->digits_++;
        r->remaining_ = r->remaining_ << 4 | (unsigned)(is_digit(byte) ? byte - '0' : letter - 'a' + 10);
        return leading_zero ? accept_overhead(r, CHUNK_SIZE) : accept(r, CHUNK_SIZE);
    }
    if (r->digits_ == 0) {
        return EXO_E_CHUNK;
    }
    if (byte == CR) {
        return accept(r, CHUNK_SIZE_LF);
    }
    if (byte == ';') {
        return accept_overhead(r, CHUNK_EXTENSION);
    }
    return is_blank(byte) ? accept_overhead(r, CHUNK_SEMICOLON) : EXO_E_CHUNK;
}

static int semicolon_byte(exo_http1_response *r, unsigned char byte)
{
    if (byte == ';') {
        return accept_overhead(r, CHUNK_EXTENSION);
    }
    return is_blank(byte) ? accept_overhead(r, CHUNK_SEMICOLON) : EXO_E_CHUNK;
}

static int extension_byte(exo_http1_response *r, unsigned char byte)
{
    if (byte == CR) {
        return accept(r, CHUNK_SIZE_LF);
    }
    return is_text(byte) ? accept_overhead(r, CHUNK_EXTENSION) : EXO_E_CHUNK;
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

/* One byte, or one piece of body. EXO_OK: go on. */
static int step(exo_http1_response *r, exo_http1_event *event)
{
    unsigned char byte = 0;

    if (r->state_ < END) {
        if (r->in_.len == 0) {
            return starve(r);
        }
        byte = (unsigned char)r->in_.ptr[0];
    }
    if (r->state_ <= EMPTY_LF && count_line_byte(r) != EXO_OK) {
        return EXO_E_HEAD_LIMIT;
    }

    switch ((enum state)r->state_) {
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
        return byte == LF ? tell_header(r, event) : EXO_E_HEAD;
    case EMPTY_LF:
        return byte == LF ? end_head(r, event) : EXO_E_HEAD;
    case BODY_BYTES:
        return tell_body(r, event, END);
    case CLOSE:
        return tell_rest(r, event);
    case CHUNK_SIZE:
        return chunk_size_byte(r, byte);
    case CHUNK_SEMICOLON:
        return semicolon_byte(r, byte);
    case CHUNK_EXTENSION:
        return extension_byte(r, byte);
    case CHUNK_SIZE_LF:
        return byte == LF ? begin_chunk(r) : EXO_E_CHUNK;
    case CHUNK_BYTES:
        return tell_body(r, event, CHUNK_CR);
    case CHUNK_CR:
        return byte == CR ? accept(r, CHUNK_LF) : EXO_E_CHUNK;
    case CHUNK_LF:
        return byte == LF ? accept(r, await_chunk(r)) : EXO_E_CHUNK;
    case END:
        return tell_end(r, event);
    case NOTHING:
        break;
    }
    return EXO_DONE;
}

int exo_http1_response_next(exo_http1_response *response, exo_http1_event *event)
{
    int result = response->error_;

    while (result == EXO_OK) {
        result = step(response, event);
    }
    if (result < 0) {
        response->error_ = result;
    }
    return result;
}
