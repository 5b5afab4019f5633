/*
 * answer.c: Answer: what came of one choice, read out of exo_answer once, and owned.
 */
#include "binding.h"

/* It is read when it is asked for: an attribute is made anew each time, but for the content, whose memory becomes the
 * str's. So much of the answer as nobody asks for is never made an object. */
typedef struct answer_object {
    mp_obj_base_t base;
    bool proven;
    uint8_t choice;
    exo_answer *answers; /* all of the attempt: the collector knows memory by its beginning */
    mp_obj_t content;    /* MP_OBJ_NULL: not taken yet */
} answer_object;

/* The arguments of call `call` as JSON, or None where they may not be used. */
static mp_obj_t answer_arguments(exo_answer *answer, uint32_t call, bool proven)
{
    exo_buffer out;
    exomp_buffer(&out);
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
    mp_obj_t *calls = exomp_array(count, sizeof *calls);
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
    exomp_buffer(&out);
    const int code = exo_answer_extra(answer, EXO_ANSWER_ITSELF, &out);
    if (code == EXO_E_NO_MEMORY) {
        exomp_raise(code);
    }
    return out.len > 0 ? exomp_str_taken(&out) : mp_const_none;
}

static mp_obj_t answer_family(exo_span reason)
{
    EXOMP_QSTRS words[] = {MP_QSTR_none,   MP_QSTR_normal, MP_QSTR_length,
                           MP_QSTR_filter, MP_QSTR_error,  MP_QSTR_context};
    _Static_assert(EXO_FINISH_NONE == 0 && EXO_FINISH_NORMAL == 1 && EXO_FINISH_LENGTH == 2 && EXO_FINISH_FILTER == 3 &&
                       EXO_FINISH_ERROR == 4 && EXO_FINISH_CONTEXT == 5,
                   "the words are by number");
    return MP_OBJ_NEW_QSTR(words[exo_finish_family_of(reason)]);
}

/* Attributes that are a text of the answer: empty, they are None, but for those from ANSWER_PLAIN on. */
typedef exo_span (*answer_text)(const exo_answer *answer);
static const answer_text answer_texts[] = {
    exo_answer_reasoning, exo_answer_refusal,  exo_answer_finish_reason,     exo_answer_usage_json,
    exo_answer_audio,     exo_answer_logprobs, exo_answer_reasoning_details, exo_answer_service_tier,
    exo_answer_id,        exo_answer_model,
};
enum {
    ANSWER_PLAIN = 8,
    ANSWER_CONTENT = 10,
    ANSWER_TOOL_CALLS,
    ANSWER_USAGE,
    ANSWER_EXTRA,
    ANSWER_FAMILY,
    ANSWER_PROVEN,
    ANSWER_CHOICE,
    ANSWER_RAW_CUT
};

static mp_obj_t answer_get(answer_object *self, unsigned what)
{
    exo_answer *answer = &self->answers[self->choice];
    switch (what) {
    case ANSWER_CONTENT:
        if (self->content == MP_OBJ_NULL) {
            exo_buffer text = exo_answer_take_text(answer);
            self->content = text.len > 0 ? exomp_str_taken(&text) : mp_const_none;
        }
        return self->content;
    case ANSWER_TOOL_CALLS:
        return answer_tool_calls(answer, self->proven);
    case ANSWER_USAGE:
        return exo_answer_usage_json(answer).len > 0 ? exomp_usage(exo_answer_usage(answer)) : mp_const_none;
    case ANSWER_EXTRA:
        return answer_extra(answer);
    case ANSWER_FAMILY:
        return answer_family(exo_answer_finish_reason(answer));
    case ANSWER_PROVEN:
        return mp_obj_new_bool(self->proven);
    case ANSWER_CHOICE:
        return MP_OBJ_NEW_SMALL_INT(self->choice);
    case ANSWER_RAW_CUT:
        return mp_obj_new_bool(exo_answer_raw_cut(answer));
    default: {
        exo_span text = answer_texts[what](answer);
        return text.len > 0 || what >= ANSWER_PLAIN ? exomp_str(text) : mp_const_none;
    }
    }
}

static void answer_attr(mp_obj_t object, qstr name, mp_obj_t *dest)
{
    static const exomp_name names[] = {
        EXOMP_NAME(reasoning), EXOMP_NAME(refusal),  EXOMP_NAME(finish_reason),     EXOMP_NAME(usage_json),
        EXOMP_NAME(audio),     EXOMP_NAME(logprobs), EXOMP_NAME(reasoning_details), EXOMP_NAME(service_tier),
        EXOMP_NAME(id),        EXOMP_NAME(model),    EXOMP_NAME(content),           EXOMP_NAME(tool_calls),
        EXOMP_NAME(usage),     EXOMP_NAME(extra),    EXOMP_NAME(finish_family),     EXOMP_NAME(proven),
        EXOMP_NAME(choice),    EXOMP_NAME(raw_cut),
    };
    exomp_key key = EXOMP_KEY_OF_QSTR(name);
    unsigned what = 0;
    while (what < EXOMP_ROWS(names) && !EXOMP_NAME_IS(names[what], key)) {
        what++;
    }
    if (dest[0] == MP_OBJ_NULL && what < EXOMP_ROWS(names)) {
        dest[0] = answer_get(MP_OBJ_TO_PTR(object), what);
    }
}

mp_obj_t exomp_answer_new(exo_answer *answers, uint32_t choice, bool proven)
{
    answer_object *self = exomp_new(sizeof *self, &exomp_answer_type);
    self->proven = proven;
    self->choice = (uint8_t)choice;
    self->answers = answers;
    return MP_OBJ_FROM_PTR(self);
}

EXOMP_TYPE_ATTR(answer, MP_QSTR_Answer, answer_attr)
