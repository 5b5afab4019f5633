/*
 * root.c: asks the TLS session of a connection for its root certificate. See root.h.
 *
 * The only file that knows OpenSSL; a build without EXO_OPENSSL says so in place of an answer.
 */
#include "root.h"

#include <stdio.h>

static int root_refuse(int code, const char *words, char *message, size_t size)
{
    snprintf(message, size, "%s", words);
    return code;
}

#ifdef EXO_OPENSSL
#include <openssl/pem.h>
#include <openssl/ssl.h>

int exo_root_of(exo_exchange *exchange, void (*pem)(void *ctx, exo_span pem), void *ctx, char *message, size_t size)
{
    struct curl_tlssessioninfo *session = NULL;
    if (curl_easy_getinfo(exchange->curl.easy, CURLINFO_TLS_SSL_PTR, &session) != CURLE_OK || !session ||
        session->backend != CURLSSLBACKEND_OPENSSL || !session->internals) {
        return root_refuse(EXO_E_STATE, "this libcurl does not show its TLS session", message, size);
    }
    STACK_OF(X509) *chain = SSL_get0_verified_chain(session->internals);
    BIO *memory = BIO_new(BIO_s_mem());
    char *text = NULL;
    int code = root_refuse(EXO_E_TLS, "the connection has no verified chain of certificates", message, size);
    if (memory && chain && sk_X509_num(chain) > 0 &&
        PEM_write_bio_X509(memory, sk_X509_value(chain, sk_X509_num(chain) - 1)) == 1) {
        long len = BIO_get_mem_data(memory, &text);
        pem(ctx, exo_span_of(text, (size_t)len));
        code = root_refuse(EXO_OK, "", message, size);
    }
    BIO_free(memory);
    return code;
}
#else
int exo_root_of(exo_exchange *exchange, void (*pem)(void *ctx, exo_span pem), void *ctx, char *message, size_t size)
{
    (void)exchange;
    (void)pem;
    (void)ctx;
    return root_refuse(EXO_E_STATE, "this libexochat was built without OpenSSL", message, size);
}
#endif
