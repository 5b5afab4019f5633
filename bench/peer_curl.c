/*
 * peer_curl.c: what a program would be that is written for one endpoint, over libcurl and yyjson (peer_json.h).
 * See peer.h.
 *
 * It is what the library is measured against, so it does nothing twice: one handle is kept for chats one after the
 * other, and many at once go over curl_multi_socket_action() and epoll. It checks no more than the status.
 */
#include "peer.h"
#include "peer_json.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

/* One chat. */
typedef struct chat {
    CURL *easy;
    char *body;
    events events;
} chat;

struct peer {
    char url[512];
    struct curl_slist *headers;
    chat one;
    CURLM *multi;
    int epoll;
    long timeout;
};

static void peer_die(const char *why)
{
    fprintf(stderr, "peer_curl: %s\n", why);
    exit(1);
}

/* ---- a chat ---- */

static size_t chat_on_body(char *data, size_t size, size_t count, void *user)
{
    events_take(user, data, size * count);
    return size * count;
}

static CURL *chat_handle(const peer *p, chat *c)
{
    CURL *easy = curl_easy_init();
    curl_easy_setopt(easy, CURLOPT_URL, p->url);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, p->headers);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, chat_on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &c->events);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, c);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    return easy;
}

static void chat_begin(chat *c, const peer_prompt *prompt, peer_show show, void *ctx)
{
    size_t len = 0;
    c->body = json_body(prompt, &len);
    events_begin(&c->events, show, ctx);
    curl_easy_setopt(c->easy, CURLOPT_POSTFIELDS, c->body);
    curl_easy_setopt(c->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
}

static size_t chat_end(chat *c, CURLcode result)
{
    long status = 0;
    curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
    if (result != CURLE_OK || status != 200 || !c->events.is_over) {
        peer_die(result != CURLE_OK ? curl_easy_strerror(result) : "the answer is none");
    }
    free(c->body);
    c->body = NULL;
    return c->events.len;
}

static void chat_free(chat *c)
{
    curl_easy_cleanup(c->easy);
    events_free(&c->events);
}

size_t peer_chat(peer *peer, const peer_prompt *prompt, peer_show show, void *ctx)
{
    chat *c = &peer->one;
    if (!c->easy) {
        c->easy = chat_handle(peer, c);
    }
    chat_begin(c, prompt, show, ctx);
    return chat_end(c, curl_easy_perform(c->easy));
}

/* ---- many at once ---- */

static int peer_on_socket(CURL *easy, curl_socket_t socket, int what, void *user, void *known)
{
    peer *p = user;
    struct epoll_event event = {.data.fd = socket};
    (void)easy;
    event.events = (what & CURL_POLL_IN ? EPOLLIN : 0U) | (what & CURL_POLL_OUT ? EPOLLOUT : 0U);
    if (what == CURL_POLL_REMOVE) {
        epoll_ctl(p->epoll, EPOLL_CTL_DEL, socket, NULL);
        return 0;
    }
    if (epoll_ctl(p->epoll, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, socket, &event) != 0) {
        peer_die("a socket cannot be watched");
    }
    curl_multi_assign(p->multi, socket, p);
    return 0;
}

static int peer_on_timer(CURLM *multi, long timeout, void *user)
{
    (void)multi;
    ((peer *)user)->timeout = timeout;
    return 0;
}

/* Ends the chats that are over, and returns how many there were. */
static size_t peer_collect(peer *p)
{
    size_t ended = 0;
    int left;
    CURLMsg *message;
    while ((message = curl_multi_info_read(p->multi, &left)) != NULL) {
        chat *c = NULL;
        CURL *easy = message->easy_handle;
        CURLcode result = message->data.result;
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, &c);
        curl_multi_remove_handle(p->multi, easy);
        chat_end(c, result);
        chat_free(c);
        ended++;
    }
    return ended;
}

void peer_chat_many(peer *peer, const peer_prompt *prompt, size_t count, peer_show show, void *ctx)
{
    chat *chats = calloc(count, sizeof *chats);
    int running = 0;
    peer->multi = curl_multi_init();
    peer->epoll = epoll_create1(EPOLL_CLOEXEC);
    peer->timeout = -1;
    curl_multi_setopt(peer->multi, CURLMOPT_SOCKETFUNCTION, peer_on_socket);
    curl_multi_setopt(peer->multi, CURLMOPT_SOCKETDATA, peer);
    curl_multi_setopt(peer->multi, CURLMOPT_TIMERFUNCTION, peer_on_timer);
    curl_multi_setopt(peer->multi, CURLMOPT_TIMERDATA, peer);
    for (size_t i = 0; i < count; i++) {
        chats[i].events.number = i;
        chats[i].easy = chat_handle(peer, &chats[i]);
        chat_begin(&chats[i], prompt, show, ctx);
        curl_multi_add_handle(peer->multi, chats[i].easy);
    }
    for (size_t left = count; left > 0; left -= peer_collect(peer)) {
        struct epoll_event ready[64];
        int found = epoll_wait(peer->epoll, ready, 64, (int)peer->timeout);
        for (int i = 0; i < found; i++) {
            int what = (ready[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR) ? CURL_CSELECT_IN : 0) |
                       (ready[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0);
            curl_multi_socket_action(peer->multi, ready[i].data.fd, what, &running);
        }
        if (found <= 0) {
            curl_multi_socket_action(peer->multi, CURL_SOCKET_TIMEOUT, 0, &running);
        }
    }
    curl_multi_cleanup(peer->multi);
    free(chats);
}

/* ---- life ---- */

peer *peer_new(const char *base_url)
{
    peer *p = calloc(1, sizeof *p);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    snprintf(p->url, sizeof p->url, "%s/chat/completions", base_url);
    p->headers = curl_slist_append(NULL, "Content-Type: application/json");
    p->headers = curl_slist_append(p->headers, "Accept: text/event-stream, application/json");
    p->headers = curl_slist_append(p->headers, "Authorization: Bearer sk-bench");
    p->headers = curl_slist_append(p->headers, "Expect:");
    return p;
}

void peer_free(peer *peer)
{
    chat_free(&peer->one);
    curl_slist_free_all(peer->headers);
    free(peer);
}
