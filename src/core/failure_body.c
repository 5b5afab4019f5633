/*
 * failure_body.c: the body of a failure, in whatever shape → its message, type, code and all that they say.
 *
 * A body is walked token by token, along the paths of `edges`; whatever lies beside them is skipped unread, so an echo
 * of the prompt decides nothing. It draws no conclusions but those of single words; failure.c does. Memory is the
 * reading and the failure; time is linear in the body.
 */
#include "failure_body.h"

#include "ascii.h"
#include "failure_words.h"
#include "json_text.h"
#include "retry_after.h"

/* What a number or string means that an edge leads to. */
enum field {
    NOTHING,
    MESSAGE,
    CAUSE, /* a message that says more than the one before it */
    FLAGGED,
    BASE_CODE,
    BASE_MESSAGE,
    CHOICES,
    TYPE, /* from here on, short enough to be a word */
    CODE,
    STATUS, /* a number: the status; a word: a type for want of a better one */
    WORD,   /* heeded, and not kept */
    REQUEST_ID,
    DELAY,
    QUOTA_ID
};

/* What the next value means, and where it stands if it is an object or a list of objects. */
#define SLOT(field, place) ((uint8_t)((place) << 4 | (field)))

/* The places that an edge begins at. */
#define IN_TOP   (1 << TOP)
#define IN_CHUNK (1 << CHUNK)
#define IN_ERROR (1 << ERROR)
#define IN_META  (1 << META)
#define IN_BASE  (1 << BASE)
#define IN_GROQ  (1 << GROQ)

/* X(in, field, to, keys): from an object at one of the places `in`, each of `keys` leads to a scalar that means
 * `field`, or to an object or a list of objects that stand at `to`; the scalars of such a list mean `field` too. */
/* clang-format off */
#define EDGE_MAP(X) \
    X(IN_TOP | IN_CHUNK | IN_ERROR | IN_GROQ, MESSAGE, ERROR, "error errors fault") \
    X(IN_TOP | IN_ERROR, MESSAGE, ERROR, "message msg detail details violations faultstring") \
    X(IN_TOP | IN_ERROR, TYPE, NOWHERE, "type error_type") \
    X(IN_TOP | IN_ERROR, CODE, NOWHERE, "code errorcode") \
    X(IN_TOP | IN_ERROR, STATUS, NOWHERE, "status status_code statusCode") \
    X(IN_TOP | IN_CHUNK | IN_ERROR, REQUEST_ID, NOWHERE, "request_id") \
    X(IN_TOP | IN_ERROR, NOTHING, META, "metadata innererror") \
    X(IN_TOP | IN_ERROR, QUOTA_ID, NOWHERE, "quotaId") \
    X(IN_TOP | IN_ERROR | IN_META, WORD, NOWHERE, "code reason") \
    X(IN_TOP | IN_ERROR | IN_META, DELAY, NOWHERE, "retryDelay retry_after_seconds") \
    X(IN_META, CAUSE, ERROR, "raw") \
    X(IN_META, FLAGGED, NOWHERE, "flagged_input") \
    X(IN_TOP | IN_CHUNK, NOTHING, BASE, "base_resp") \
    X(IN_BASE, BASE_CODE, NOWHERE, "status_code") \
    X(IN_BASE, BASE_MESSAGE, NOWHERE, "status_msg") \
    X(IN_TOP | IN_CHUNK, NOTHING, GROQ, "x_groq") \
    X(IN_GROQ, REQUEST_ID, NOWHERE, "id") \
    X(IN_TOP, CHOICES, NOWHERE, "choices")
/* clang-format on */

static const struct edge {
    uint8_t in;
    uint8_t slot;
} edges[] = {
#define EXO_X(in, field, to, keys) {in, SLOT(field, to)},
    EDGE_MAP(EXO_X)
#undef EXO_X
};

static const char edge_keys[] =
#define EXO_X(in, field, to, keys) keys "\0"
    EDGE_MAP(EXO_X)
#undef EXO_X
    ;

/* The longest key of them fits. */
#define KEY_MAX 32

/* What base_resp.status_code means: a status, or 0 for a content filter. */
static const uint16_t minimax_codes[][2] = {
    {1000, 500}, {1001, 408}, {1002, 429}, {1004, 401}, {1008, 402}, {1024, 500}, {1026, 0},
    {1027, 0},   {1033, 500}, {1039, 429}, {2013, 400}, {2049, 401}, {2056, 402},
};

/* The room for a word, enough for the longest of the fields. */
#define WORD_MAX sizeof(((exo_failure *)0)->request_id)

/* How far behind the message of a failure what is nested in it is unfolded: as what is said of it goes to the message,
 * it never catches up with what is still to be read, for there are two bytes more between two messages in JSON than in
 * the message. */
#define UNFOLD_AT 8

static void body_consume(exo_span *text, size_t len)
{
    text->ptr += len;
    text->len -= len;
}

bool exo_failure_put(char *dst, size_t size, exo_span text)
{
    size_t len = strlen(dst);
    while (text.len > 0) {
        const char *from = text.ptr;
        const uint8_t byte = (uint8_t)*from;
        int give = byte < 0x80 ? 1 : exo_utf8_check(from, text.len);
        size_t take = give > 0 ? (size_t)give : give == 0 ? text.len : (size_t)-give;
        if (give <= 0) {
            from = JSON_REPLACEMENT;
            give = 3;
        } else if (byte < ' ' || byte == 0x7F || (byte == 0xC2 && (uint8_t)from[1] < 0xA0)) {
            from = " ";
            give = 1;
        }
        if ((size_t)give > size - 1 - len) {
            break;
        }
        memcpy(dst + len, from, (size_t)give);
        len += (size_t)give;
        body_consume(&text, take);
    }
    dst[len] = '\0';
    return text.len == 0;
}

/* Puts what stands between quotation marks in JSON, or, if `plain`, any text. */
static bool body_put_decoded(char *dst, size_t size, const exo_span *text, bool plain)
{
    char scratch[EXO_JSON_SCRATCH];
    exo_json_decoder decoder;
    exo_span fragment;
    bool last;
    bool whole = true;
    exo_json_decoder_init_as(&decoder, *text, plain);
    while (whole && exo_json_decode(&decoder, scratch, &fragment, &last) == EXO_EVENT) {
        whole = exo_failure_put(dst, size, fragment);
    }
    return whole;
}

/* Adds text to the message, from between quotation marks in JSON if `escaped`, unless the message says it already. */
static void body_say(struct reading *reading, const exo_span *text, bool escaped)
{
    exo_failure *failure = reading->failure;
    reading->found = reading->said = true;
    if (!failure || failure->cut) {
        return;
    }
    char *message = failure->message;
    const size_t size = sizeof failure->message;
    const size_t old = strlen(message);
    if (old > 0) {
        exo_failure_put(message, size, exo_span_of(reading->cause ? ": " : "; ", 2));
    }
    const size_t begin = strlen(message);
    failure->cut = !body_put_decoded(message, size, text, !escaped);
    size_t end = strlen(message);
    while (end > begin && message[end - 1] == ' ') {
        end--;
    }
    message[end] = '\0';
    const char first = message[old];
    message[old] = '\0';
    if (old == 0 || !exo_failure_contains(message, message + begin)) {
        message[old] = first;
    } else if (end > begin) {
        failure->cut = false;
    }
}

void exo_failure_set_delay(exo_failure *failure, uint8_t rank, int64_t delay)
{
    if (delay >= 0 && rank >= failure->delay_rank_) {
        failure->retry_after = delay < DELAY_MAX ? delay : DELAY_MAX;
        failure->delay_rank_ = rank;
    }
}

void exo_failure_set_id(exo_failure *failure, uint8_t rank, exo_span id)
{
    failure->id_rank_ = rank;
    failure->request_id[0] = '\0';
    exo_failure_put(failure->request_id, sizeof failure->request_id, id);
}

/* Draws the conclusions from a code, a type or a reason, which ends with NUL. At the top of a body, numbers are not
 * z.ai's. */
static void body_heed(struct reading *reading, const exo_span *word, uint8_t place, uint8_t rank)
{
    const int64_t number = exo_decimal(word, 1);
    if (number >= 400 && number <= 599 && rank > reading->number_rank) {
        reading->number = (uint16_t)number;
        reading->number_rank = rank;
        reading->found = true;
    }
    const struct meaning *meaning = exo_failure_meaning(word->ptr);
    if (meaning && !(ascii_is_digit(word->ptr[0]) && place == TOP)) {
        uint16_t *status = &reading->word[meaning->sure];
        *status = *status ? *status : meaning->status;
        reading->signs |= meaning->sign;
        reading->found = true;
    }
}

/* Keeps a code or a type, if none of higher rank is there. */
static void body_keep(struct reading *reading, uint8_t field, const exo_span *word, uint8_t rank)
{
    uint8_t *known = &reading->word_rank[field == CODE];
    if (rank <= *known) {
        return;
    }
    *known = rank;
    if (reading->failure) {
        char *dst = field == CODE ? reading->failure->provider_code : reading->failure->type;
        *dst = '\0';
        exo_failure_put(dst, sizeof reading->failure->type, *word);
    }
}

/* A message. One that may be JSON itself is put off until the walk is over, so that only one walk is under way; of
 * several the cause is kept. */
static void body_take_message(struct reading *reading, uint8_t field, const exo_json_token *token)
{
    exo_span text = token->text;
    reading->found |= token->type == EXO_JSON_TRUE;
    if (token->type != EXO_JSON_STRING || text.len == 0) {
        return;
    }
    if (!reading->inside) {
        reading->cause = field == CAUSE;
    }
    if (reading->inside || (text.ptr[0] != '{' && text.ptr[0] != '[')) {
        body_say(reading, &text, true);
    } else if (reading->nested.text.len == 0 || reading->cause) {
        reading->nested = *token;
        reading->nested_is_cause = reading->cause;
        reading->found = true;
    }
}

/* A string or number that is short enough to be a word. */
static void body_take_word(struct reading *reading, uint8_t place, uint8_t field, const exo_json_token *token)
{
    char text[WORD_MAX];
    exo_span word = exo_span_of(text, exo_json_copy(token, text, sizeof text));
    uint8_t rank = (uint8_t)((place == TOP ? 2 : 4) + reading->inside - (field == STATUS));
    if (token->type == EXO_JSON_NUMBER) {
        exo_failure_put(text, sizeof text, token->text);
        word.len = strlen(text);
    }
    if (word.len == 0) {
        return;
    }
    switch (field) {
    case REQUEST_ID:
        if (reading->failure && reading->failure->id_rank_ <= BODY_ID_RANK) {
            exo_failure_set_id(reading->failure, BODY_ID_RANK, word);
        }
        break;
    case DELAY:
        if (reading->failure) {
            exo_failure_set_delay(reading->failure, BODY_DELAY_RANK, exo_duration(word));
        }
        break;
    case QUOTA_ID:
        reading->signs |= exo_failure_contains(text, "PerDay") ? QUOTA : 0;
        break;
    default:
        body_heed(reading, &word, place, rank);
        if (field == CODE || field == TYPE || (field == STATUS && token->type == EXO_JSON_STRING)) {
            reading->found |= place != TOP;
            body_keep(reading, field, &word, rank);
        }
        break;
    }
}

static void body_take(struct reading *reading, uint8_t place, uint8_t field, const exo_json_token *token)
{
    if (token->type == EXO_JSON_NULL || token->type == EXO_JSON_FALSE) {
        return;
    }
    switch (field) {
    case NOTHING:
        break;
    case MESSAGE:
    case CAUSE:
        body_take_message(reading, field, token);
        break;
    case FLAGGED:
        reading->signs |= FILTER;
        break;
    case BASE_CODE:
        reading->base_code = token->type == EXO_JSON_NUMBER ? (uint32_t)exo_decimal(&token->text, 1) : 0;
        break;
    case BASE_MESSAGE:
        reading->base_message = token->text;
        break;
    default:
        body_take_word(reading, place, field, token);
        break;
    }
}

/* What a key leads to. */
static uint8_t body_follow(uint8_t place, const exo_json_token *key)
{
    char word[KEY_MAX];
    const exo_span name = exo_span_of(word, exo_json_copy(key, word, sizeof word));
    const char *keys = edge_keys;
    for (const struct edge *edge = edges; *keys; edge++, keys = exo_ascii_string(keys, 1)) {
        if ((edge->in >> place & 1) && exo_ascii_word_index(keys, &name) >= 0) {
            return edge->slot;
        }
    }
    return SLOT(NOTHING, NOWHERE);
}

/* A body may have been cut inside the message: what there is of the string that begins in `rest` is taken all the same,
 * but for an escape near its end, which may not be whole. */
static void body_take_rest(struct reading *reading, uint8_t field, const exo_span *text)
{
    exo_span rest = *text;
    exo_ascii_trim(&rest);
    exo_ascii_skip(&rest, ",");
    exo_ascii_trim(&rest);
    if ((field == MESSAGE || field == CAUSE) && exo_ascii_skip(&rest, "\"")) {
        size_t at = rest.len;
        for (int back = 5; back > 0 && at > 0; back--) {
            if (rest.ptr[--at] == '\\') {
                rest.len = at;
                break;
            }
        }
        const exo_json_token token = {EXO_JSON_STRING, false, rest, rest};
        body_take_message(reading, field, &token);
    }
}

/* Walks over a JSON text whose outermost object stands at `start`, as far as it can be read. */
static void body_walk(struct reading *reading, const exo_span *text, uint8_t start)
{
    uint8_t next = SLOT(MESSAGE, start);
    uint8_t levels[EXO_JSON_DEPTH_MAX + 1] = {next};
    uint8_t *level = levels;
    uint8_t place = start;
    exo_json_reader reader;
    exo_json_token token;
    exo_json_reader_init(&reader, *text, EXO_JSON_DEPTH_MAX, true);
    for (;;) {
        size_t before = reader.at;
        int status = exo_json_next(&reader, &token);
        if (status != EXO_EVENT) {
            const exo_span rest = {text->ptr + before, reader.at - before};
            body_take_rest(reading, next & 15, &rest);
            return;
        }
        switch (token.type) {
        case EXO_JSON_KEY:
            place = *level >> 4;
            next = body_follow(place, &token);
            reading->choices |= next == SLOT(CHOICES, NOWHERE);
            break;
        case EXO_JSON_ARRAY:
            *++level = next;
            break;
        case EXO_JSON_OBJECT:
            next &= 0xF0;
            *++level = next;
            break;
        case EXO_JSON_ARRAY_END:
        case EXO_JSON_OBJECT_END:
            next = *--level;
            break;
        default:
            body_take(reading, place, next & 15, &token);
            next = *level;
            break;
        }
    }
}

/* Looks into a message or cause that seems to be JSON, as far as the rest of the message's field holds it. What says
 * nothing in this way was text. */
static void body_walk_nested(struct reading *reading)
{
    exo_failure *failure = reading->failure;
    const size_t at = strlen(failure->message) + UNFOLD_AT;
    if (at < sizeof failure->message) {
        char *room = failure->message + at;
        const exo_span nested = {room, exo_json_copy(&reading->nested, room, sizeof failure->message - at)};
        reading->inside = INSIDE;
        reading->cause = reading->nested_is_cause;
        reading->said = false;
        body_walk(reading, &nested, TOP);
        if (!reading->said) {
            body_say(reading, &reading->nested.text, true);
        }
    }
}

/* Takes off `text` what stands before the first of two bytes, and that byte; stores what stands before it. */
static void body_take_until(exo_span *text, char one, char other, exo_span *taken)
{
    const char *const begin = text->ptr;
    size_t len = 0;
    while (len < text->len && begin[len] != one && begin[len] != other) {
        len++;
    }
    body_consume(text, len + (len < text->len));
    *taken = exo_span_of(begin, len);
}

/* Takes the first line off `text`; CR and LF together end two. */
static void body_take_line(exo_span *text, exo_span *line)
{
    body_take_until(text, '\n', '\r', line);
}

/* Makes of an HTML page the text of its title, or what to say of one without. */
static void body_cut_to_title(exo_span *page)
{
    static const char untitled[] = "HTML page";
    while (page->len > 0 && !exo_ascii_skip(page, "<title")) {
        body_consume(page, 1);
    }
    exo_span title;
    body_take_until(page, '>', '>', &title);
    body_take_until(page, '<', '<', &title);
    *page = title;
    exo_ascii_trim(page);
    if (page->len == 0) {
        *page = exo_span_of(untitled, sizeof untitled - 1);
    }
}

/* Takes MiniMax's own code for what it means. */
static void body_heed_base_code(struct reading *reading)
{
    if (reading->base_code == 0) {
        return;
    }
    reading->found = true;
    for (size_t i = 0; i < sizeof minimax_codes / sizeof *minimax_codes; i++) {
        if (minimax_codes[i][0] == reading->base_code) {
            reading->number = minimax_codes[i][1];
            reading->signs |= reading->number ? 0 : FILTER;
        }
    }
    if (reading->base_message.len > 0) {
        body_say(reading, &reading->base_message, true);
    }
}

static bool body_is_json(const exo_span *text)
{
    return exo_json_check(*text, EXO_JSON_DEPTH_MAX, NULL) == EXO_OK;
}

/* Lines that are no JSON together are read as the last of them that is an object: an event was cut, and what was wrong
 * came behind it. */
static void body_choose_line(const exo_span *text, exo_span *chosen)
{
    exo_span rest = *text;
    *chosen = *text;
    if (!body_is_json(text)) {
        while (rest.len > 0) {
            exo_span line;
            body_take_line(&rest, &line);
            if (line.len > 0 && line.ptr[0] == '{' && body_is_json(&line)) {
                *chosen = line;
            }
        }
    }
}

/* JSON of any shape. */
static void body_read_json(struct reading *reading, const exo_span *json)
{
    reading->nested.text.len = 0;
    reading->base_code = 0;
    reading->inside = 0;
    body_walk(reading, json, reading->start);
    if (reading->nested.text.len > 0 && reading->failure) {
        body_walk_nested(reading);
    }
    body_heed_base_code(reading);
}

/* JSON or text. What is JSON but no object, list or string says nothing. */
static void body_read_value(struct reading *reading, const exo_span *text)
{
    exo_span value;
    body_choose_line(text, &value);
    if (*value.ptr == '{' || *value.ptr == '[' || *value.ptr == '"') {
        body_read_json(reading, &value);
        reading->opaque = *text;
    } else if (!body_is_json(text)) {
        body_say(reading, text, false);
    }
}

/* Reads a body that is an event stream as its lines of data. False: it is none. */
static bool body_read_events(struct reading *reading, const exo_span *body)
{
    exo_span rest = *body;
    bool any = false;
    while (rest.len > 0) {
        exo_span line;
        body_take_line(&rest, &line);
        if (exo_ascii_skip(&line, "data:")) {
            any = true;
            exo_ascii_trim(&line);
            if (line.len > 0 && exo_ascii_word_index("[DONE]", &line) < 0) {
                body_read_value(reading, &line);
            }
        }
    }
    return any;
}

void exo_failure_read(struct reading *reading, exo_span body)
{
    exo_ascii_skip(&body, "\xEF\xBB\xBF");
    exo_ascii_trim(&body);
    if (body.len == 0) {
        return;
    }
    if (body.ptr[0] == '<') {
        reading->page = true;
        body_cut_to_title(&body);
        body_say(reading, &body, false);
    } else if (!body_read_events(reading, &body)) {
        body_read_value(reading, &body);
    }
    if (!reading->found && reading->failure) {
        body_say(reading, &reading->opaque, false);
    }
}
