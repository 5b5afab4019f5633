/*
 * event.c: events and usage as Python has them; see binding.h.
 */
#include "binding.h"

/* The name of a type of event, which takes no memory. */
static mp_obj_t event_name(exo_event_type type)
{
    EXOMP_QSTRS names[] = {
        MP_QSTR_,      MP_QSTR_content, MP_QSTR_reasoning, MP_QSTR_refusal, MP_QSTR_tool_call, MP_QSTR_tool_arguments,
        MP_QSTR_usage, MP_QSTR_restart, MP_QSTR_end,
    };
    _Static_assert(EXO_EVENT_TEXT == 1 && EXO_EVENT_REASONING == 2 && EXO_EVENT_REFUSAL == 3 &&
                       EXO_EVENT_TOOL_CALL == 4 && EXO_EVENT_TOOL_ARGUMENTS == 5 && EXO_EVENT_USAGE == 6 &&
                       EXO_EVENT_RESTART == 7 && EXO_EVENT_END == 8,
                   "the names are by number");
    return MP_OBJ_NEW_QSTR(names[type]);
}

mp_obj_t exomp_usage(const exo_usage *usage)
{
    static const exomp_field table[] = {
        EXOMP_FIELD(exo_usage, prompt_tokens, EXOMP_INT64),    EXOMP_FIELD(exo_usage, completion_tokens, EXOMP_INT64),
        EXOMP_FIELD(exo_usage, total_tokens, EXOMP_INT64),     EXOMP_FIELD(exo_usage, cached_tokens, EXOMP_INT64),
        EXOMP_FIELD(exo_usage, reasoning_tokens, EXOMP_INT64),
    };
    mp_obj_t dict = mp_obj_new_dict(0);
    for (unsigned i = 0; i < EXOMP_ROWS(table); i++) {
        if (*(const int64_t *)(const void *)((const char *)usage + (table[i].place >> 4)) >= 0) {
            mp_obj_dict_store(dict, EXOMP_NAME_OBJ(table[i].name), exomp_field_get(&table[i], usage));
        }
    }
    return dict;
}

mp_obj_t exomp_event(const exo_intake_event *event, exo_span text)
{
    mp_obj_t items[] = {
        event_name(event->type),
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
        exo_span name;
        exomp_text(items[i], &name);
        unsigned type = EXO_EVENT_TEXT;
        while (type <= EXO_EVENT_END && !exomp_equal(items[i], event_name(type))) {
            type++;
        }
        if (type > EXO_EVENT_END) {
            mp_raise_ValueError(EXOMP_WORDS("wanted: no such event"));
        }
        mask |= EXO_WANT(type);
    }
    return mask;
}
