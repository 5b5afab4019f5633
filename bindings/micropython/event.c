/*
 * event.c: events and usage as Python has them; see binding.h.
 */
#include "binding.h"

/* The name of a type of event, whose object takes no memory. */
static qstr event_name(unsigned type)
{
    EXOMP_QSTRS names[] = {
        MP_QSTR_,      MP_QSTR_content, MP_QSTR_reasoning, MP_QSTR_refusal, MP_QSTR_tool_call, MP_QSTR_tool_arguments,
        MP_QSTR_usage, MP_QSTR_restart, MP_QSTR_end,
    };
    _Static_assert(EXO_EVENT_TEXT == 1 && EXO_EVENT_REASONING == 2 && EXO_EVENT_REFUSAL == 3 &&
                       EXO_EVENT_TOOL_CALL == 4 && EXO_EVENT_TOOL_ARGUMENTS == 5 && EXO_EVENT_USAGE == 6 &&
                       EXO_EVENT_RESTART == 7 && EXO_EVENT_END == 8,
                   "the names are by number");
    return names[type];
}

mp_obj_t exomp_usage(const exo_usage *usage)
{
    static const exomp_field table[] = {
        EXOMP_FIELD(exo_usage, prompt_tokens, EXOMP_COUNT),    EXOMP_FIELD(exo_usage, completion_tokens, EXOMP_COUNT),
        EXOMP_FIELD(exo_usage, total_tokens, EXOMP_COUNT),     EXOMP_FIELD(exo_usage, cached_tokens, EXOMP_COUNT),
        EXOMP_FIELD(exo_usage, reasoning_tokens, EXOMP_COUNT),
    };
    return exomp_fields_dict(table, EXOMP_ROWS(table), usage);
}

mp_obj_t exomp_event(const exo_intake_event *event, exo_span text)
{
    mp_obj_t items[] = {
        MP_OBJ_NEW_QSTR(event_name(event->type)),
        MP_OBJ_NEW_SMALL_INT((mp_int_t)event->choice),
        exomp_str(text),
        MP_OBJ_NEW_SMALL_INT((mp_int_t)event->tool),
        exomp_str(event->id),
        exomp_str(event->name),
        event->type == EXO_EVENT_USAGE ? exomp_usage(event->usage) : mp_const_none,
        mp_obj_new_bool(event->replace),
        mp_const_none,
    };
    return mp_obj_new_tuple(sizeof items / sizeof items[0], items);
}

unsigned exomp_wanted(mp_obj_t names)
{
    size_t count;
    mp_obj_t *items;
    unsigned mask = 0;
    mp_obj_get_array(names, &count, &items);
    for (size_t i = 0; i < count; i++) {
        const exomp_key key = EXOMP_KEY_OF(items[i]);
        unsigned type = EXO_EVENT_TEXT;
        while (type <= EXO_EVENT_END && !EXOMP_QSTR_IS(event_name(type), key)) {
            type++;
        }
        if (type > EXO_EVENT_END) {
            EXOMP_VALUE_ERROR("wanted");
        }
        mask |= EXO_WANT(type);
    }
    return mask;
}
