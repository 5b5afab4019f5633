/*
 * endpoint.c: questions about an endpoint that are no chat: which models it serves, and by which root certificate its
 * host is verified.
 *
 * Both block, on a connection of their own. Memory: the list of models, at most limits.event bytes; a certificate.
 */
#include "engine.h"

#include "curl/options.h"
#include "heap.h"

#include "exochat/json_read.h"

/* One blocking transfer. */
typedef struct question {
    exo_deployed *deployed;
    CURL *easy;
    struct curl_slist *headers;
    struct curl_slist *resolve;
    exo_buffer body;
    exo_failure *failure;
    int code; /* why we broke it off ourselves, or EXO_OK */
    char text[CURL_ERROR_SIZE];
} question;

static size_t on_answer(char *data, size_t size, size_t count, void *user)
{
    question *q = user;
    q->code = exo_buffer_append(&q->body, exo_span_of(data, size * count));
    return q->code < 0 ? 0 : size * count;
}

static int refuse(question *q, int code, const char *words)
{
    exo_failure_set(q->failure, code, exo_span_text(words));
    return code;
}

static void question_free(question *q)
{
    curl_easy_cleanup(q->easy);
    exo_headers_free(q->headers);
    curl_slist_free_all(q->resolve);
    exo_buffer_free(&q->body);
    exo_deployed_drop(q->deployed);
}

static int question_init(question *q, exo_client *client, const char *model, exo_failure *failure)
{
    memset(q, 0, sizeof *q);
    q->failure = failure;
    exo_failure_clear(failure);
    exo_buffer_init(&q->body, &exo_heap, client->limits.event, EXO_E_EVENT_LIMIT);
    exo_deployed *deployed = model ? exo_registry_deployed(&client->registry, model) : NULL;
    if (client->pid != getpid()) {
        return refuse(q, EXO_E_FORKED, "");
    }
    if (!deployed) {
        exo_client_say(client, "model: no deployment is named %s", model ? model : "\"\"");
        return refuse(q, EXO_E_UNKNOWN_MODEL, client->message);
    }
    if (client->live > 0 && client->left_at < 0) {
        client->left_at = exo_clock_real(); /* calls stand still meanwhile, and so do their clocks */
    }
    q->deployed = exo_deployed_keep(deployed);
    q->easy = curl_easy_init();
    q->headers = exo_deployed_headers(q->deployed, NULL, false);
    if (!q->easy || !q->headers) {
        return refuse(q, EXO_E_NO_MEMORY, "");
    }
    CURLcode configured = exo_transport_configure(q->deployed, q->easy, &q->resolve);
    if (configured != CURLE_OK) {
        return refuse(q, configured == CURLE_OUT_OF_MEMORY ? EXO_E_NO_MEMORY : EXO_E_ARGUMENT,
                      curl_easy_strerror(configured));
    }
    const exo_deployment *o = &q->deployed->options;
    curl_easy_setopt(q->easy, CURLOPT_ERRORBUFFER, q->text);
    curl_easy_setopt(q->easy, CURLOPT_WRITEFUNCTION, on_answer);
    curl_easy_setopt(q->easy, CURLOPT_WRITEDATA, q);
    if (o->connect_timeout > 0) {
        curl_easy_setopt(q->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)o->connect_timeout);
    }
    if (o->request_timeout > 0) {
        curl_easy_setopt(q->easy, CURLOPT_TIMEOUT_MS, (long)(o->connect_timeout + o->request_timeout));
    }
    return EXO_OK;
}

static int ask(question *q)
{
    CURLcode result = curl_easy_perform(q->easy);
    exo_transport_censor(q->text);
    if (q->code < 0) {
        return refuse(q, q->code, "");
    }
    if (result == CURLE_OPERATION_TIMEDOUT) {
        curl_off_t connected = 0;
        curl_easy_getinfo(q->easy, CURLINFO_PRETRANSFER_TIME_T, &connected);
        return refuse(q, connected > 0 ? EXO_E_CLOCK_IDLE : EXO_E_CLOCK_CONNECT, q->text);
    }
    return result == CURLE_OK ? EXO_OK : refuse(q, exo_transport_code(result), q->text);
}

/* ---- models ---- */

/* Gives the "id" of one element of "data" to `each`. */
static int read_model(exo_json_reader *reader, void (*each)(void *ctx, exo_span id), void *ctx)
{
    exo_json_token token;
    int code;
    while ((code = exo_json_next(reader, &token)) == EXO_EVENT && token.type == EXO_JSON_KEY) {
        if (!exo_json_is(&token, "id")) {
            code = exo_json_skip(reader, NULL);
        } else if ((code = exo_json_next(reader, &token)) == EXO_EVENT && token.type == EXO_JSON_STRING) {
            char id[256];
            each(ctx, exo_span_of(id, exo_json_copy(&token, id, sizeof id)));
        }
        if (code < 0) {
            return code;
        }
    }
    return code < 0 ? code : EXO_OK;
}

/* Reads {"data": [{"id": …} …]}, or the array alone. EXO_OK, EXO_NOT_FOUND when there is no such list, or an error. */
static int read_models(exo_span body, void (*each)(void *ctx, exo_span id), void *ctx)
{
    exo_json_reader reader;
    exo_json_token token;
    exo_json_reader_init(&reader, body, EXO_JSON_DEPTH_MAX, true);
    int code = exo_json_next(&reader, &token);
    if (code == EXO_EVENT && token.type == EXO_JSON_OBJECT) {
        while ((code = exo_json_next(&reader, &token)) == EXO_EVENT && token.type == EXO_JSON_KEY) {
            if (exo_json_is(&token, "data")) {
                code = exo_json_next(&reader, &token);
                break;
            }
            code = exo_json_skip(&reader, NULL);
            if (code < 0) {
                return code;
            }
        }
    }
    if (code != EXO_EVENT || token.type != EXO_JSON_ARRAY) {
        return code < 0 ? code : EXO_NOT_FOUND;
    }
    while ((code = exo_json_next(&reader, &token)) == EXO_EVENT && token.type == EXO_JSON_OBJECT) {
        code = read_model(&reader, each, ctx);
        if (code < 0) {
            return code;
        }
    }
    return code < 0 ? code : EXO_OK;
}

int exo_client_models(exo_client *client, const char *model, void (*each)(void *ctx, exo_span id), void *ctx,
                      exo_failure *failure)
{
    question q;
    long status = 0;
    int code = question_init(&q, client, model, failure);
    if (code == EXO_OK) {
        curl_easy_setopt(q.easy, CURLOPT_URL, q.deployed->url.models);
        curl_easy_setopt(q.easy, CURLOPT_HTTPHEADER, q.headers);
        code = ask(&q);
    }
    if (code == EXO_OK) {
        curl_easy_getinfo(q.easy, CURLINFO_RESPONSE_CODE, &status);
        if (status / 100 != 2) {
            exo_failure_from_response(failure, (uint16_t)status, exo_buffer_span(&q.body));
            code = failure->code;
        } else if ((code = read_models(exo_buffer_span(&q.body), each, ctx)) != EXO_OK) {
            code = refuse(&q, EXO_E_NOT_A_STREAM, "GET /models did not answer with a list of models");
        }
    }
    if (q.deployed) {
        exo_deployed_censor(q.deployed, failure);
    }
    question_free(&q);
    return code;
}

/* ---- root certificate ---- */

/* Who wants the root, and what became of that. */
typedef struct root_wanted {
    question *q;
    void (*pem)(void *ctx, exo_span pem);
    void *ctx;
    int code;
} root_wanted;

#ifdef EXO_OPENSSL
#include <openssl/pem.h>
#include <openssl/ssl.h>

/* The root of the chain by which the connection of `q` was verified, as PEM. */
static int give_root(question *q, void (*pem)(void *ctx, exo_span pem), void *ctx)
{
    struct curl_tlssessioninfo *session = NULL;
    if (curl_easy_getinfo(q->easy, CURLINFO_TLS_SSL_PTR, &session) != CURLE_OK || !session ||
        session->backend != CURLSSLBACKEND_OPENSSL || !session->internals) {
        return refuse(q, EXO_E_STATE, "this libcurl does not show its TLS session");
    }
    STACK_OF(X509) *chain = SSL_get0_verified_chain(session->internals);
    BIO *memory = BIO_new(BIO_s_mem());
    char *text = NULL;
    int code = refuse(q, EXO_E_TLS, "the connection has no verified chain of certificates");
    if (memory && chain && sk_X509_num(chain) > 0 &&
        PEM_write_bio_X509(memory, sk_X509_value(chain, sk_X509_num(chain) - 1)) == 1) {
        long len = BIO_get_mem_data(memory, &text);
        pem(ctx, exo_span_of(text, (size_t)len));
        exo_failure_clear(q->failure);
        code = EXO_OK;
    }
    BIO_free(memory);
    return code;
}
#else
static int give_root(question *q, void (*pem)(void *ctx, exo_span pem), void *ctx)
{
    (void)pem;
    (void)ctx;
    return refuse(q, EXO_E_STATE, "this libexochat was built without OpenSSL");
}
#endif

/* The connection stands. Now is the time to ask: libcurl shows the TLS session only while a transfer has it. */
static int on_connection(void *user, char *remote, char *local, int remote_port, int local_port)
{
    root_wanted *wanted = user;
    (void)remote;
    (void)local;
    (void)remote_port;
    (void)local_port;
    wanted->code = give_root(wanted->q, wanted->pem, wanted->ctx);
    return CURL_PREREQFUNC_OK;
}

int exo_client_root(exo_client *client, const char *model, void (*pem)(void *ctx, exo_span pem), void *ctx,
                    exo_failure *failure)
{
    question q;
    root_wanted wanted = {&q, pem, ctx, EXO_E_STATE};
    int code = question_init(&q, client, model, failure);
    if (code == EXO_OK && !q.deployed->url.secure) {
        code = refuse(&q, EXO_E_URL, "base_url is not https: there is no certificate");
    }
    if (code == EXO_OK) {
        curl_easy_setopt(q.easy, CURLOPT_URL, q.deployed->url.chat);
        curl_easy_setopt(q.easy, CURLOPT_CONNECT_ONLY, 1L);
        curl_easy_setopt(q.easy, CURLOPT_PREREQFUNCTION, on_connection);
        curl_easy_setopt(q.easy, CURLOPT_PREREQDATA, &wanted);
        code = ask(&q);
    }
    if (code == EXO_OK) {
        code = wanted.code;
    }
    question_free(&q);
    return code;
}
