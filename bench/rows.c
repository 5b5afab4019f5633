/*
 * rows.c: the work that clients are measured by: PEER ROW ORIGIN [AMOUNT]
 *
 *   start            a client is made and asks one small question; whoever runs the process looks what it took
 *   chat             20 KB in 40 messages, an answer of 200 chunks; the median of AMOUNT (20) after three
 *   paced            the same with the chunks 2 ms apart; AMOUNT (5)
 *   big-list         100 MB in 400 messages; AMOUNT (100) megabytes
 *   big-one          100 MB in one message
 *   big-file         100 MB in one message whose text is a file's
 *   given            one message whose text is that of the file $PROMPT, and nothing before it: for its memory
 *   long             an answer of 20,000 chunks, wanted as a whole
 *   long-shown       the same, each piece shown
 *   streams          AMOUNT (500) chats at once, of 50 chunks, 20 ms apart
 *   hold             AMOUNT (500) chats that have begun and wait for their second chunk
 *
 * ORIGIN is that of server.c. Prints lines of a name and a number: `cpu`, processor time in milliseconds; of streams
 * also what passed between a chunk's being sent and its being shown, in milliseconds: of each stream's first one
 * (first50, first99), and of all others (delta50, delta99); of hold `resident` and `private`, the bytes by which the
 * process has grown for each. One row a process.
 */
#include "peer.h"
#include "process.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CHUNKS 50

typedef struct row {
    const char *name;
    void (*run)(const struct row *row, const char *origin, long amount);
    const char *path; /* of the server */
    long amount;
} row;

static void rows_die(const char *why)
{
    fprintf(stderr, "rows: %s\n", why);
    exit(1);
}

static peer *rows_peer(const char *origin, const char *path)
{
    char url[256];
    snprintf(url, sizeof url, "%s%s", origin, path);
    return peer_new(url);
}

static int rows_compare(const void *a, const void *b)
{
    const double left = *(const double *)a;
    const double right = *(const double *)b;
    return (left > right) - (left < right);
}

static double rows_part(double *numbers, size_t count, double part)
{
    qsort(numbers, count, sizeof *numbers, rows_compare);
    return count > 0 ? numbers[(size_t)(part * (double)(count - 1))] : 0;
}

/* ---- one after the other ---- */

static const peer_message rows_hello = {.text = "hello", .len = 5};
static const peer_prompt rows_small = {&rows_hello, 1};

static size_t rows_shown;

static void rows_count(void *ctx, size_t stream, const char *text, size_t len)
{
    (void)ctx;
    (void)stream;
    (void)text;
    rows_shown += len;
}

/* Text of lines, as models are sent it. */
static char *rows_text(size_t len)
{
    static const char piece[] =
        "wave after wave \"after\" wave after wave, until there was nothing left of the shore\n";
    char *text = malloc(len + sizeof piece);
    if (!text) {
        rows_die("no memory");
    }
    for (size_t at = 0; at < len; at += sizeof piece - 1) {
        memcpy(text + at, piece, sizeof piece - 1);
    }
    return text;
}

/* So many messages of so many bytes. */
static peer_prompt rows_prompt(size_t count, size_t len)
{
    char *text = rows_text(len);
    peer_message *messages = calloc(count, sizeof *messages);
    for (size_t i = 0; messages && i < count; i++) {
        messages[i].is_ours = i % 2 == 1;
        messages[i].text = text;
        messages[i].len = len;
    }
    return (peer_prompt){messages, count};
}

static void rows_start(const row *r, const char *origin, long amount)
{
    (void)amount;
    peer *p = rows_peer(origin, r->path);
    peer_chat(p, &rows_small, NULL, NULL);
    peer_free(p);
}

/* The median of so many chats, after some that warm up. */
static void rows_repeat(peer *p, const peer_prompt *prompt, long warm, long amount, peer_show show)
{
    double *took = calloc((size_t)amount, sizeof *took);
    for (long i = -warm; i < amount; i++) {
        double before = processor_seconds();
        if (peer_chat(p, prompt, show, NULL) == 0) {
            rows_die("the answer is empty");
        }
        took[i < 0 ? 0 : i] = processor_seconds() - before;
    }
    printf("cpu %.3f\n", rows_part(took, (size_t)amount, 0.5) * 1e3);
    free(took);
}

static void rows_chat(const row *r, const char *origin, long amount)
{
    peer_prompt prompt = rows_prompt(40, 500);
    rows_repeat(rows_peer(origin, r->path), &prompt, 3, amount, strcmp(r->name, "paced") == 0 ? rows_count : NULL);
}

static void rows_long(const row *r, const char *origin, long amount)
{
    peer *p = rows_peer(origin, r->path);
    peer_chat(p, &rows_small, NULL, NULL);
    rows_repeat(p, &rows_small, 0, amount, strcmp(r->name, "long-shown") == 0 ? rows_count : NULL);
}

static void rows_big(const row *r, const char *origin, long amount)
{
    const size_t bytes = (size_t)amount * 1000000;
    char path[] = "/tmp/exochat-bench-XXXXXX";
    peer_message message = {.file = path};
    peer_prompt prompt = {&message, 1};
    peer *p = rows_peer(origin, r->path);
    peer_chat(p, &rows_small, NULL, NULL);
    if (strcmp(r->name, "big-file") == 0) {
        char *text = rows_text(bytes);
        int descriptor = mkstemp(path);
        FILE *file = descriptor < 0 ? NULL : fdopen(descriptor, "wb");
        if (!file || fwrite(text, 1, bytes, file) != bytes || fclose(file) != 0) {
            rows_die("a file cannot be written");
        }
        free(text);
        rows_repeat(p, &prompt, 0, 1, NULL);
        remove(path);
        return;
    }
    prompt = strcmp(r->name, "big-one") == 0 ? rows_prompt(1, bytes) : rows_prompt(400, bytes / 400);
    rows_repeat(p, &prompt, 0, 1, NULL);
}

static void rows_given(const row *r, const char *origin, long amount)
{
    const peer_message message = {.file = getenv("PROMPT")};
    const peer_prompt prompt = {&message, 1};
    if (!message.file) {
        rows_die("PROMPT names no file");
    }
    rows_repeat(rows_peer(origin, r->path), &prompt, 0, amount, NULL);
}

/* ---- many at once ---- */

/* What is known of the chunks of many streams. */
typedef struct rows_delays {
    size_t *seen; /* of each stream */
    double *first;
    double *later;
    size_t first_count;
    size_t later_count;
} rows_delays;

static double rows_microseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* A chunk says when it was sent. */
static void rows_delay(void *ctx, size_t stream, const char *text, size_t len)
{
    rows_delays *d = ctx;
    char digits[32];
    if (len >= sizeof digits || d->seen[stream] == CHUNKS) {
        rows_die("a chunk that nobody has sent");
    }
    memcpy(digits, text, len);
    digits[len] = '\0';
    double delay = (rows_microseconds() - strtod(digits, NULL)) / 1e3;
    if (d->seen[stream]++ == 0) {
        d->first[d->first_count++] = delay;
    } else {
        d->later[d->later_count++] = delay;
    }
}

static void rows_streams(const row *r, const char *origin, long amount)
{
    const size_t count = (size_t)amount;
    rows_delays d = {calloc(count, sizeof *d.seen), calloc(count, sizeof *d.first),
                     calloc(count * CHUNKS, sizeof *d.later), 0, 0};
    allow_files();
    peer *p = rows_peer(origin, r->path);
    double before = processor_seconds();
    peer_chat_many(p, &rows_small, count, rows_delay, &d);
    printf("cpu %.1f\n", (processor_seconds() - before) * 1e3);
    if (d.first_count + d.later_count != count * CHUNKS) {
        rows_die("chunks are missing");
    }
    printf("first50 %.3f\nfirst99 %.3f\ndelta50 %.3f\ndelta99 %.3f\n", rows_part(d.first, d.first_count, 0.5),
           rows_part(d.first, d.first_count, 0.99), rows_part(d.later, d.later_count, 0.5),
           rows_part(d.later, d.later_count, 0.99));
}

/* Streams that have begun. */
typedef struct rows_begun {
    size_t left;
    size_t count;
    double resident;
    double private;
} rows_begun;

static void rows_begins(void *ctx, size_t stream, const char *text, size_t len)
{
    rows_begun *begun = ctx;
    (void)stream;
    (void)text;
    (void)len;
    if (--begun->left == 0) {
        printf("resident %.0f\nprivate %.0f\n", (resident() - begun->resident) / (double)begun->count,
               (private_bytes() - begun->private) / (double)begun->count);
        exit(0);
    }
}

static void rows_hold(const row *r, const char *origin, long amount)
{
    const size_t count = (size_t)amount;
    allow_files();
    char url[256];
    snprintf(url, sizeof url, "%s/one", origin);
    peer *p = peer_new(url);
    peer_chat(p, &rows_small, NULL, NULL); /* what is needed once */
    peer_free(p);
    p = rows_peer(origin, r->path);
    rows_begun begun = {count, count, resident(), private_bytes()};
    peer_chat_many(p, &rows_small, count, rows_begins, &begun);
}

static const row rows[] = {
    {"start", rows_start, "/one", 1},
    {"chat", rows_chat, "/chunks/200", 20},
    {"paced", rows_chat, "/paced/200/2", 5},
    {"big-list", rows_big, "/one", 100},
    {"big-one", rows_big, "/one", 100},
    {"big-file", rows_big, "/one", 100},
    {"given", rows_given, "/one", 1},
    {"long", rows_long, "/chunks/20000", 5},
    {"long-shown", rows_long, "/chunks/20000", 5},
    {"streams", rows_streams, "/stamped/50/20", 500},
    {"hold", rows_hold, "/hold", 500},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc >= 3 && i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].name, argv[1]) == 0) {
            rows[i].run(&rows[i], argv[2], argc > 3 ? atol(argv[3]) : rows[i].amount);
            return 0;
        }
    }
    fprintf(stderr, "usage: %s ROW ORIGIN [AMOUNT]\n", argv[0]);
    return 2;
}
