/*
 * chunk.c: the JSON of one event → deltas, in every dialect that servers speak.
 *
 * It keeps nothing from one event to the next but the place of the think filter; answer.c puts the deltas together, and
 * failure.c reads the errors. Called by whoever pulls events out of sse.c, or holds a whole JSON body. Its memory is
 * the object: the places of the members that are needed, and a scratch for what must be decoded. Each byte of an event
 * is read to validate it, and once more for each list or object of the dialect that it lies in, to find members that
 * are not known where there are any, and to decode it: a fixed number of times, however the event is nested.
 */
#include "exochat/chunk.h"

/* What is handed out next. Each step leads to the one below it, unless it says otherwise. */
enum step {
    STEP_MALFORMED,
    STEP_HELD_LAST,
    STEP_END,
    STEP_ERROR,
    STEP_ID,
    STEP_MODEL,
    STEP_CHOICE,
    STEP_REASONING,
    STEP_REASONING_DETAILS,
    STEP_CONTENT,
    STEP_REFUSAL,
    STEP_CALL,
    STEP_ARGUMENTS,
    STEP_CALL_EXTRA,
    STEP_CALL_MEMBER,
    STEP_FUNCTION_MEMBER,
    STEP_AUDIO,
    STEP_MEMBER,
    STEP_LOGPROBS,
    STEP_HELD,
    STEP_FINISH,
    STEP_USAGE
};

/*
 * Lists of members to look for: names, each ended by NUL, and an empty one at the end. A name that begins with a dot is
 * a member of the listed object before it. The enum beside a list numbers its names.
 */
static const char top_names[] = "id\0model\0choices\0usage\0error\0object\0detail\0fault\0errors\0"
                                "x_groq\0.usage\0base_resp\0.status_code\0";
enum {
    TOP_ID,
    TOP_MODEL,
    TOP_CHOICES,
    TOP_USAGE, /* the last that is needed after the event was begun */
    TOP_ERROR,
    TOP_OBJECT,
    TOP_DETAIL,
    TOP_FAULT,
    TOP_ERRORS,
    TOP_GROQ,
    TOP_GROQ_USAGE,
    TOP_BASE,
    TOP_BASE_STATUS,
    TOP_COUNT
};
_Static_assert(EXO_CHUNK_TOP_ == TOP_USAGE + 1, "the members of the event that are kept");

/* The role is looked at, and the names of a call's type are known, so that they are not kept as unknown. */
#define CHOICE_NAMES "index\0message\0logprobs\0finish_reason\0usage\0text\0error\0delta\0"
#define DELTA_NAMES \
    ".reasoning_content\0.reasoning\0.reasoning_text\0.reasoning_details\0.content\0.refusal\0.tool_calls\0" \
    ".function_call\0.audio\0.role\0"
static const char choice_names[] = CHOICE_NAMES DELTA_NAMES;
enum {
    CHOICE_INDEX,
    CHOICE_MESSAGE,
    CHOICE_LOGPROBS,
    CHOICE_FINISH,
    CHOICE_USAGE,
    CHOICE_TEXT,
    CHOICE_ERROR,
    CHOICE_DELTA,
    DELTA_REASONING, /* the first of its three names; its details stand behind them */
    DELTA_REASONING_DETAILS = DELTA_REASONING + 3,
    DELTA_CONTENT,
    DELTA_REFUSAL,
    DELTA_TOOL_CALLS,
    DELTA_FUNCTION_CALL,
    DELTA_AUDIO,
    DELTA_ROLE,
    CHOICE_COUNT
};
_Static_assert(EXO_CHUNK_MEMBERS_ == CHOICE_COUNT, "the members of a choice");

#define CALL_NAMES "index\0id\0type\0extra_content\0function\0"
static const char call_names[] = CALL_NAMES ".name\0.arguments\0";
enum {
    CALL_INDEX,
    CALL_ID,
    CALL_TYPE,
    CALL_EXTRA,
    CALL_FUNCTION,
    FUNCTION_NAME,
    FUNCTION_ARGUMENTS,
    CALL_COUNT
};
_Static_assert(EXO_CHUNK_CALL_ == CALL_COUNT, "the members of a tool call");

/* The dotted part of a list of names. */
static const char *const delta_names = choice_names + sizeof CHOICE_NAMES - 1;
static const char *const function_names = call_names + sizeof CALL_NAMES - 1;

/* What a part, or any object in the place of a text, says stands in the first of these that says something. */
static const char part_names[] = "text\0content\0summary\0thinking\0type\0";
enum {
    PART_TEXT,
    PART_CONTENT,
    PART_SUMMARY,
    PART_THINKING,
    PART_TYPE,
    PART_COUNT
};

static const char usage_names[] = "prompt_tokens\0completion_tokens\0total_tokens\0"
                                  "prompt_tokens_details\0.cached_tokens\0"
                                  "prompt_cache_hit_tokens\0cached_tokens\0cache_read_input_tokens\0"
                                  "completion_tokens_details\0.reasoning_tokens\0reasoning_tokens\0";
enum {
    USAGE_PROMPT,
    USAGE_COMPLETION,
    USAGE_TOTAL,
    USAGE_PROMPT_DETAILS,
    USAGE_CACHED, /* the first of its four places */
    USAGE_COMPLETION_DETAILS = USAGE_CACHED + 4,
    USAGE_REASONING, /* the first of its two */
    USAGE_COUNT = USAGE_REASONING + 2
};

static const exo_chunk_place nowhere = {0, 0};

static const char white_space[] = " \t\r\n";

static exo_span skip_space(exo_span text)
{
    while (text.len > 0 && memchr(white_space, *text.ptr, sizeof white_space - 1)) {
        text.ptr++;
        text.len--;
    }
    return text;
}

static exo_chunk_place place_of(const exo_chunk *chunk, exo_span raw)
{
    exo_chunk_place place;
    place.at_ = (uint32_t)(raw.ptr - chunk->data_.ptr);
    place.len_ = (uint32_t)raw.len;
    return place;
}

static exo_span text_at(const exo_chunk *chunk, exo_chunk_place place)
{
    return exo_span_of(chunk->data_.ptr + place.at_, place.len_);
}

/* The first byte of a value, which tells its type; 0 where there is none. */
static char kind_at(const exo_chunk *chunk, exo_chunk_place place)
{
    return place.len_ > 0 ? chunk->data_.ptr[place.at_] : '\0';
}

static bool is_object(const exo_chunk *chunk, exo_chunk_place place)
{
    return kind_at(chunk, place) == '{';
}

/* A string that is not empty. */
static bool has_text(const exo_chunk *chunk, exo_chunk_place place)
{
    return kind_at(chunk, place) == '"' && place.len_ > 2;
}

/* A reader of what stands in the event. Its depth bounds what this file looks into, not what is passed over. */
static void begin_reader(exo_json_reader *reader, exo_span text)
{
    exo_json_reader_init(reader, text, EXO_JSON_DEPTH_MAX, true);
    exo_json_reader_tolerate(reader);
}

static exo_json_token token_at(const exo_chunk *chunk, exo_chunk_place place)
{
    exo_json_reader reader;
    exo_json_token token;
    memset(&token, 0, sizeof token);
    begin_reader(&reader, text_at(chunk, place));
    exo_json_next(&reader, &token);
    return token;
}

static bool string_is(const exo_chunk *chunk, exo_chunk_place place, const char *literal)
{
    exo_json_token token = token_at(chunk, place);
    return exo_json_is(&token, literal);
}

/* The name in the list that `key` is, and its number in `*number`; NULL where it is none of them. */
static const char *find_name(const char *names, bool nested, const exo_json_token *key, size_t *number)
{
    char decoded[32]; /* longer than every name, so a key that is cut matches none */
    exo_span text = key->text;
    if (!key->plain) {
        text = exo_span_of(decoded, exo_json_copy(key, decoded, sizeof decoded));
    }
    for (*number = 0; *names != '\0'; ++*number) {
        size_t len = strlen(names);
        bool dotted = *names == '.';
        if (dotted == nested && exo_span_equal(text, exo_span_of(names + dotted, len - dotted))) {
            return names;
        }
        if (nested && !dotted) {
            break;
        }
        names += len + 1;
    }
    return NULL;
}

/* Moves into the next value if it is an object. */
static bool enter_object(exo_json_reader *reader, exo_json_token *token)
{
    exo_json_reader ahead = *reader;
    if (exo_json_next(&ahead, token) != EXO_EVENT || token->type != EXO_JSON_OBJECT) {
        return false;
    }
    *reader = ahead;
    return true;
}

/* Reads an object from behind its bracket to its end, and notes where the listed members stand; of duplicates the last
 * counts. Objects whose members are listed too are read on the way. `nested`: the list is the dotted part of one, so
 * this calls itself once at most. EXO_OK or the reader's error. */
static int read_members(exo_chunk *chunk, exo_json_reader *reader, const char *names, bool nested,
                        exo_chunk_place *found)
{
    exo_json_token token;
    int rc;
    while ((rc = exo_json_next(reader, &token)) == EXO_EVENT && token.type == EXO_JSON_KEY) {
        size_t number;
        const char *name = find_name(names, nested, &token, &number);
        chunk->strange_[nested] = chunk->strange_[nested] || !name;
        const char *inner = name && !nested ? name + strlen(name) + 1 : "";
        exo_span raw;
        exo_chunk_place *members = name ? found + number + 1 : found;
        size_t count = 0;
        for (const char *at = inner; *at == '.'; at += strlen(at) + 1) {
            members[count++] = nowhere;
        }
        if (count > 0 && enter_object(reader, &token)) {
            raw = token.raw;
            rc = read_members(chunk, reader, inner, true, members);
            raw.len = (size_t)(reader->in_.ptr + reader->at - raw.ptr);
        } else {
            rc = exo_json_skip(reader, &raw);
        }
        if (rc != EXO_OK) {
            return rc;
        }
        if (name) {
            found[number] = place_of(chunk, raw);
        }
    }
    return rc == EXO_EVENT ? EXO_OK : rc;
}

/* Reads the members of an object; of any other value, nothing. */
static void read_object(exo_chunk *chunk, exo_chunk_place place, const char *names, bool nested, exo_chunk_place *found)
{
    exo_json_reader reader;
    exo_json_token token;
    begin_reader(&reader, text_at(chunk, place));
    if (enter_object(&reader, &token)) {
        read_members(chunk, &reader, names, nested, found);
    }
}

/* The inside of a list or an object, to be walked; nothing for any other value. */
static exo_chunk_place inside(const exo_chunk *chunk, exo_chunk_place place, char bracket)
{
    if (kind_at(chunk, place) != bracket) {
        return nowhere;
    }
    place.at_++;
    place.len_--;
    return place;
}

/* Moves a list, or the inside of an object, to its next value or key. */
static void pass_separators(const exo_chunk *chunk, exo_chunk_place *list)
{
    while (list->len_ > 0 && memchr(" \t\r\n,:", kind_at(chunk, *list), 6)) {
        list->at_++;
        list->len_--;
    }
}

static void pass(exo_chunk_place *list, size_t bytes)
{
    list->at_ += (uint32_t)bytes;
    list->len_ -= (uint32_t)bytes;
}

/* Moves `list` behind its next value, and stores where that stands; an object is a list of keys and values. False: the
 * list is over. */
static bool next_value(const exo_chunk *chunk, exo_chunk_place *list, exo_chunk_place *value)
{
    exo_json_reader reader;
    exo_span raw;
    pass_separators(chunk, list);
    begin_reader(&reader, text_at(chunk, *list));
    if (exo_json_skip(&reader, &raw) != EXO_OK) {
        return false;
    }
    *value = place_of(chunk, raw);
    pass(list, reader.at);
    return true;
}

/* Moves `list` behind its next object, whose place goes to object_, and reads that one's members into `found`, `count`
 * places; other values are passed over. False: the list is over. */
static bool next_object(exo_chunk *chunk, exo_chunk_place *list, const char *names, exo_chunk_place *found,
                        size_t count)
{
    exo_json_reader reader;
    exo_json_token token;
    bool object;
    memset(found, 0, count * sizeof *found);
    memset(chunk->strange_, 0, sizeof chunk->strange_);
    do {
        pass_separators(chunk, list);
        begin_reader(&reader, text_at(chunk, *list));
        object = enter_object(&reader, &token);
        int rc = object ? read_members(chunk, &reader, names, false, found) : exo_json_skip(&reader, NULL);
        if (rc != EXO_OK) {
            return false;
        }
        chunk->object_ = *list;
        chunk->object_.len_ = (uint32_t)reader.at;
        pass(list, reader.at);
    } while (!object);
    return true;
}

void exo_chunk_init(exo_chunk *chunk, const exo_limits *limits)
{
    memset(chunk, 0, sizeof *chunk);
    chunk->limit_ = limits->event;
    chunk->step_ = STEP_END;
}

void exo_chunk_think_tags(exo_chunk *chunk, bool on)
{
    exo_think_init(&chunk->think_, on);
}

/* Whether a member has anything to say: null, false, "" and [] have not. */
static bool speaks(const exo_chunk *chunk, exo_chunk_place place)
{
    switch (kind_at(chunk, place)) {
    case '\0':
    case 'n':
    case 'f':
        return false;
    case '"':
    case '[':
        return place.len_ > 2;
    default:
        return true;
    }
}

static bool reports_error(const exo_chunk *chunk, const exo_chunk_place *top)
{
    uint64_t status = 0;
    exo_json_token token = token_at(chunk, top[TOP_BASE_STATUS]);
    if (speaks(chunk, top[TOP_ERROR]) || string_is(chunk, top[TOP_OBJECT], "error")) {
        return true;
    }
    if (exo_json_uint64(&token, &status) == EXO_OK && status != 0) {
        return true;
    }
    return kind_at(chunk, top[TOP_CHOICES]) != '[' &&
           (speaks(chunk, top[TOP_DETAIL]) || speaks(chunk, top[TOP_FAULT]) || speaks(chunk, top[TOP_ERRORS]));
}

/* Whether an object in the list that the event is reports an error (Gemini). */
static bool list_reports_error(exo_chunk *chunk)
{
    exo_chunk_place top[TOP_COUNT];
    exo_chunk_place list = inside(chunk, place_of(chunk, skip_space(chunk->data_)), '[');
    while (next_object(chunk, &list, top_names, top, TOP_COUNT)) {
        if (reports_error(chunk, top)) {
            return true;
        }
    }
    return false;
}

/* Reads the event for the first time: whether all of it is JSON, and where the members of the object stand. EXO_OK, or
 * what is wrong with it, and where in number_. */
static int validate(exo_chunk *chunk, exo_chunk_place *top)
{
    exo_json_reader reader;
    exo_json_token token;
    begin_reader(&reader, chunk->data_);
    bool object = enter_object(&reader, &token);
    int rc = object ? read_members(chunk, &reader, top_names, false, top) : exo_json_skip(&reader, NULL);
    if (rc == EXO_OK) {
        rc = exo_json_next(&reader, &token);
    }
    chunk->number_ = reader.at;
    if (rc == EXO_OK && !object) {
        chunk->number_ = 0;
        chunk->error_ = list_reports_error(chunk);
        rc = chunk->error_ ? EXO_OK : EXO_E_MALFORMED;
    }
    return rc;
}

/* Whether what is no JSON object began as if it were to become JSON: then something was lost with it. */
static bool begins_like_json(exo_span data)
{
    data = skip_space(data);
    if (data.len > 0 && *data.ptr == '[') {
        data = skip_space(exo_span_of(data.ptr + 1, data.len - 1));
        return data.len > 0 && memchr("{[\"-0123456789tfn]", *data.ptr, 18);
    }
    return data.len > 0 && *data.ptr == '{';
}

void exo_chunk_begin(exo_chunk *chunk, exo_span data, bool error)
{
    exo_chunk_place top[TOP_COUNT];
    memset(top, 0, sizeof top);
    chunk->data_ = data.len > 0 ? data : exo_span_text("");
    chunk->usage_ = nowhere;
    chunk->choice_ = 0;
    chunk->whole_ = false;
    chunk->decoding_ = false;
    chunk->lists_len_ = 0;
    chunk->error_ = error;
    chunk->code_ = EXO_OK;
    if (data.len > chunk->limit_) {
        chunk->code_ = EXO_E_EVENT_LIMIT;
        chunk->number_ = chunk->limit_;
    } else if (!error) {
        chunk->code_ = validate(chunk, top);
        chunk->error_ = chunk->error_ || reports_error(chunk, top);
    }
    if (!is_object(chunk, top[TOP_USAGE])) {
        top[TOP_USAGE] = top[TOP_GROQ_USAGE];
    }
    chunk->step_ = chunk->code_ == EXO_OK ? STEP_ERROR : STEP_MALFORMED;
    chunk->choices_ = inside(chunk, top[TOP_CHOICES], '[');
    memcpy(chunk->top_, top, sizeof chunk->top_);
}

void exo_chunk_end(exo_chunk *chunk)
{
    exo_chunk_begin(chunk, exo_span_of(NULL, 0), true);
    chunk->step_ = STEP_HELD_LAST;
}

bool exo_chunk_is_progress(const exo_chunk *chunk)
{
    return chunk->code_ == EXO_OK && (chunk->error_ || kind_at(chunk, chunk->top_[TOP_CHOICES]) == '[' ||
                                      is_object(chunk, chunk->top_[TOP_USAGE]));
}

/* What stands between the quotation marks of a string; the empty text for any other value. */
static exo_span string_at(const exo_chunk *chunk, exo_chunk_place place)
{
    return has_text(chunk, place) ? token_at(chunk, place).text : exo_span_of(NULL, 0);
}

static bool store_string(const exo_chunk *chunk, exo_delta *delta, exo_delta_type type, exo_chunk_place place)
{
    delta->type = type;
    delta->text = string_at(chunk, place);
    return delta->text.len > 0;
}

/* An object or a list, as it stands in the event. */
static bool store_raw(const exo_chunk *chunk, exo_delta *delta, exo_delta_type type, exo_chunk_place place)
{
    char kind = kind_at(chunk, place);
    delta->type = type;
    delta->text = text_at(chunk, place);
    return (kind == '{' || kind == '[') && place.len_ > 2;
}

/* Whether a member that is not known is kept: a text, a list, or an object in which not all is null. */
static bool is_kept(const exo_chunk *chunk, exo_chunk_place place)
{
    exo_chunk_place member = inside(chunk, place, '{');
    exo_chunk_place key;
    char kind = kind_at(chunk, place);
    if (kind != '{') {
        return (kind == '"' || kind == '[') && place.len_ > 2;
    }
    while (next_value(chunk, &member, &key) && next_value(chunk, &member, &place)) {
        if (token_at(chunk, place).type != EXO_JSON_NULL) {
            return true;
        }
    }
    return false;
}

/* Goes to the next member of the object in members_ that is not among `names` and is kept. False: no more. */
static bool next_member(exo_chunk *chunk, exo_delta *delta, exo_delta_type type, const char *names, bool nested)
{
    exo_chunk_place key;
    exo_chunk_place value;
    size_t number;
    while (next_value(chunk, &chunk->members_, &key) && next_value(chunk, &chunk->members_, &value)) {
        exo_json_token token = token_at(chunk, key);
        bool plain = token.plain && token.text.len > 0;
        if (plain && !find_name(names, nested, &token, &number) && is_kept(chunk, value)) {
            delta->type = type;
            delta->name = token.text;
            delta->text = text_at(chunk, value);
            return true;
        }
    }
    return false;
}

/* What a think filter held back. */
static bool store_held(exo_chunk *chunk, exo_delta *delta)
{
    bool thought;
    bool held = chunk->think_.held_ > 0 && exo_think_end(&chunk->think_, &delta->text, &thought);
    if (held) {
        delta->type = thought ? EXO_DELTA_REASONING : EXO_DELTA_CONTENT;
    }
    return held;
}

/* U+FFFD, which stands for half a surrogate pair. */
static const char replacement[] = "\xEF\xBF\xBD";

/* From the next call on, the text of a string, or the literal of a number or boolean, comes in fragments. Null and the
 * empty string give none. */
static void begin_string(exo_chunk *chunk, exo_delta_type type, exo_chunk_place place)
{
    exo_json_token token = token_at(chunk, place);
    bool string = token.type == EXO_JSON_STRING;
    chunk->low_ = 0;
    chunk->high_ = 0;
    if (token.type == EXO_JSON_NULL || token.text.len == 0) {
        return;
    }
    if (string) {
        exo_json_take_halves(&token.text, &chunk->low_, &chunk->high_);
    }
    exo_json_decoder_init_as(&chunk->decoder_, token.text, !string);
    chunk->decoded_ = token.text.len == 0;
    chunk->string_ = (uint8_t)type;
    chunk->decoding_ = true;
    chunk->rest_ = exo_span_of(NULL, 0);
}

/* Takes the next piece of the string that was begun into rest_. */
static void next_piece(exo_chunk *chunk)
{
    if (chunk->low_ == 0 && !chunk->decoded_) {
        exo_json_decode(&chunk->decoder_, chunk->scratch_, &chunk->rest_, &chunk->decoded_);
        return;
    }
    uint16_t *half = chunk->low_ != 0 ? &chunk->low_ : &chunk->high_;
    chunk->half_ = *half;
    chunk->rest_ = exo_span_of(replacement, sizeof replacement - 1);
    *half = 0;
}

/* The next fragment of the string that was begun; false where a think filter holds it back. */
static bool next_fragment(exo_chunk *chunk, exo_delta *delta)
{
    bool thought = false;
    bool content = chunk->string_ == EXO_DELTA_CONTENT;
    bool stored = true;
    delta->type = (exo_delta_type)chunk->string_;
    delta->echo = content ? (uint8_t)chunk->echo_ : 0;
    if (chunk->rest_.len == 0) {
        next_piece(chunk);
    }
    if (content && chunk->choice_ == 0 && delta->echo == 0) {
        stored = exo_think_next(&chunk->think_, &chunk->rest_, &delta->text, &thought);
    } else {
        delta->text = chunk->rest_;
        chunk->rest_.len = 0;
    }
    if (thought) {
        delta->type = EXO_DELTA_REASONING;
    }
    if (stored && delta->text.ptr == replacement) {
        delta->half = chunk->half_;
    }
    delta->last = chunk->decoded_ && chunk->high_ == 0 && chunk->rest_.len == 0;
    chunk->decoding_ = !delta->last;
    chunk->said_ = chunk->said_ || chunk->step_ == STEP_REASONING;
    return stored;
}

static bool ends_with(exo_span text, const char *end)
{
    size_t len = strlen(end);
    return text.len >= len && memcmp(text.ptr + text.len - len, end, len) == 0;
}

/* What kind of text a part of the content is by its type, or EXO_DELTA_MEMBER where that is not known. */
static exo_delta_type type_of_part(const exo_chunk *chunk, exo_chunk_place place)
{
    exo_span type = string_at(chunk, place);
    if (type.len >= 8 && (memcmp(type.ptr, "thinking", 8) == 0 || memcmp(type.ptr, "reasoning", 8) == 0)) {
        return EXO_DELTA_REASONING;
    }
    return type.len == 0 || ends_with(type, "text") ? EXO_DELTA_CONTENT : EXO_DELTA_MEMBER;
}

/* Goes from an object in the place of a text to what it says, which may be nowhere. False: it is output of a kind that
 * is not known. */
static bool enter_part(exo_chunk *chunk, exo_delta_type *type, exo_chunk_place *place)
{
    exo_chunk_place part[PART_COUNT];
    exo_delta_type own = *type;
    size_t i = 0;
    size_t end = PART_THINKING;
    memset(part, 0, sizeof part);
    read_object(chunk, *place, part_names, false, part);
    if (own == EXO_DELTA_CONTENT) {
        own = type_of_part(chunk, part[PART_TYPE]);
        end += own == EXO_DELTA_REASONING;
    }
    while (i < end && !speaks(chunk, part[i])) {
        i++;
    }
    /* What the delta's own field for reasoning has said is not said twice. */
    *place = i == end || (own != *type && chunk->said_) ? nowhere : part[i];
    *type = own;
    return own != EXO_DELTA_MEMBER;
}

/* Begins what a value says in the place of a text, whatever its type. True: it is stored as output that is no text. */
static bool take_value(exo_chunk *chunk, exo_delta *delta, exo_delta_type type, exo_chunk_place place)
{
    const exo_chunk_place whole = place;
    for (int i = 0; i < EXO_CHUNK_LISTS_ && is_object(chunk, place); i++) {
        if (!enter_part(chunk, &type, &place)) {
            delta->type = type;
            delta->name = exo_span_text("content");
            delta->text = text_at(chunk, whole);
            delta->list = true;
            return true;
        }
    }
    if (kind_at(chunk, place) != '[') {
        begin_string(chunk, type, place);
    } else if (chunk->lists_len_ < EXO_CHUNK_LISTS_) {
        chunk->types_[chunk->lists_len_] = (uint8_t)type;
        chunk->lists_[chunk->lists_len_++] = inside(chunk, place, '[');
    }
    return false;
}

/* Goes on in the list that was begun last. */
static bool walk(exo_chunk *chunk, exo_delta *delta)
{
    exo_chunk_place value;
    size_t last = chunk->lists_len_ - 1U;
    if (next_value(chunk, &chunk->lists_[last], &value)) {
        return take_value(chunk, delta, (exo_delta_type)chunk->types_[last], value);
    }
    chunk->lists_len_--;
    return false;
}

/* Goes to the next choice that has a proper index, and says whether there is one. */
static bool next_choice(exo_chunk *chunk)
{
    exo_chunk_place *member = chunk->member_;
    while (next_object(chunk, &chunk->choices_, choice_names, member, CHOICE_COUNT)) {
        exo_json_token index = token_at(chunk, member[CHOICE_INDEX]);
        uint64_t number = 0;
        if (index.type == EXO_JSON_NUMBER && (exo_json_uint64(&index, &number) != EXO_OK || number > UINT32_MAX)) {
            continue;
        }
        bool message = !is_object(chunk, member[CHOICE_DELTA]);
        chunk->choice_ = (uint32_t)number;
        chunk->whole_ = message && is_object(chunk, member[CHOICE_MESSAGE]);
        if (chunk->whole_) {
            member[CHOICE_DELTA] = member[CHOICE_MESSAGE];
            read_object(chunk, member[CHOICE_MESSAGE], delta_names, true, member + DELTA_REASONING);
        } else if (message) {
            member[DELTA_CONTENT] = member[CHOICE_TEXT];
        }
        if (is_object(chunk, member[CHOICE_USAGE])) {
            chunk->usage_ = member[CHOICE_USAGE];
        }
        exo_span role = string_at(chunk, member[DELTA_ROLE]);
        chunk->echo_ = exo_span_is(role, "user") || exo_span_is(role, "tool") ? *role.ptr : '\0';
        chunk->odd_ = chunk->strange_[true];
        chunk->calls_ = inside(chunk, member[DELTA_TOOL_CALLS], '[');
        chunk->said_ = false;
        chunk->field_ = DELTA_REASONING;
        return true;
    }
    return false;
}

/* Whether arguments that are text begin with a bracket, white space apart. */
static bool opens(exo_chunk *chunk, exo_chunk_place place)
{
    exo_json_decoder decoder;
    exo_span text = exo_span_of(NULL, 0);
    bool last;
    exo_json_decoder_init(&decoder, string_at(chunk, place));
    exo_json_decode(&decoder, chunk->scratch_, &text, &last);
    text = skip_space(text);
    return text.len > 0 && (*text.ptr == '{' || *text.ptr == '[');
}

/* Whether the tool call at hand has a member that is kept, beside those that are known. */
static bool has_members(exo_chunk *chunk, exo_delta *delta)
{
    chunk->members_ = chunk->strange_[false] ? inside(chunk, chunk->object_, '{') : nowhere;
    bool found = next_member(chunk, delta, EXO_DELTA_TOOL_MEMBER, call_names, false);
    delta->text.len = 0;
    return found;
}

/* The next tool call, the legacy function_call behind the list; one that says nothing is passed over. False: no more.
 */
static bool next_call(exo_chunk *chunk, exo_delta *delta)
{
    exo_chunk_place *call = chunk->call_;
    exo_chunk_place *function_call = &chunk->member_[DELTA_FUNCTION_CALL];
    bool says = false;
    while (!says) {
        chunk->legacy_ = !next_object(chunk, &chunk->calls_, call_names, call, CALL_COUNT);
        if (chunk->legacy_) {
            if (!is_object(chunk, *function_call)) {
                return false;
            }
            read_object(chunk, *function_call, function_names, true, call + FUNCTION_NAME);
            call[CALL_FUNCTION] = *function_call;
            *function_call = nowhere;
            chunk->object_ = nowhere;
        }
        says = has_text(chunk, call[CALL_ID]) || has_text(chunk, call[FUNCTION_NAME]) ||
               has_text(chunk, call[FUNCTION_ARGUMENTS]) || is_object(chunk, call[FUNCTION_ARGUMENTS]) ||
               is_object(chunk, call[CALL_EXTRA]) || has_members(chunk, delta);
    }
    exo_json_token index = token_at(chunk, call[CALL_INDEX]);
    if (exo_json_int64(&index, &delta->index) != EXO_OK || delta->index < 0) {
        delta->index = -1;
    }
    delta->type = EXO_DELTA_TOOL_CALL;
    delta->legacy = chunk->legacy_;
    delta->id = string_at(chunk, call[CALL_ID]);
    delta->name = string_at(chunk, call[FUNCTION_NAME]);
    delta->opens = opens(chunk, call[FUNCTION_ARGUMENTS]);
    return true;
}

/* The first of `count` places that holds a count of tokens, or -1. */
static int64_t first_count(const exo_chunk *chunk, const exo_chunk_place *place, size_t count)
{
    for (; count > 0; count--, place++) {
        int64_t number = -1;
        exo_json_token token = token_at(chunk, *place);
        if (exo_json_int64(&token, &number) == EXO_OK && number >= 0) {
            return number;
        }
    }
    return -1;
}

static bool store_usage(exo_chunk *chunk, exo_delta *delta)
{
    exo_chunk_place found[USAGE_COUNT];
    exo_chunk_place usage = chunk->top_[TOP_USAGE];
    if (!is_object(chunk, usage)) {
        usage = chunk->usage_;
    }
    if (!is_object(chunk, usage)) {
        return false;
    }
    memset(found, 0, sizeof found);
    read_object(chunk, usage, usage_names, false, found);
    delta->usage.prompt_tokens = first_count(chunk, found + USAGE_PROMPT, 1);
    delta->usage.completion_tokens = first_count(chunk, found + USAGE_COMPLETION, 1);
    delta->usage.total_tokens = first_count(chunk, found + USAGE_TOTAL, 1);
    delta->usage.cached_tokens = first_count(chunk, found + USAGE_CACHED, 4);
    delta->usage.reasoning_tokens = first_count(chunk, found + USAGE_REASONING, 2);
    return store_raw(chunk, delta, EXO_DELTA_USAGE, usage);
}

/* Takes the next step, and says whether it stored a delta. */
static bool step(exo_chunk *chunk, exo_delta *delta)
{
    const exo_chunk_place *member = chunk->member_;
    switch ((enum step)chunk->step_++) {
    case STEP_MALFORMED:
        chunk->step_ = STEP_END;
        delta->type = EXO_DELTA_MALFORMED;
        delta->code = chunk->code_;
        delta->number = chunk->number_;
        delta->hole = chunk->code_ != EXO_E_MALFORMED && begins_like_json(chunk->data_);
        delta->text = chunk->data_;
        return true;
    case STEP_ERROR:
        delta->type = EXO_DELTA_ERROR;
        delta->text = chunk->data_;
        return chunk->error_;
    case STEP_ID:
        return store_string(chunk, delta, EXO_DELTA_ID, chunk->top_[TOP_ID]);
    case STEP_MODEL:
        return store_string(chunk, delta, EXO_DELTA_MODEL, chunk->top_[TOP_MODEL]);
    case STEP_CHOICE:
        if (!next_choice(chunk)) {
            chunk->choice_ = 0;
            chunk->step_ = STEP_USAGE;
            return false;
        }
        delta->type = EXO_DELTA_ERROR;
        delta->text = text_at(chunk, chunk->object_);
        return speaks(chunk, member[CHOICE_ERROR]);
    case STEP_REASONING:
        if (!chunk->said_ && chunk->field_ <= DELTA_REASONING_DETAILS) {
            chunk->step_ = STEP_REASONING;
            return take_value(chunk, delta, EXO_DELTA_REASONING, member[chunk->field_++]);
        }
        return false;
    case STEP_REASONING_DETAILS:
        return store_raw(chunk, delta, EXO_DELTA_REASONING_DETAILS, member[DELTA_REASONING_DETAILS]);
    case STEP_CONTENT:
        return take_value(chunk, delta, EXO_DELTA_CONTENT, member[DELTA_CONTENT]);
    case STEP_REFUSAL:
        if (has_text(chunk, member[DELTA_REFUSAL])) {
            begin_string(chunk, EXO_DELTA_REFUSAL, member[DELTA_REFUSAL]);
        }
        return false;
    case STEP_CALL:
        if (next_call(chunk, delta)) {
            return true;
        }
        chunk->step_ = STEP_AUDIO;
        return false;
    case STEP_ARGUMENTS:
        if (has_text(chunk, chunk->call_[FUNCTION_ARGUMENTS])) {
            begin_string(chunk, EXO_DELTA_TOOL_ARGUMENTS, chunk->call_[FUNCTION_ARGUMENTS]);
        }
        return is_object(chunk, chunk->call_[FUNCTION_ARGUMENTS]) &&
               store_raw(chunk, delta, EXO_DELTA_TOOL_OBJECT, chunk->call_[FUNCTION_ARGUMENTS]);
    case STEP_CALL_EXTRA:
        chunk->members_ = chunk->strange_[false] ? inside(chunk, chunk->object_, '{') : nowhere;
        return store_raw(chunk, delta, EXO_DELTA_TOOL_EXTRA, chunk->call_[CALL_EXTRA]);
    case STEP_CALL_MEMBER:
        if (next_member(chunk, delta, EXO_DELTA_TOOL_MEMBER, call_names, false)) {
            chunk->step_ = STEP_CALL_MEMBER;
            return true;
        }
        chunk->members_ = chunk->strange_[true] ? inside(chunk, chunk->call_[CALL_FUNCTION], '{') : nowhere;
        return false;
    case STEP_FUNCTION_MEMBER:
        chunk->step_ = STEP_CALL;
        if (next_member(chunk, delta, EXO_DELTA_TOOL_MEMBER, function_names, true)) {
            chunk->step_ = STEP_FUNCTION_MEMBER;
            return true;
        }
        return false;
    case STEP_AUDIO:
        chunk->members_ = chunk->odd_ ? inside(chunk, member[CHOICE_DELTA], '{') : nowhere;
        return store_raw(chunk, delta, EXO_DELTA_AUDIO, member[DELTA_AUDIO]);
    case STEP_MEMBER:
        if (next_member(chunk, delta, EXO_DELTA_MEMBER, delta_names, true)) {
            chunk->step_ = STEP_MEMBER;
            return true;
        }
        return false;
    case STEP_LOGPROBS:
        return store_raw(chunk, delta, EXO_DELTA_LOGPROBS, member[CHOICE_LOGPROBS]);
    case STEP_HELD:
        return chunk->choice_ == 0 && has_text(chunk, member[CHOICE_FINISH]) && store_held(chunk, delta);
    case STEP_FINISH:
        chunk->step_ = STEP_CHOICE;
        delta->whole = false;
        return store_string(chunk, delta, EXO_DELTA_FINISH, member[CHOICE_FINISH]);
    case STEP_USAGE:
        chunk->step_ = STEP_END;
        delta->whole = false;
        return store_usage(chunk, delta);
    case STEP_HELD_LAST:
    case STEP_END:
        break;
    }
    chunk->step_ = STEP_END;
    return store_held(chunk, delta);
}

int exo_chunk_next(exo_chunk *chunk, exo_delta *delta)
{
    bool stored = false;
    while (!stored && (chunk->decoding_ || chunk->step_ != STEP_END)) {
        memset(delta, 0, sizeof *delta);
        delta->index = -1;
        delta->choice = chunk->choice_;
        delta->whole = chunk->whole_;
        stored = chunk->decoding_        ? next_fragment(chunk, delta)
                 : chunk->lists_len_ > 0 ? walk(chunk, delta)
                                         : step(chunk, delta);
    }
    return stored ? EXO_EVENT : EXO_OK;
}

bool exo_chunk_is_done(exo_span data)
{
    return exo_span_is(data, "[DONE]");
}

exo_body_kind exo_body_sniff(exo_span start)
{
    static const char mark[] = "\xEF\xBB\xBF";
    size_t marked = 0;
    while (marked < 3 && marked < start.len && start.ptr[marked] == mark[marked]) {
        marked++;
    }
    if (marked == 3 || marked == start.len) {
        start.ptr += marked;
        start.len -= marked;
    }
    start = skip_space(start);
    if (start.len == 0 || (start.len == 1 && *start.ptr == '\x1F')) {
        return EXO_BODY_UNKNOWN;
    }
    switch (*start.ptr) {
    case '{':
    case '[':
        return EXO_BODY_JSON;
    case '<':
        return EXO_BODY_HTML;
    case '\x1F':
        return start.ptr[1] == '\x8B' ? EXO_BODY_GZIP : EXO_BODY_SSE;
    default:
        return EXO_BODY_SSE;
    }
}
