/*
 * result.c: libcurl's results → codes of error.h. See result.h.
 *
 * Called at the end of an exchange; it changes nothing. What libcurl does not say by its code it says by its words.
 */
#include "result.h"

#include <stdio.h>

static bool result_says(const exo_exchange *x, const char *words)
{
    return strstr(x->curl.text, words) != NULL;
}

static bool result_is_answered(const exo_exchange *x)
{
    return x->place >= EXCHANGE_ANSWERED;
}

/* Where nothing tells, it is. Over HTTP/2 the sockets tell nothing, and libcurl tells all, since no frame is half a
 * line. */
static bool result_may_be_answered(const exo_exchange *x)
{
    return result_is_answered(x) || (x->curl.reused && !x->curl.is_told && !x->sent.deployed->options.http2);
}

/* libcurl was about to try again by itself. Its counters and its words are of that try. */
static bool result_began_anew(const exo_exchange *x)
{
    return x->curl.began_anew || x->curl.result == CURLE_SEND_FAIL_REWIND ||
           x->curl.result == CURLE_ABORTED_BY_CALLBACK;
}

static bool result_upload_was_cut(const exo_exchange *x)
{
    if (!x->sent.body || x->place != EXCHANGE_STANDS) {
        return false;
    }
    if (x->sent.is_whole && x->sent.accepted == 0) { /* not even its head went out */
        return false;
    }
    uint64_t written = exo_encoding_written(x->sent.body);
    return written > 0 && (!x->sent.read || (x->sent.accepted < written && !result_began_anew(x)));
}

/* With TLS 1.3 a server that misses the client's certificate says so when the client takes the handshake for done. */
static bool result_was_alerted(const exo_exchange *x)
{
    return !result_is_answered(x) && result_says(x, "SSL") && result_says(x, " alert ");
}

/* Before the connection stands, nobody but a proxy is spoken to in the clear. */
static bool result_proxy_failed(const exo_exchange *x)
{
    long status = 0;
    curl_easy_getinfo(x->curl.easy, CURLINFO_HTTP_CONNECTCODE, &status);
    return x->place == EXCHANGE_CONNECTS &&
           (status >= 300 || x->curl.result == CURLE_RECV_ERROR || x->curl.result == CURLE_SEND_ERROR);
}

static int result_of_receiving(const exo_exchange *x)
{
    if (result_says(x, "chunked-encoding")) {
        return EXO_E_CHUNK;
    }
    if (result_upload_was_cut(x)) {
        return EXO_E_RESET_IN_UPLOAD;
    }
    return x->place == EXCHANGE_CONNECTS ? EXO_E_CONNECT : result_is_answered(x) ? EXO_E_RECEIVE : EXO_E_CLOSED;
}

void exo_result_censor(char text[CURL_ERROR_SIZE])
{
    static const char quoting[] = "Unsupported proxy ";
    if (strncmp(text, quoting, sizeof quoting - 1) == 0) { /* its address follows, password included */
        snprintf(text, CURL_ERROR_SIZE, "Unsupported proxy address");
    }
}

/* What a result means by itself: EXO_OK or an error of class TRANSPORT, VIOLATION or LIMIT. */
static int result_by_itself(CURLcode result)
{
    switch (result) {
    case CURLE_OK:
        return EXO_OK;
    case CURLE_OUT_OF_MEMORY:
        return EXO_E_NO_MEMORY;
    case CURLE_COULDNT_RESOLVE_HOST:
        return EXO_E_RESOLVE;
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_PROXY:
        return EXO_E_PROXY;
    case CURLE_COULDNT_CONNECT:
    case CURLE_INTERFACE_FAILED:
        return EXO_E_CONNECT;
    case CURLE_OPERATION_TIMEDOUT: /* the only time limit that libcurl has of us */
        return EXO_E_CLOCK_CONNECT;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ENGINE_SETFAILED:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_CLIENTCERT:
    case CURLE_USE_SSL_FAILED:
        return EXO_E_TLS;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
        return EXO_E_HEAD;
    case CURLE_PARTIAL_FILE:
        return EXO_E_BODY_CUT;
    case CURLE_BAD_CONTENT_ENCODING:
        return EXO_E_CODING;
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_FAIL_REWIND:
    case CURLE_ABORTED_BY_CALLBACK:
        return EXO_E_CLOSED;
    case CURLE_SEND_ERROR:
        return EXO_E_SEND;
    default:
        return EXO_E_RECEIVE;
    }
}

static int result_code(const exo_exchange *x)
{
    if (x->received.abort_code != EXO_OK) {
        return x->received.abort_code;
    }
    if (x->lacks.error != 0) {
        return EXO_E_LOCAL;
    }
    int code = x->curl.began_anew ? EXO_E_CLOSED : result_by_itself(x->curl.result);
    if (code == EXO_E_CLOCK_CONNECT) {
        return code;
    }
    if (code != EXO_OK && result_was_alerted(x)) {
        return EXO_E_TLS;
    }
    if (code != EXO_OK && result_proxy_failed(x)) {
        return EXO_E_PROXY;
    }
    switch (code) {
    case EXO_E_NO_MEMORY:
        /* What libcurl says of a header line that is larger than it accepts, and of a body that unpacks to more. */
        return x->place == EXCHANGE_STANDS || x->place == EXCHANGE_ANSWERED ? EXO_E_HEAD_LIMIT
               : x->received.encoded                                        ? EXO_E_EXPANSION_LIMIT
                                                                            : code;
    case EXO_E_BODY_CUT: /* over HTTP/2 it is said of a missing head too */
        return result_is_answered(x) ? code : result_upload_was_cut(x) ? EXO_E_RESET_IN_UPLOAD : EXO_E_CLOSED;
    case EXO_E_CLOSED:
        return result_upload_was_cut(x) ? EXO_E_RESET_IN_UPLOAD : code;
    case EXO_E_SEND:
        return result_is_answered(x) ? EXO_E_RECEIVE : result_upload_was_cut(x) ? EXO_E_RESET_IN_UPLOAD : code;
    case EXO_E_RECEIVE:
        return result_of_receiving(x);
    default:
        return code;
    }
}

void exo_result_ending(const exo_exchange *exchange, exo_ending *ending)
{
    ending->code = result_code(exchange);
    bool ours =
        exchange->received.abort_code != EXO_OK || result_began_anew(exchange) || ending->code == EXO_E_CLOCK_CONNECT;
    ending->words = ours ? exo_span_of(NULL, 0) : exo_span_text(exchange->curl.text);
    ending->byte_seen = result_may_be_answered(exchange);
}
