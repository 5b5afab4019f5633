/*
 * peer.h: a client that is measured, as rows.c drives it: peer_exochat.c is this library, peer_curl.c a bare program
 * over libcurl and yyjson. Both do the same work: a request is made of messages, sent to BASE_URL/chat/completions, and
 * the text of the answer's events is put together and, where somebody wants to see it, shown piece by piece.
 *
 * Whatever goes wrong ends the process.
 */
#ifndef EXO_BENCH_PEER_H
#define EXO_BENCH_PEER_H

#include <stdbool.h>
#include <stddef.h>

/* A message of a prompt: text, or a file that has it. */
typedef struct peer_message {
    bool is_ours; /* an assistant's; else a user's */
    const char *text;
    size_t len;
    const char *file; /* NULL: `text` */
} peer_message;

/* What is asked. */
typedef struct peer_prompt {
    const peer_message *messages;
    size_t count;
} peer_prompt;

/* A piece of the text of stream number `stream`. */
typedef void (*peer_show)(void *ctx, size_t stream, const char *text, size_t len);

typedef struct peer peer;

peer *peer_new(const char *base_url);

/* Asks, and returns the length of the answer's text. `show` NULL: it is wanted as a whole. */
size_t peer_chat(peer *peer, const peer_prompt *prompt, peer_show show, void *ctx);

/* Asks `count` times at once, on this thread. */
void peer_chat_many(peer *peer, const peer_prompt *prompt, size_t count, peer_show show, void *ctx);

void peer_free(peer *peer);

#endif
