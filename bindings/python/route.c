/*
 * route.c: Route and Health: exo_route with the stops, the policy and the randomness that it borrows.
 *
 * Memory: one stop for each name of the lists.
 */
#include "options.h"

/* ---- Health ---- */

typedef struct health_object {
    PyObject ob_base;
    exo_route_health health;
} health_object;

static PyObject *health_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    (void)kwargs;
    return PyArg_ParseTuple(args, ":Health") ? exopy_alloc(type) : NULL;
}

static PyType_Slot health_slots[] = {
    {Py_tp_doc, "Health(): what is remembered of one deployment over all calls."},
    {Py_tp_new, EXOPY_SLOT(health_new)},
    {Py_tp_dealloc, EXOPY_SLOT(exopy_dealloc)},
    {0, NULL},
};

PyType_Spec exopy_health_spec = {
    "_exochat.Health", sizeof(health_object), 0, Py_TPFLAGS_DEFAULT, health_slots,
};

/* ---- Route ---- */

typedef struct route_object {
    PyObject ob_base;
    PyObject *kept; /* list of the Health objects that the stops point to */
    exo_route_stop *stops;
    uint32_t counts[2]; /* of the stops, and of those behind them for an exceeded context */
    uint32_t random_state;
    exo_random random;
    exo_route_policy policy;
    exo_route route;
} route_object;

static uint32_t route_random(void *ctx)
{
    uint32_t *state = ctx;
    *state = *state * UINT32_C(1664525) + UINT32_C(1013904223);
    return *state ^ (*state >> 16);
}

static void route_dealloc(PyObject *object)
{
    route_object *self = (route_object *)object;
    if (self->stops) {
        exo_route_abandon(&self->route); /* a probe is given back */
        PyMem_Free(self->stops);
    }
    Py_XDECREF(self->kept);
    exopy_dealloc(object);
}

static bool route_stop(route_object *self, PyObject *pair, exo_route_stop *stop)
{
    exopy_state *state = exopy_state_of((PyObject *)self);
    PyObject *health;
    unsigned int number;
    if (!PyTuple_Check(pair)) {
        PyErr_SetString(PyExc_TypeError, "Route(): pairs (number, Health or None) expected");
        return false;
    }
    if (!PyArg_ParseTuple(pair, "IO", &number, &health)) {
        return false;
    }
    stop->deployment = number;
    if (health == Py_None) {
        return true;
    }
    if (!PyObject_TypeCheck(health, state->health_type)) {
        PyErr_SetString(PyExc_TypeError, "Route(): Health or None expected");
        return false;
    }
    stop->health = &((health_object *)health)->health;
    return PyList_Append(self->kept, health) == 0;
}

/* Stores both lists one behind the other. */
static bool route_stops(route_object *self, PyObject *const lists[2])
{
    PyObject *all[2] = {PySequence_List(lists[0]), NULL};
    all[1] = all[0] ? PySequence_List(lists[1]) : NULL;
    bool stored = all[0] && all[1];
    size_t at = 0;
    if (stored) {
        size_t count = (size_t)PyList_Size(all[0]) + (size_t)PyList_Size(all[1]);
        self->stops = PyMem_Calloc(count + 1, sizeof *self->stops);
        self->kept = PyList_New(0);
        stored = self->stops && self->kept;
    }
    for (int i = 0; stored && i < 2; i++) {
        self->counts[i] = (uint32_t)PyList_Size(all[i]);
        for (uint32_t j = 0; stored && j < self->counts[i]; j++) {
            stored = route_stop(self, PyList_GetItem(all[i], (Py_ssize_t)j), &self->stops[at++]);
        }
    }
    Py_XDECREF(all[0]);
    Py_XDECREF(all[1]);
    return stored;
}

static PyObject *route_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *lists[2];
    PyObject *policy;
    unsigned int seed;
    (void)kwargs;
    if (!PyArg_ParseTuple(args, "OOOI:Route", &lists[0], &lists[1], &policy, &seed)) {
        return NULL;
    }
    route_object *self = (route_object *)exopy_alloc(type);
    if (!self) {
        return NULL;
    }
    self->policy = (exo_route_policy)EXO_ROUTE_POLICY_INIT;
    self->random_state = seed;
    self->random = (exo_random){&self->random_state, route_random};
    int code = EXO_E_ARGUMENT;
    if (route_stops(self, lists) && exopy_policy_read(policy, &self->policy)) {
        code = exo_route_init(&self->route, self->stops, self->counts[0], self->stops + self->counts[0],
                              self->counts[1], &self->policy, &self->random);
        if (code != EXO_OK) {
            exopy_raise(code);
        }
    }
    if (code != EXO_OK) {
        PyMem_Free(self->stops);
        self->stops = NULL; /* there is no route to be abandoned */
        if (!PyErr_Occurred()) {
            PyErr_NoMemory();
        }
        Py_CLEAR(self);
    }
    return (PyObject *)self;
}

static PyObject *route_call(PyObject *object, PyObject *args)
{
    long long now;
    long long left;
    int restart;
    if (!PyArg_ParseTuple(args, "LLp:call", &now, &left, &restart)) {
        return NULL;
    }
    exo_route_call(&((route_object *)object)->route, left < 0 ? -1 : now + left, restart != 0);
    Py_RETURN_NONE;
}

static PyObject *route_next(PyObject *object, PyObject *args)
{
    long long now;
    exo_route_action action;
    if (!PyArg_ParseTuple(args, "L:next", &now)) {
        return NULL;
    }
    exo_route_next(&((route_object *)object)->route, now, &action);
    int64_t wait = action.type == EXO_ROUTE_WAIT && action.until > now ? action.until - now : 0;
    return Py_BuildValue("(iIILOO)", (int)action.type, (unsigned)action.deployment, (unsigned)action.attempt,
                         (long long)wait, action.restart ? Py_True : Py_False, action.last ? Py_True : Py_False);
}

static PyObject *route_failed(PyObject *object, PyObject *args)
{
    long long now;
    PyObject *failure;
    unsigned int how;
    if (!PyArg_ParseTuple(args, "LOI:failed", &now, &failure, &how)) {
        return NULL;
    }
    const exo_failure *what = exopy_failure_of(exopy_state_of(object), failure);
    if (!what) {
        return NULL;
    }
    exo_route_failed(&((route_object *)object)->route, now, what, how);
    Py_RETURN_NONE;
}

static PyObject *route_succeeded(PyObject *object, PyObject *args)
{
    long long now;
    if (!PyArg_ParseTuple(args, "L:succeeded", &now)) {
        return NULL;
    }
    exo_route_succeeded(&((route_object *)object)->route, now);
    Py_RETURN_NONE;
}

static PyObject *route_abandon(PyObject *object, PyObject *ignored)
{
    (void)ignored;
    exo_route_abandon(&((route_object *)object)->route);
    Py_RETURN_NONE;
}

static PyMethodDef route_methods[] = {
    {"call", route_call, METH_VARARGS, "call(now, total_left, restart): what the route is to know of its call."},
    {"next", route_next, METH_VARARGS, "next(now): (what, deployment, attempt, wait, restart, last)."},
    {"failed", route_failed, METH_VARARGS, "failed(now, failure, how): the attempt failed."},
    {"succeeded", route_succeeded, METH_VARARGS, "succeeded(now): it succeeded."},
    {"abandon", route_abandon, METH_NOARGS, "abandon(): the call ends here."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot route_slots[] = {
    {Py_tp_doc, "Route(stops, context_stops, policy, seed): what to do next in one call."},
    {Py_tp_new, EXOPY_SLOT(route_new)},
    {Py_tp_dealloc, EXOPY_SLOT(route_dealloc)},
    {Py_tp_methods, route_methods},
    {0, NULL},
};

PyType_Spec exopy_route_spec = {
    "_exochat.Route", sizeof(route_object), 0, Py_TPFLAGS_DEFAULT, route_slots,
};
