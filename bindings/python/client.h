/*
 * client.h: the objects Client and Call, as the files that make them see each other.
 */
#ifndef EXOPY_CLIENT_H
#define EXOPY_CLIENT_H

#include "join.h"
#include "pace.h"
#include "tape.h"

struct exopy_call;

/* A client and the calls under way, which it holds. */
typedef struct exopy_client {
    PyObject ob_base;
    exo_client *client;       /* NULL: closed */
    struct exopy_call *calls; /* those under way */
    Py_ssize_t call_count;
    PyObject *deployed; /* dict: name → the options that it was deployed with */
    PyObject *watched;  /* list of (socket, what) that were not asked for yet; NULL: not in this mode */
    exopy_pace pace;
    int waiting;       /* threads in wait() */
    bool busy;         /* the library is at work: what would end a call waits until it is not */
    bool closing;      /* to be closed then */
    size_t bytes_read; /* of answers, in this turn */
    int64_t due;       /* in how many milliseconds, as this turn has left it */
    exo_limits limits;
} exopy_client;

/* The body of a call that is given in pieces. */
typedef struct exopy_given {
    exo_source source;
    exo_buffer bytes;
    size_t at; /* how many of them were read */
    bool complete;
} exopy_given;

/* One call. */
typedef struct exopy_call {
    PyObject ob_base;
    exopy_client *client; /* held while the call is under way, and NULL afterwards */
    struct exopy_call *previous;
    struct exopy_call *next;
    exo_call *call;
    exo_reply *reply; /* once it has ended */
    PyObject *user;
    PyObject *answers; /* dict: choice → Answer or None, those that were asked for */
    bool cancelled;    /* to be cancelled as soon as the library is not at work */
    bool is_given;
    bool is_shown; /* what comes of its answer is handed out */
    exopy_tape tape;
    exo_cursor cursor;
    exopy_given given;
    exopy_join join;
} exopy_call;

/* Starts a call and adds it to those under way. `request` is NULL for a body that is given. NULL with an exception. */
PyObject *exopy_call_start(exopy_client *client, PyObject *model, PyObject *request, PyObject *options, PyObject *user);

/* Ends a call: takes its reply, and lets go of all that it needed while it was under way. The client lets go of it. */
void exopy_call_end(exopy_call *self);

/* Whether the client is open and nobody is at work with it. False with RuntimeError. */
bool exopy_client_is(exopy_client *self);

/* Deploys `name` with these options. False with an exception. */
bool exopy_client_deploy(exopy_client *client, PyObject *name, PyObject *options);

/* What of a deployment is not the default, as Client.deploy() takes it. NULL with an exception. */
PyObject *exopy_deployment_dict(const exo_deployment *deployment);

/* config(path). NULL with ValueError, or RuntimeError where the library reads no configurations. */
PyObject *exopy_config(PyObject *module, PyObject *path);

/* Raises what a code of the library means, in the words that the client has for it. */
void exopy_client_raise(const exopy_client *self, int code);

#endif
