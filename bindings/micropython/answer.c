/*
 * answer.c: Answer: what came of one choice, read out of exo_answer once, and owned.
 */
#include "binding.h"

/* Its attributes, in this order. */
#define ANSWER_MAP(X) \
    X(proven) \
    X(choice) \
    X(tool_calls) \
    X(content) \
    X(reasoning) \
    X(refusal) \
    X(finish_reason) \
    X(finish_family) \
    X(id) \
    X(model) \
    X(usage) \
    X(usage_json) \
    X(reasoning_details) \
    X(logprobs) \
    X(audio) \
    X(extra) \
    X(raw_cut)

typedef struct answer_object {
    mp_obj_base_t base;
#define EXO_X(name) mp_obj_t name;
    ANSWER_MAP(EXO_X)
#undef EXO_X
} answer_object;

static void answer_attr(mp_obj_t object, qstr name, mp_obj_t *dest)
{
    static const exomp_field table[] = {
#define EXO_X(name) EXOMP_FIELD(answer_object, name, EXOMP_OBJECT),
        ANSWER_MAP(EXO_X)
#undef EXO_X
    };
    const exomp_field *field = exomp_field_find(table, EXOMP_ROWS(table), exomp_qstr(name));
    if (field && dest[0] == MP_OBJ_NULL) {
        dest[0] = *(mp_obj_t *)(void *)((char *)MP_OBJ_TO_PTR(object) + field->offset);
    }
}

/* The arguments of call `call` as JSON, or None where they may not be used. */
static mp_obj_t answer_arguments(exo_answer *answer, uint32_t call, bool proven)
{
    exo_buffer out;
    exo_buffer_init(&out, &exomp_heap, UINT32_MAX, EXO_E_ARGUMENTS_LIMIT);
    const int code = proven ? exo_answer_tool_arguments(answer, call, &out) : EXO_E_STATE;
    if (code == EXO_E_NO_MEMORY) {
        exomp_raise(code);
    }
    if (code != EXO_OK) {
        exo_buffer_free(&out);
        return mp_const_none;
    }
    return exomp_str_taken(&out);
}

static mp_obj_t answer_tool_calls(exo_answer *answer, bool proven)
{
    const uint32_t count = exo_answer_tool_calls(answer);
    mp_obj_t *calls = m_malloc((count + 1) * sizeof *calls);
    for (uint32_t i = 0; i < count; i++) {
        exo_tool_call call;
        mp_obj_t arguments = answer_arguments(answer, i, proven);
        (void)exo_answer_tool_call(answer, i, &call);
        mp_obj_t items[] = {exomp_str(call.id), exomp_str(call.name), arguments, exomp_str(call.arguments),
                            exomp_str_or_none(call.extra)};
        calls[i] = mp_obj_new_tuple(5, items);
    }
    return mp_obj_new_tuple(count, calls);
}

static mp_obj_t answer_extra(const exo_answer *answer)
{
    exo_buffer out;
    exo_buffer_init(&out, &exomp_heap, UINT32_MAX, EXO_E_ANSWER_LIMIT);
    const int code = exo_answer_extra(answer, EXO_ANSWER_ITSELF, &out);
    if (code == EXO_E_NO_MEMORY) {
        exomp_raise(code);
    }
    return out.len > 0 ? exomp_str_taken(&out) : mp_const_none;
}

static mp_obj_t answer_content(exo_answer *answer)
{
    exo_buffer text = exo_answer_take_text(answer);
    return text.len > 0 ? exomp_str_taken(&text) : mp_const_none;
}

static const char *answer_family(exo_span reason)
{
    static const char words[] = "none\0\0\0\0normal\0\0length\0\0filter\0\0error\0\0\0context";
    _Static_assert(EXO_FINISH_NONE == 0 && EXO_FINISH_NORMAL == 1 && EXO_FINISH_LENGTH == 2 && EXO_FINISH_FILTER == 3 &&
                       EXO_FINISH_ERROR == 4 && EXO_FINISH_CONTEXT == 5,
                   "the words are by number");
    return words + 8 * (unsigned)exo_finish_family_of(reason);
}

mp_obj_t exomp_answer_new(exo_answer *answer, uint32_t choice, bool proven)
{
    answer_object *self = exomp_new(sizeof *self, &exomp_answer_type);
    exo_span usage = exo_answer_usage_json(answer);
    exo_span finish = exo_answer_finish_reason(answer);
    self->proven = mp_obj_new_bool(proven);
    self->choice = MP_OBJ_NEW_SMALL_INT((mp_int_t)choice);
    self->raw_cut = mp_obj_new_bool(exo_answer_raw_cut(answer));
    self->tool_calls = answer_tool_calls(answer, proven);
    self->content = answer_content(answer);
    self->reasoning = exomp_str_or_none(exo_answer_reasoning(answer));
    self->refusal = exomp_str_or_none(exo_answer_refusal(answer));
    self->finish_reason = exomp_str_or_none(finish);
    self->finish_family = exomp_str(exo_span_text(answer_family(finish)));
    self->id = exomp_str(exo_answer_id(answer));
    self->model = exomp_str(exo_answer_model(answer));
    self->usage = usage.len > 0 ? exomp_usage(exo_answer_usage(answer)) : mp_const_none;
    self->usage_json = exomp_str_or_none(usage);
    self->reasoning_details = exomp_str_or_none(exo_answer_reasoning_details(answer));
    self->logprobs = exomp_str_or_none(exo_answer_logprobs(answer));
    self->audio = exomp_str_or_none(exo_answer_audio(answer));
    self->extra = answer_extra(answer);
    return MP_OBJ_FROM_PTR(self);
}

EXOMP_TYPE_ATTR(answer, MP_QSTR_Answer, answer_attr)
