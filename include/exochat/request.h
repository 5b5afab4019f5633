/*
 * request.h: what to ask: messages, attachments and parameters, built by calls or taken from JSON text.
 *
 * Part of the hosted library. A request is built once and may be used for any number of calls, one after another or at
 * the same time; it must not be changed or freed while a call uses it. Files are opened when a call begins and read
 * while they are sent: a request holds names, not contents.
 */
#ifndef EXOCHAT_REQUEST_H
#define EXOCHAT_REQUEST_H

#include "exochat/reply.h"
#include "exochat/value.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A request: messages, attachments and parameters. */
typedef struct exo_request exo_request;

/* Who speaks in a message. */
typedef enum exo_role {
    EXO_SYSTEM,
    EXO_DEVELOPER,
    EXO_USER,
    EXO_ASSISTANT,
    EXO_TOOL
} exo_role;

/* An empty request for `model` (copied; NULL: the caller must name one per call, or the JSON does). NULL when memory
 * runs out. Free it with exo_request_free(). */
exo_request *exo_request_new(const char *model);

/* A request from JSON text (copied): an object as the endpoint takes it, or an array of messages. `model` may be NULL
 * and takes the place of the object's own. On failure NULL, with `*error` one of EXO_E_JSON_*, EXO_E_REQUEST,
 * EXO_E_DUPLICATE_KEY (at any level), EXO_E_DEPTH_LIMIT, EXO_E_KEYS_LIMIT (more than 64 top-level keys),
 * EXO_E_NO_MEMORY, and the offset of the first wrong byte in `*offset` (both may be NULL). */
exo_request *exo_request_from_json(const char *model, exo_span json, int *error, size_t *offset);

/* Whether every object in the JSON text `json`, at any level, has each of its keys once; they are compared decoded,
 * with U+FFFD for what is no UTF-8. EXO_OK, EXO_E_DUPLICATE_KEY with the offset of the second one's quotation mark in
 * `*offset` (may be NULL; of several, the first in the object that ends first), EXO_E_ARGUMENT (a span of NULL that is
 * not empty), EXO_E_NO_MEMORY, or EXO_E_JSON_* and EXO_E_DEPTH_LIMIT with the offset of the first wrong byte. The calls
 * below that take JSON look for themselves. */
int exo_json_unique(exo_span json, size_t *offset);

/* Frees a request that no call uses. NULL is allowed. */
void exo_request_free(exo_request *request);

/* The model, or "" where none is set. Valid until the request is changed. */
const char *exo_request_model(const exo_request *request);

/* Sets the model (copied). EXO_OK or EXO_E_NO_MEMORY. */
int exo_request_set_model(exo_request *request, const char *model);

/*
 * Messages. Every call returns EXO_OK, EXO_E_ARGUMENT or EXO_E_NO_MEMORY, and after the first failure does nothing more
 * and returns that: it is enough to look at the last one, or at the call's failure.
 */

/* Begins a message of text (copied, UTF-8). */
int exo_request_text(exo_request *request, exo_role role, const char *text);

/* As exo_request_text(), for text of a given length; `_static` borrows it until the request is freed. */
int exo_request_text_span(exo_request *request, exo_role role, exo_span text);
int exo_request_text_static(exo_request *request, exo_role role, exo_span text);

/* The most bytes of a file that has to be kept on disk while it is sent; see exo_request_file(). */
#define EXO_SPOOL_MAX (UINT64_C(1) << 30)

/* Attaches a file to the last message if that is of `role` and was begun by exo_request_text(), a source or a file;
 * otherwise begins a message. The file is sent by its media type: text/… as text, image/… as a data URL, audio/wav and
 * audio/mpeg as input_audio, others as a file part. `media_type` NULL: from the name's ending, or the first bytes. The
 * name is copied; the file is opened when a call begins. What is no regular file (a FIFO, /dev/stdin, a terminal), or
 * has another size than it says (/proc), is read once when the body is sized, into an unnamed file in $TMPDIR or /tmp,
 * so that it can be sent again: at most EXO_SPOOL_MAX bytes. More is EXO_E_SOURCE_READ, and so is nothing for
 * request_timeout. */
int exo_request_file(exo_request *request, exo_role role, const char *path, const char *media_type);

/* As exo_request_file(), for `length` bytes from `offset` on. A range that the file does not have is EXO_E_SOURCE_READ
 * at the call. */
int exo_request_file_range(exo_request *request, exo_role role, const char *path, uint64_t offset, uint64_t length,
                           const char *media_type);

/* Attaches bytes in memory (borrowed until the request is freed), under a file name that is shown to the model where
 * the part has one (may be NULL). */
int exo_request_bytes(exo_request *request, exo_role role, exo_span bytes, const char *media_type, const char *name);

/* Attaches a source of the caller's (borrowed until the last call that uses the request ends). It is used by one call
 * at a time, another one fails with EXO_E_STATE; two sources with the same read() and ctx are one. One that cannot
 * rewind is sent once, chunked, without fallback; a further call that needs it fails with EXO_E_SOURCE_ONCE.
 * `media_type` NULL: from the ending of `name`. */
int exo_request_source(exo_request *request, exo_role role, const exo_source *source, const char *media_type,
                       const char *name);

/* Appends a message as JSON text, an object (copied): an assistant's tool calls, a tool's result, content parts of any
 * kind. EXO_E_JSON_* and EXO_E_REQUEST where it is not one, EXO_E_DUPLICATE_KEY where one of its objects has a key
 * twice. */
int exo_request_message_json(exo_request *request, exo_span json);

/* Appends what the assistant said: the answer (choice 0) of a reply, as its next request wants it: content, refusal,
 * tool calls with their arguments repaired, and what some endpoints want to see again: reasoning_details, or else,
 * beside tool calls, reasoning_content; an audio's id; extra_content (thought signatures) and members that nobody here
 * knows, as they came, but for what cannot be sent (a key twice, too deep). What the call did not keep
 * (exo_call_options.keep) is not there. Calls without an id are given one. EXO_OK; EXO_E_STATE for a reply with a
 * failure, or with calls that were cut by the answer's length; else as exo_request_message_json(). */
int exo_request_answer(exo_request *request, const exo_reply *reply);

/* Appends a tool's result (copied) for the call `tool_call_id`: the id as exo_answer_tool_call() gives it. An empty one
 * stands for the calls of the last exo_request_answer() that came without, in their order. */
int exo_request_tool(exo_request *request, exo_span tool_call_id, exo_span text);

/*
 * Parameters: any top-level key. A key that is set twice keeps the last value. The typed calls are for plain values,
 * the JSON one for everything: "tools", "tool_choice", "response_format", "stop", "logit_bias". "model", "messages" and
 * "stream" are refused (EXO_E_ARGUMENT), and so is the 65th top-level key, "model" and "messages" included
 * (EXO_E_KEYS_LIMIT). Results as for messages; exo_request_json() also EXO_E_JSON_* and EXO_E_DUPLICATE_KEY.
 */
int exo_request_string(exo_request *request, const char *key, const char *value);
int exo_request_int(exo_request *request, const char *key, int64_t value);
int exo_request_bool(exo_request *request, const char *key, bool value);
/* Written as the shortest decimal that reads back as `value`, whatever the locale. NaN and infinities: EXO_E_NUMBER. */
int exo_request_double(exo_request *request, const char *key, double value);
int exo_request_json(exo_request *request, const char *key, exo_span json);

/* Allows the JSON of this request to name files (`_content_file`, `_file`) below `folder` (copied; symbolic links that
 * lead out of it are refused). Without it such a request fails with EXO_E_FILE_REFUSED. Files attached by the calls
 * above are always allowed. */
int exo_request_allow_files(exo_request *request, const char *folder);

/* The first error that a call on this request had, or EXO_OK. */
int exo_request_error(const exo_request *request);

/* The number of messages. */
size_t exo_request_messages(const exo_request *request);

/* How many choices the request asks for: its parameter "n" where that is a whole number from 1 to UINT32_MAX, else 1. A
 * call keeps as many as exo_call_options.choices says. */
uint32_t exo_request_choices(const exo_request *request);

#ifdef __cplusplus
}
#endif

#endif
