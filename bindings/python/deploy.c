/*
 * deploy.c: a dict of options → exo_deployment, for Client.deploy(); and back, for config().
 *
 * Everything that the library copies is borrowed of the dict while it is asked to.
 */
#include "client.h"

#include "json.h"
#include "options.h"
#include "strings.h"

/* What the dict says: the struct itself for what can be read into it, and the rest as objects. */
typedef struct deploy_options {
    exo_deployment deployment;
    PyObject *headers;
    PyObject *extra_body;
    PyObject *drop;
    PyObject *rename;
    PyObject *ca_pem;
    PyObject *resolve;
} deploy_options;

#define DEPLOY_FIELD(field, kind) \
    { \
#field, kind, offsetof(deploy_options, deployment) + offsetof(exo_deployment, field) \
    }
#define DEPLOY_OBJECT(field) EXOPY_OPTION(deploy_options, field, EXOPY_OBJECT)

static const exopy_option deploy_table[] = {
    DEPLOY_FIELD(base_url, EXOPY_TEXT),
    DEPLOY_FIELD(api_key, EXOPY_TEXT),
    DEPLOY_FIELD(auth_header, EXOPY_TEXT),
    DEPLOY_FIELD(auth_scheme, EXOPY_TEXT),
    DEPLOY_FIELD(model, EXOPY_TEXT),
    DEPLOY_FIELD(connect_timeout, EXOPY_INT64),
    DEPLOY_FIELD(stream_ttft_timeout, EXOPY_INT64),
    DEPLOY_FIELD(request_timeout, EXOPY_INT64),
    DEPLOY_FIELD(ttft_until, EXOPY_UNTIL),
    DEPLOY_FIELD(lenient_end, EXOPY_BOOL),
    DEPLOY_FIELD(strict_stream, EXOPY_BOOL),
    DEPLOY_FIELD(think_tags, EXOPY_BOOL),
    DEPLOY_FIELD(chunked, EXOPY_BOOL),
    DEPLOY_FIELD(http2, EXOPY_BOOL),
    DEPLOY_FIELD(ca_file, EXOPY_TEXT),
    DEPLOY_FIELD(ca_dir, EXOPY_TEXT),
    DEPLOY_FIELD(client_cert, EXOPY_TEXT),
    DEPLOY_FIELD(client_key, EXOPY_TEXT),
    DEPLOY_FIELD(proxy, EXOPY_TEXT),
    DEPLOY_FIELD(unix_socket, EXOPY_TEXT),
    DEPLOY_OBJECT(headers),
    DEPLOY_OBJECT(extra_body),
    DEPLOY_OBJECT(drop),
    DEPLOY_OBJECT(rename),
    DEPLOY_OBJECT(ca_pem),
    DEPLOY_OBJECT(resolve),
};

/* The fields that are lists. */
static bool deploy_read_lists(deploy_options *said, exopy_strings *strings)
{
    exo_deployment *d = &said->deployment;
    return (!said->headers || exopy_strings_pairs(strings, said->headers, "headers", &d->headers, &d->header_count)) &&
           (!said->drop || exopy_strings_list(strings, said->drop, "drop", &d->drop, &d->drop_count)) &&
           (!said->rename || exopy_strings_pairs(strings, said->rename, "rename", &d->rename, &d->rename_count)) &&
           (!said->resolve || exopy_strings_list(strings, said->resolve, "resolve", &d->resolve, &d->resolve_count));
}

/* Runs code of the caller's (mappings in extra_body): the client is looked at again afterwards. */
static bool deploy_read_bytes(exopy_state *state, deploy_options *said, exo_buffer *extra_body, exopy_text *ca_pem)
{
    if (said->extra_body) {
        if (!exopy_json(state, said->extra_body, "extra_body", extra_body)) {
            return false;
        }
        said->deployment.extra_body = extra_body->data;
    }
    if (said->ca_pem) {
        if (!exopy_text_get(ca_pem, said->ca_pem, "ca_pem")) {
            return false;
        }
        said->deployment.ca_pem = ca_pem->span;
    }
    return true;
}

bool exopy_client_deploy(exopy_client *client, PyObject *name, PyObject *options)
{
    exopy_strings strings = {0};
    exo_buffer extra_body = {0};
    exopy_text ca_pem = {0};
    deploy_options said = {.deployment = EXO_DEPLOYMENT_INIT};
    const char *model = exopy_strings_text(&strings, name, "name");
    bool deployed =
        model && exopy_options_read(options, deploy_table, sizeof deploy_table / sizeof deploy_table[0], &said) &&
        deploy_read_lists(&said, &strings) &&
        deploy_read_bytes(exopy_state_of((PyObject *)client), &said, &extra_body, &ca_pem) && exopy_client_is(client);
    if (deployed) {
        int code = exo_client_deploy(client->client, model, &said.deployment);
        deployed = code == EXO_OK;
        if (!deployed) {
            exopy_client_raise(client, code);
        }
    }
    exo_buffer_free(&extra_body);
    exopy_text_free(&ca_pem);
    exopy_strings_free(&strings);
    return deployed;
}

/* ---- back ---- */

/* A dict of pairs. */
static PyObject *deploy_pairs(const exo_header *pairs, size_t count)
{
    PyObject *dict = PyDict_New();
    for (size_t i = 0; dict && i < count; i++) {
        if (!exopy_dict_set(dict, pairs[i].name, exopy_str(exo_span_text(pairs[i].value)))) {
            Py_CLEAR(dict);
        }
    }
    return dict;
}

static PyObject *deploy_list(const char *const *texts, size_t count)
{
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list && i < count; i++) {
        PyObject *text = exopy_str(exo_span_text(texts[i]));
        if (!text || PyList_Append(list, text) < 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(text);
    }
    return list;
}

/* What json.loads() makes of a text. */
static PyObject *deploy_json(const char *text)
{
    PyObject *loads = exopy_import("json", "loads");
    PyObject *value = loads ? PyObject_CallFunction(loads, "s", text) : NULL;
    Py_XDECREF(loads);
    return value;
}

static bool deploy_write_lists(PyObject *dict, const exo_deployment *d)
{
    return (d->header_count == 0 || exopy_dict_set(dict, "headers", deploy_pairs(d->headers, d->header_count))) &&
           (d->drop_count == 0 || exopy_dict_set(dict, "drop", deploy_list(d->drop, d->drop_count))) &&
           (d->rename_count == 0 || exopy_dict_set(dict, "rename", deploy_pairs(d->rename, d->rename_count))) &&
           (d->resolve_count == 0 || exopy_dict_set(dict, "resolve", deploy_list(d->resolve, d->resolve_count))) &&
           (!d->extra_body || exopy_dict_set(dict, "extra_body", deploy_json(d->extra_body)));
}

PyObject *exopy_deployment_dict(const exo_deployment *deployment)
{
    static const deploy_options standard = {.deployment = EXO_DEPLOYMENT_INIT};
    deploy_options said = {.deployment = *deployment};
    PyObject *dict = PyDict_New();
    size_t count = sizeof deploy_table / sizeof deploy_table[0];
    if (dict &&
        (!exopy_options_write(dict, deploy_table, count, &said, &standard) || !deploy_write_lists(dict, deployment))) {
        Py_CLEAR(dict);
    }
    return dict;
}
