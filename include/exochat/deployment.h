/*
 * deployment.h: where a model is served, and how: what exo_client_deploy() (client.h) is given.
 */
#ifndef EXOCHAT_DEPLOYMENT_H
#define EXOCHAT_DEPLOYMENT_H

#include "exochat/attempt.h"
#include "exochat/clock.h"
#include "exochat/options.h"
#include "exochat/span.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A name and a value. A value that is NULL is the empty one. */
typedef struct exo_header {
    const char *name;
    const char *value;
} exo_header;

/* X(type, field, default): the fields of exo_deployment. Times are milliseconds, at most a day; 0 switches a clock off.
 */
/* clang-format off */
#define EXO_DEPLOYMENT_MAP(X) \
    X(const char *, base_url, NULL)                         /* absolute http or https URL without userinfo; \
                                                               /chat/completions is appended to its path, before a \
                                                               query */ \
    X(const char *, api_key, NULL)                          /* NULL or "": no authentication is sent */ \
    X(const char *, auth_header, NULL)                      /* NULL: "Authorization"; never one that frames or \
                                                               routes the message, or is sent anyway */ \
    X(const char *, auth_scheme, NULL)                      /* NULL: "Bearer"; "": the key alone (Azure: \
                                                               auth_header "api-key", auth_scheme "") */ \
    X(const char *, model, NULL)                            /* sent as "model"; NULL: the name under which it is \
                                                               deployed */ \
    X(const exo_header *, headers, NULL)                    /* extra headers; never in place of the authentication \
                                                               and Content-Type. One that frames or routes the \
                                                               message (Content-Length, Host, Connection, …) is \
                                                               EXO_E_HEADER */ \
    X(size_t, header_count, 0) \
    X(const char *, extra_body, NULL)                       /* JSON object: keys that are sent where the request \
                                                               has none; NULL: none */ \
    X(const char *const *, drop, NULL)                      /* top-level keys that are not sent */ \
    X(size_t, drop_count, 0) \
    X(const exo_header *, rename, NULL)                     /* top-level keys that are sent under another name: \
                                                               name → value */ \
    X(size_t, rename_count, 0) \
    X(int64_t, connect_timeout, EXO_CLOCK_DEFAULT_CONNECT)  /* 10 s: attempt starts → TCP and TLS are up; \
                                                               waiting for a bound of the client (bounds.h) does \
                                                               not count */ \
    X(int64_t, stream_ttft_timeout, EXO_CLOCK_DEFAULT_FIRST_EVENT) /* EXO_CLOCK_AUTO: body sent → first data event. \
                                                                      That is 15 s while another deployment is left \
                                                                      that was not tried yet, and otherwise as long \
                                                                      as request_timeout; a number always holds */ \
    X(int64_t, request_timeout, EXO_CLOCK_DEFAULT_IDLE)     /* 120 s: without progress */ \
    X(exo_ttft_until, ttft_until, EXO_UNTIL_EVENT)          /* which event ends the first-event clock */ \
    X(bool, lenient_end, false)                             /* accept a clean end of the stream without \
                                                               finish_reason and [DONE] */ \
    X(bool, strict_stream, false)                           /* refuse a whole completion, and lines of JSON, in \
                                                               place of a stream */ \
    X(bool, think_tags, false)                              /* a <think> block at the start of the content is \
                                                               reasoning */ \
    X(bool, chunked, false)                                 /* send the body with chunked coding, not with \
                                                               Content-Length */ \
    X(bool, http2, false)                                   /* offer HTTP/2 by ALPN; early answers may be lost with \
                                                               it (libcurl) */ \
    X(const char *, ca_file, NULL)                          /* PEM; NULL: the system's. It and the two below are \
                                                               for an https proxy too */ \
    X(const char *, ca_dir, NULL)                           /* folder of hashed certificates; NULL: none */ \
    X(exo_span, ca_pem, {NULL, 0})                          /* PEM bytes in place of ca_file */ \
    X(const char *, client_cert, NULL)                      /* PEM files; NULL: none */ \
    X(const char *, client_key, NULL) \
    X(const char *, proxy, NULL)                            /* http, https, socks4, socks4a, socks5, socks5h URL; \
                                                               NULL: from the environment; "": none */ \
    X(const char *, unix_socket, NULL)                      /* path of a unix-domain socket to connect to in place \
                                                               of the host */ \
    X(const char *const *, resolve, NULL)                   /* "host:port:address[,address]…" entries that take the \
                                                               place of name resolution */ \
    X(size_t, resolve_count, 0)
/* clang-format on */

/* Where a model is served, and how. Everything is copied by exo_client_deploy(); the copy of the key is wiped when it
 * is freed. Begin with EXO_DEPLOYMENT_INIT and set base_url.
 *
 * Deployments of one host and port share connections and looked up names if resolve, proxy, unix_socket, http2,
 * client_cert, client_key, ca_file, ca_dir and ca_pem are equal, whatever their keys; no others do. */
typedef struct exo_deployment {
    size_t size; /* sizeof(exo_deployment), set by the macro */
    EXO_DEPLOYMENT_MAP(EXO_OPTION_FIELD)
} exo_deployment;

/* The defaults of a deployment: the clocks' of clock.h, Authorization: Bearer, HTTP/1.1. */
#define EXO_DEPLOYMENT_INIT \
    { \
        sizeof(exo_deployment) EXO_DEPLOYMENT_MAP(EXO_OPTION_DEFAULT) \
    }

/* Frees what exo_client_deployment_of() gave (client.h), and no other. NULL is allowed. */
void exo_deployment_free(exo_deployment *deployment);

#ifdef __cplusplus
}
#endif

#endif
