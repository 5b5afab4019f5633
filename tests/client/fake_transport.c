/*
 * fake_transport.c: see fake_transport.h.
 *
 * Part of the programs that test calls. It reports as the transport over libcurl does: from within serve() only, the
 * bytes of a response into an inbox, and nothing more once it has said closed().
 */
#include "fake_transport.h"

#include "../../src/client/heap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A test asks for what cannot be, or the client for what it may not. */
#define FAKE_MUST(condition) ((condition) ? (void)0 : fake_stop(#condition, __LINE__))

enum {
    FAKE_SCRIPTS = 16,
    FAKE_TALK = 512,
    FAKE_BODY = 4096
};

typedef struct fake_side {
    const char *name;
    const char *next; /* the script of the next exchange; NULL: none is left */
} fake_side;

struct fake {
    exo_transport transport;
    int64_t now;
    fake_side sides[FAKE_SCRIPTS];
    size_t side_count;
    exo_exchange *first;
    size_t running;
    size_t served;
    bool watched;
    bool rang;
    bool creeps;
    bool leaves_off; /* it does, whenever it has told one exchange something that is to have a turn */
    int64_t sweep;   /* when it began with what it has not told all of, or -1; */
    int64_t told_by; /* what had come by then is told */
    char asked[FAKE_TALK];
    char told[FAKE_TALK];
    const exo_exchange *latest; /* the exchange that began last, */
    char sent[FAKE_BODY];       /* and what went out of its body */
    bool chunked;               /* it has no length */
};

struct exo_exchange {
    fake *f;
    exo_exchange *next;
    const char *name;
    const char *at; /* the next word */
    int64_t due;    /* when it is */
    bool is_seen;   /* in a sweep that goes on */
    const exo_facts *facts;
    void *owner;
    exo_encoding *body;
    exo_buffer inbox;
    exo_ending ending;
    bool read;     /* all of the body is out */
    size_t halted; /* how many bytes were to follow when a source had nothing ready, or 0 */
    bool resumes;
    bool over;
};

static void fake_stop(const char *condition, int line)
{
    fprintf(stderr, "fake_transport.c:%d: %s does not hold\n", line, condition);
    abort();
}

/* ---- scripts ---- */

int fake_code(const char *name)
{
    for (int code = -1; code > -128; code--) {
        if (strcmp(exo_error_name(code) + strlen("EXO_E_"), name) == 0) {
            return code;
        }
    }
    return EXO_OK;
}

static void fake_note(fake *f, const char *name, const char *what)
{
    size_t len = strlen(f->asked);
    snprintf(f->asked + len, sizeof f->asked - len, "%s%s%s", len > 0 ? " " : "", name, what);
}

/* The next word of a script, without taking it; "" at its end. */
static const char *fake_word(const char **at, char *word, size_t size)
{
    size_t len = 0;
    *at += strspn(*at, " ");
    while ((*at)[len] && (*at)[len] != ' ' && (*at)[len] != '|' && len + 1 < size) {
        word[len] = (*at)[len];
        len++;
    }
    word[len] = '\0';
    return *at + len;
}

/* What stands behind the colon of a word, or NULL. */
static const char *fake_rest(const char *word, const char *begin)
{
    size_t len = strlen(begin);
    return strncmp(word, begin, len) == 0 ? word + len : NULL;
}

/* Looks for the next word that is no pause, and notes when it is due. False: there is none. */
static bool fake_look(exo_exchange *x, char *word, size_t size)
{
    for (;;) {
        const char *behind = fake_word(&x->at, word, size);
        if (word[0] != '+') {
            return word[0] != '\0';
        }
        x->due += strtol(word + 1, NULL, 10);
        x->at = behind;
    }
}

/* ---- what happens ---- */

static void fake_close(exo_exchange *x, int code)
{
    x->over = true;
    x->ending.code = code;
    x->facts->closed(x->owner, x->f->now);
}

static void fake_body(exo_exchange *x, const char *text)
{
    size_t len = strlen(text);
    if (x->facts->discards) {
        if (!x->facts->discards(x->owner, x->f->now, len)) {
            fake_close(x, EXO_E_RECEIVE);
        }
    } else if (exo_buffer_append(&x->inbox, exo_span_of(text, len)) < 0) {
        fake_close(x, EXO_E_NO_MEMORY);
    } else {
        x->facts->readable(x->owner, x->f->now);
    }
}

static void fake_event(exo_exchange *x, const char *delta, const char *text, const char *finish)
{
    char event[256];
    snprintf(event, sizeof event, "data: {\"choices\":[{\"delta\":{%s%s%s},\"finish_reason\":%s%s%s}]}\n\n", delta,
             text, delta[0] && text[0] ? "\"" : "", finish[0] ? "\"" : "", finish[0] ? finish : "null",
             finish[0] ? "\"" : "");
    fake_body(x, event);
}

static void fake_keep(const exo_exchange *x, const char *piece, size_t len)
{
    fake *f = x->f;
    if (x != f->latest) {
        return;
    }
    size_t at = strlen(f->sent);
    size_t room = sizeof f->sent - 1 - at; /* the rest of a large one is not kept */
    len = len < room ? len : room;
    memcpy(f->sent + at, piece, len);
    f->sent[at + len] = '\0';
}

/* Bytes of the body go out. */
static void fake_send(exo_exchange *x, size_t most)
{
    char piece[64];
    int code = EXO_AGAIN;
    while (most > 0 && code == EXO_AGAIN && x->body) {
        exo_window window = {piece, most < sizeof piece ? most : sizeof piece, 0};
        code = exo_encoding_write(x->body, &window);
        x->facts->sends(x->owner, exo_span_of(piece, window.pos));
        fake_keep(x, piece, window.pos);
        most -= window.pos;
        if (code == EXO_AGAIN && window.pos == 0) {
            x->halted = most;
            return;
        }
    }
    x->read = code == EXO_OK;
    if (code < 0) {
        fake_close(x, code);
    }
}

static void fake_head(exo_exchange *x, const char *word)
{
    char headers[128];
    x->ending.byte_seen = true;
    int code = x->facts->status ? x->facts->status(x->owner, (uint16_t)strtol(word, NULL, 10)) : EXO_OK;
    snprintf(headers, sizeof headers, "%s", strlen(word) > 4 ? word + 4 : "");
    for (char *name = strtok(headers, ","); name && code == EXO_OK; name = strtok(NULL, ",")) {
        char *value = strchr(name, '=');
        exo_span before = exo_span_of(name, value ? (size_t)(value - name) : strlen(name));
        code = x->facts->header(x->owner, before, exo_span_text(value ? value + 1 : ""));
    }
    if (code < 0) {
        fake_close(x, code);
    } else if (x->facts->head_end) {
        x->facts->head_end(x->owner, x->f->now);
    }
}

static void fake_do(exo_exchange *x, const char *word)
{
    const char *rest;
    if (strcmp(word, "ok") == 0) {
        x->facts->connected(x->owner, x->f->now, false);
        fake_send(x, SIZE_MAX);
        fake_head(x, "200");
    } else if (strcmp(word, "conn") == 0 || strcmp(word, "again") == 0) {
        x->facts->connected(x->owner, x->f->now, word[0] == 'a');
    } else if (strcmp(word, "sent") == 0) {
        fake_send(x, SIZE_MAX);
    } else if ((rest = fake_rest(word, "sent:")) != NULL) {
        fake_send(x, (size_t)strtol(rest, NULL, 10));
    } else if (word[0] >= '1' && word[0] <= '9') {
        fake_head(x, word);
    } else if ((rest = fake_rest(word, "text:")) != NULL) {
        fake_event(x, "\"content\":\"", rest, "");
    } else if (strcmp(word, "role") == 0) {
        fake_event(x, "\"role\":\"assistant\"", "", "");
    } else if ((rest = fake_rest(word, "finish:")) != NULL) {
        fake_event(x, "", "", rest);
    } else if (strcmp(word, "usage") == 0) {
        fake_body(x, "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}\n\n");
    } else if (strcmp(word, "done") == 0) {
        fake_body(x, "data: [DONE]\n\n");
    } else if (strcmp(word, "note") == 0) {
        fake_body(x, ": a comment\n\n");
    } else if ((rest = fake_rest(word, "raw:")) != NULL) {
        fake_body(x, rest);
    } else if ((rest = fake_rest(word, "end")) != NULL) {
        FAKE_MUST(!rest[0] || fake_code(rest + 1) < 0);
        fake_close(x, rest[0] ? fake_code(rest + 1) : EXO_OK);
    } else {
        fake_stop("a word of a script", __LINE__);
    }
}

/* Does what is due, one word at a time, since whoever is told may end exchanges. */
static bool fake_turn(fake *f)
{
    char word[160];
    exo_exchange *next = NULL;
    for (exo_exchange *x = f->first; x; x = x->next) {
        if (!x->over && fake_look(x, word, sizeof word) && x->due <= f->now && (!next || x->due < next->due)) {
            next = x;
        }
    }
    if (next) {
        next->at = fake_word(&next->at, word, sizeof word);
        fake_do(next, word);
    }
    return next != NULL;
}

/* An exchange that was not seen in this sweep, and has something to do; NULL: none. */
static exo_exchange *fake_unseen(fake *f)
{
    char word[160];
    exo_exchange *x = f->first;
    while (x && (x->is_seen || x->over || !fake_look(x, word, sizeof word) || x->due > f->sweep)) {
        x = x->next;
    }
    return x;
}

/* Whether an exchange was not ended by whoever was told something of it. */
static bool fake_has(const fake *f, const exo_exchange *x)
{
    const exo_exchange *at = f->first;
    while (at && at != x) {
        at = at->next;
    }
    return at != NULL;
}

/* Sees to one exchange after the other, until somebody was told something. False: it has seen to all. */
static bool fake_leaves_off(fake *f)
{
    char word[160];
    exo_exchange *x;
    while (*f->transport.turns == 0 && (x = fake_unseen(f)) != NULL) {
        x->is_seen = true;
        while (fake_has(f, x) && !x->over && fake_look(x, word, sizeof word) && x->due <= f->sweep) {
            x->at = fake_word(&x->at, word, sizeof word);
            fake_do(x, word);
        }
    }
    return fake_unseen(f) != NULL;
}

/* The next part of a sweep: when that began which was completed last. */
static int64_t fake_sweep(fake *f)
{
    if (f->sweep < 0) {
        f->sweep = f->now;
        for (exo_exchange *x = f->first; x; x = x->next) {
            x->is_seen = false;
        }
    }
    f->transport.left_off = fake_leaves_off(f);
    if (!f->transport.left_off) {
        f->told_by = f->sweep;
        f->sweep = -1;
    }
    return f->told_by;
}

/* When something happens next, or -1. */
static int64_t fake_due(const fake *f)
{
    char word[160];
    int64_t due = -1;
    for (exo_exchange *x = f->first; x; x = x->next) {
        if (!x->over && fake_look(x, word, sizeof word) && (due < 0 || x->due < due)) {
            due = x->due;
        }
    }
    return due;
}

/* ---- the table: exchanges ---- */

static exo_exchange *fake_start(exo_transport *transport, const exo_sending *sending, const exo_facts *facts,
                                void *owner, int *error, char *message, size_t size)
{
    fake *f = (fake *)transport;
    fake_side *side = NULL;
    char word[160];
    for (size_t i = 0; i < f->side_count; i++) {
        side = strcmp(f->sides[i].name, sending->deployed->name) == 0 ? &f->sides[i] : side;
    }
    FAKE_MUST(side && side->next);
    const char *script = side->next;
    const char *behind = strchr(script, '|');
    side->next = behind ? behind + 1 : NULL;
    fake_note(f, side->name, sending->fresh ? "!" : "");
    (void)fake_word(&script, word, sizeof word);
    const char *refused = fake_rest(word, "refuse:");
    exo_exchange *x = refused ? NULL : calloc(1, sizeof *x);
    if (!x) {
        *error = refused ? fake_code(refused) : EXO_E_NO_MEMORY;
        snprintf(message, size, "%s", refused ? "refused by the script" : "");
        return NULL;
    }
    x->f = f;
    x->name = side->name;
    x->at = script;
    x->due = f->now;
    x->facts = facts;
    x->owner = owner;
    x->body = sending->body;
    f->latest = x;
    f->sent[0] = '\0';
    f->chunked = sending->total == EXO_SIZE_UNKNOWN;
    x->resumes = sending->call && sending->call->resumes;
    exo_buffer_init(&x->inbox, &exo_heap, UINT32_MAX, EXO_E_CONSUMER_LIMIT);
    exo_exchange **last = &f->first;
    while (*last) {
        last = &(*last)->next;
    }
    *last = x;
    f->running++;
    return x;
}

static int fake_take(exo_exchange *x, exo_buffer *into)
{
    if (x->inbox.len == 0) {
        return EXO_NOT_FOUND;
    }
    FAKE_MUST(into->len == 0);
    exo_buffer taken = x->inbox;
    x->inbox = *into;
    *into = taken;
    return EXO_OK;
}

static void fake_resume(exo_exchange *x)
{
    size_t most = x->halted;
    x->halted = 0;
    fake_send(x, most);
}

static void fake_progress(exo_exchange *x, exo_upload *upload)
{
    if (x->halted > 0 && !x->resumes) {
        fake_resume(x);
    }
    upload->accepted = x->body ? exo_encoding_written(x->body) : 0;
    upload->unacked = 0;
    upload->complete = x->read;
}

static void fake_ending(const exo_exchange *x, exo_ending *ending)
{
    FAKE_MUST(x->over);
    *ending = x->ending;
}

static void fake_details(const exo_exchange *x, exo_exchange_details *details)
{
    details->resolved_ms = -1;
    details->queued_ms = 0;
    details->redirect[0] = '\0';
    memcpy(details->http_version, x->ending.byte_seen ? "1.1" : "", x->ending.byte_seen ? 4 : 1);
}

/* An exchange that is over has nobody left to tell. */
static void fake_drain(exo_exchange *x, const exo_facts *facts, void *owner)
{
    FAKE_MUST(!x->over);
    fake_note(x->f, x->name, "~");
    x->facts = facts;
    x->owner = owner;
    x->body = NULL;
    exo_buffer_free(&x->inbox);
}

static int fake_root(exo_exchange *x, void (*pem)(void *ctx, exo_span pem), void *ctx, char *message, size_t size)
{
    (void)x;
    (void)pem;
    (void)ctx;
    snprintf(message, size, "a script has no certificate");
    return EXO_E_STATE;
}

static void fake_end(exo_exchange *x, bool reuse)
{
    fake_note(x->f, x->name, reuse ? "+" : "-");
    exo_exchange **at = &x->f->first;
    while (*at != x) {
        at = &(*at)->next;
    }
    *at = x->next;
    x->f->running--;
    exo_buffer_free(&x->inbox);
    free(x);
}

/* ---- the table: the loop's side ---- */

static int64_t fake_now(const exo_transport *transport)
{
    fake *f = (fake *)transport;
    f->now += f->creeps;
    return f->now;
}

/* In place of waiting, time passes. */
static int64_t fake_serve(exo_transport *transport, int64_t wait)
{
    fake *f = (fake *)transport;
    int64_t due = fake_due(f);
    wait = f->rang ? 0 : wait;
    int64_t until = due >= 0 && (wait < 0 || due < f->now + wait) ? due : f->now + wait;
    FAKE_MUST(wait >= 0 || due >= 0); /* else it would wait for ever */
    f->now = until > f->now && f->sweep < 0 ? until : f->now;
    f->served++;
    transport->rang = transport->rang || f->rang;
    f->rang = false;
    if (f->leaves_off) {
        return fake_sweep(f);
    }
    while (fake_turn(f)) {
    }
    return f->now;
}

static int64_t fake_next_due(const exo_transport *transport)
{
    (void)transport;
    return -1; /* what comes over a socket, nobody knows before */
}

static void fake_watch(exo_transport *transport, void (*watch)(void *ctx, int socket, int what), void *ctx)
{
    (void)ctx;
    ((fake *)transport)->watched = watch != NULL;
}

static bool fake_is_watched(const exo_transport *transport)
{
    return ((const fake *)transport)->watched;
}

static void fake_ready(exo_transport *transport, int socket, int what)
{
    (void)socket;
    (void)what;
    (void)fake_serve(transport, 0);
}

static int fake_fd(const exo_transport *transport)
{
    (void)transport;
    return -1;
}

static void fake_ring(const exo_transport *transport)
{
    ((fake *)(uintptr_t)transport)->rang = true;
}

static void fake_bound(exo_transport *transport, const exo_bounds *bounds)
{
    (void)transport;
    (void)bounds;
}

static void fake_free(exo_transport *transport)
{
    fake *f = (fake *)transport;
    FAKE_MUST(!f || f->running == 0);
    free(f);
}

static const exo_transport_table fake_table = {
    .start = fake_start,
    .take = fake_take,
    .progress = fake_progress,
    .resume = fake_resume,
    .ending = fake_ending,
    .details = fake_details,
    .drain = fake_drain,
    .root = fake_root,
    .end = fake_end,
    .now = fake_now,
    .serve = fake_serve,
    .due = fake_next_due,
    .watch = fake_watch,
    .is_watched = fake_is_watched,
    .ready = fake_ready,
    .fd = fake_fd,
    .ring = fake_ring,
    .bound = fake_bound,
    .close = fake_free,
};

/* ---- for the tests ---- */

fake *fake_open(void)
{
    fake *f = calloc(1, sizeof *f);
    FAKE_MUST(f);
    f->transport.table = &fake_table;
    f->sweep = -1;
    return f;
}

exo_transport *fake_transport(fake *f)
{
    return &f->transport;
}

void fake_script(fake *f, const char *name, const char *script)
{
    FAKE_MUST(f->side_count < FAKE_SCRIPTS);
    f->sides[f->side_count].name = name;
    f->sides[f->side_count++].next = script;
}

void fake_pass(fake *f, int64_t milliseconds)
{
    f->now += milliseconds;
}

void fake_leave_off(fake *f)
{
    f->leaves_off = true;
}

void fake_creep(fake *f)
{
    f->creeps = true;
}

const char *fake_asked(fake *f)
{
    memcpy(f->told, f->asked, sizeof f->told);
    f->asked[0] = '\0';
    return f->told;
}

const char *fake_sent(const fake *f)
{
    return f->sent;
}

bool fake_is_chunked(const fake *f)
{
    return f->chunked;
}

size_t fake_running(const fake *f)
{
    return f->running;
}

size_t fake_served(const fake *f)
{
    return f->served;
}
