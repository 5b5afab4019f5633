/*
 * answer.c: Answer: what came of one choice, read out of exo_answer once, and owned.
 */
#include "binding.h"

#include <structmember.h>

typedef struct answer_object {
    PyObject ob_base;
    bool proven;
    bool raw_cut;
    unsigned int choice;
    PyObject *content;
    PyObject *reasoning;
    PyObject *refusal;
    PyObject *finish_reason;
    PyObject *finish_family;
    PyObject *id;
    PyObject *model;
    PyObject *service_tier;
    PyObject *usage;
    PyObject *usage_json;
    PyObject *tool_calls;
    PyObject *reasoning_details;
    PyObject *logprobs;
    PyObject *audio;
    PyObject *extra;
} answer_object;

#define ANSWER_OBJECT(name) \
    { \
#name, T_OBJECT_EX, offsetof(answer_object, name), READONLY, NULL \
    }

static struct PyMemberDef answer_members[] = {
    {"proven", T_BOOL, offsetof(answer_object, proven), READONLY, NULL},
    {"raw_cut", T_BOOL, offsetof(answer_object, raw_cut), READONLY, NULL},
    {"choice", T_UINT, offsetof(answer_object, choice), READONLY, NULL},
#define ANSWER_FIRST 3
    ANSWER_OBJECT(content),
    ANSWER_OBJECT(reasoning),
    ANSWER_OBJECT(refusal),
    ANSWER_OBJECT(finish_reason),
    ANSWER_OBJECT(finish_family),
    ANSWER_OBJECT(id),
    ANSWER_OBJECT(model),
    ANSWER_OBJECT(service_tier),
    ANSWER_OBJECT(usage),
    ANSWER_OBJECT(usage_json),
    ANSWER_OBJECT(tool_calls),
    ANSWER_OBJECT(reasoning_details),
    ANSWER_OBJECT(logprobs),
    ANSWER_OBJECT(audio),
    ANSWER_OBJECT(extra),
    {NULL, 0, 0, 0, NULL},
};

static void answer_dealloc(PyObject *self)
{
    for (const struct PyMemberDef *member = &answer_members[ANSWER_FIRST]; member->name; member++) {
        Py_XDECREF(*(PyObject **)(void *)((char *)self + member->offset));
    }
    exopy_dealloc(self);
}

/* The arguments of call `call` as JSON, or None where they may not be used. */
static PyObject *answer_arguments(exo_answer *answer, uint32_t call, bool proven)
{
    exo_buffer out;
    exo_buffer_init(&out, &exopy_heap, UINT32_MAX, EXO_E_ARGUMENTS_LIMIT);
    int code = proven ? exo_answer_tool_arguments(answer, call, &out) : EXO_E_STATE;
    PyObject *json = code == EXO_OK            ? exopy_str(exo_buffer_span(&out))
                     : code == EXO_E_NO_MEMORY ? PyErr_NoMemory()
                                               : Py_NewRef(Py_None);
    exo_buffer_free(&out);
    return json;
}

static PyObject *answer_tool_call(exo_answer *answer, uint32_t call, bool proven)
{
    exo_tool_call found;
    if (exo_answer_tool_call(answer, call, &found) != EXO_OK) {
        return PyErr_NoMemory();
    }
    PyObject *arguments = answer_arguments(answer, call, proven);
    if (!arguments) {
        return NULL;
    }
    /* Repairing may have moved what the spans are of. */
    (void)exo_answer_tool_call(answer, call, &found);
    PyObject *id = exopy_str(found.id);
    PyObject *name = exopy_str(found.name);
    PyObject *raw = exopy_str(found.arguments);
    PyObject *extra = exopy_str_or_none(found.extra);
    PyObject *tuple = id && name && raw && extra ? PyTuple_Pack(5, id, name, arguments, raw, extra) : NULL;
    Py_XDECREF(id);
    Py_XDECREF(name);
    Py_DECREF(arguments);
    Py_XDECREF(raw);
    Py_XDECREF(extra);
    return tuple;
}

static PyObject *answer_tool_calls(exo_answer *answer, bool proven)
{
    uint32_t count = exo_answer_tool_calls(answer);
    PyObject *calls = PyTuple_New((Py_ssize_t)count);
    for (uint32_t i = 0; calls && i < count; i++) {
        PyObject *call = answer_tool_call(answer, i, proven);
        if (!call || PyTuple_SetItem(calls, (Py_ssize_t)i, call) < 0) {
            Py_CLEAR(calls);
        }
    }
    return calls;
}

static PyObject *answer_extra(const exo_answer *answer)
{
    exo_buffer out;
    exo_buffer_init(&out, &exopy_heap, UINT32_MAX, EXO_E_ANSWER_LIMIT);
    int code = exo_answer_extra(answer, EXO_ANSWER_ITSELF, &out);
    PyObject *extra = code == EXO_E_NO_MEMORY ? PyErr_NoMemory() : exopy_str_or_none(exo_buffer_span(&out));
    exo_buffer_free(&out);
    return extra;
}

static const char *answer_family(exo_span reason)
{
    switch (exo_finish_family_of(reason)) {
    case EXO_FINISH_NORMAL:
        return "normal";
    case EXO_FINISH_LENGTH:
        return "length";
    case EXO_FINISH_FILTER:
        return "filter";
    case EXO_FINISH_ERROR:
        return "error";
    case EXO_FINISH_CONTEXT:
        return "context";
    case EXO_FINISH_NONE:
        break;
    }
    return "none";
}

/* The content. Its memory is taken out of the answer and given back as soon as Python has it: a large text is not there
 * twice for longer than it must be. */
static PyObject *answer_content(exo_answer *answer)
{
    exo_buffer text = exo_answer_take_text(answer);
    PyObject *content = exopy_str_or_none(exo_buffer_span(&text));
    exo_buffer_free(&text);
    return content;
}

PyObject *exopy_answer_new(exopy_state *state, exo_answer *answer, uint32_t choice, bool proven)
{
    answer_object *self = (answer_object *)exopy_alloc(state->answer_type);
    if (!self) {
        return NULL;
    }
    exo_span usage = exo_answer_usage_json(answer);
    exo_span finish = exo_answer_finish_reason(answer);
    self->proven = proven;
    self->raw_cut = exo_answer_raw_cut(answer);
    self->choice = choice;
    bool whole = (self->tool_calls = answer_tool_calls(answer, proven)) && (self->content = answer_content(answer)) &&
                 (self->reasoning = exopy_str_or_none(exo_answer_reasoning(answer))) &&
                 (self->refusal = exopy_str_or_none(exo_answer_refusal(answer))) &&
                 (self->finish_reason = exopy_str_or_none(finish)) &&
                 (self->finish_family = PyUnicode_InternFromString(answer_family(finish))) &&
                 (self->id = exopy_str(exo_answer_id(answer))) && (self->model = exopy_str(exo_answer_model(answer))) &&
                 (self->service_tier = exopy_str_or_none(exo_answer_service_tier(answer))) &&
                 (self->usage = exopy_usage(usage.len > 0 ? exo_answer_usage(answer) : NULL)) &&
                 (self->usage_json = exopy_str_or_none(usage)) &&
                 (self->reasoning_details = exopy_str_or_none(exo_answer_reasoning_details(answer))) &&
                 (self->logprobs = exopy_str_or_none(exo_answer_logprobs(answer))) &&
                 (self->audio = exopy_str_or_none(exo_answer_audio(answer))) && (self->extra = answer_extra(answer));
    if (!whole) {
        Py_CLEAR(self);
    }
    return (PyObject *)self;
}

static PyType_Slot answer_slots[] = {
    {Py_tp_doc, "What came of one choice."},
    {Py_tp_dealloc, EXOPY_SLOT(answer_dealloc)},
    {Py_tp_members, answer_members},
    {0, NULL},
};

PyType_Spec exopy_answer_spec = {
    "_exochat.Answer", sizeof(answer_object), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, answer_slots,
};
