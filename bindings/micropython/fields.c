/*
 * fields.c: structs of the core ↔ dicts and attributes, by tables of their fields; see binding.h.
 */
#include "binding.h"

const exomp_field *exomp_field_find(const exomp_field *table, unsigned rows, exomp_key key)
{
    for (unsigned i = 0; i < rows; i++) {
        if (EXOMP_NAME_IS(table[i].name, key)) {
            return &table[i];
        }
    }
    return NULL;
}

mp_obj_t exomp_field_get(const exomp_field *field, const void *from)
{
    const void *at = (const char *)from + (field->place >> 4);
    switch (field->place & 15) {
    case EXOMP_BOOL:
        return mp_obj_new_bool(*(const bool *)at);
    case EXOMP_U16:
        return MP_OBJ_NEW_SMALL_INT(*(const uint16_t *)at);
    case EXOMP_INT:
        return exomp_int(*(const int *)at);
    case EXOMP_INT64:
        return exomp_int(*(const int64_t *)at);
    case EXOMP_COUNT:
        return *(const int64_t *)at < 0 ? MP_OBJ_NULL : exomp_int(*(const int64_t *)at);
    case EXOMP_VERDICT:
        return exomp_word(exo_verdict_name(*(const exo_verdict *)at));
    case EXOMP_CLOCK:
        return exomp_word(exo_clock_name(*(const exo_clock *)at));
    default: /* EXOMP_CHARS */
        return exomp_word(at);
    }
}

mp_obj_t exomp_fields_dict(const exomp_field *table, unsigned rows, const void *from)
{
    mp_obj_t dict = mp_obj_new_dict(rows);
    for (unsigned i = 0; i < rows; i++) {
        mp_obj_t value = exomp_field_get(&table[i], from);
        if (value != MP_OBJ_NULL) {
            mp_obj_dict_store(dict, EXOMP_NAME_OBJ(table[i].name), value);
        }
    }
    return dict;
}

static void field_set(const exomp_field *field, mp_obj_t value, void *to)
{
    void *at = (char *)to + (field->place >> 4);
    switch (field->place & 15) {
    case EXOMP_BOOL:
        *(bool *)at = mp_obj_is_true(value);
        break;
    case EXOMP_UINT:
        *(uint32_t *)at = exomp_count_of(value, UINT32_MAX);
        break;
    case EXOMP_INT64:
        *(int64_t *)at = exomp_int_of(value);
        break;
    case EXOMP_UNTIL: {
        const exomp_key word = EXOMP_KEY_OF(value);
        const bool token = EXOMP_NAME_IS(EXOMP_NAME(token), word);
        if (!token && !EXOMP_NAME_IS(EXOMP_NAME(event), word)) {
            EXOMP_VALUE_ERROR("ttft_until");
        }
        *(exo_ttft_until *)at = token ? EXO_UNTIL_TOKEN : EXO_UNTIL_EVENT;
        break;
    }
    default: /* EXOMP_OBJECT */
        *(mp_obj_t *)at = value;
        break;
    }
}

void exomp_fields_set(mp_obj_t dict, const exomp_field *table, unsigned rows, void *to)
{
    if (dict == mp_const_none) {
        return;
    }
    if (!exomp_is_dict(dict)) {
        EXOMP_TYPE_ERROR("no dict");
    }
    const mp_map_t *map = mp_obj_dict_get_map(dict);
    for (size_t i = 0; i < map->alloc; i++) {
        if (!mp_map_slot_is_filled(map, i)) {
            continue;
        }
        const mp_map_elem_t *element = &map->table[i];
        const exomp_field *field = exomp_field_find(table, rows, EXOMP_KEY_OF(element->key));
        if (!field) {
            exomp_raise_with(&mp_type_TypeError, element->key);
        }
        if (element->value != mp_const_none) {
            field_set(field, element->value, to);
        }
    }
}

void exomp_limits(mp_obj_t dict, exo_limits *limits)
{
    static const exomp_field table[] = {
#define EXO_X(name, host, micro, what) EXOMP_FIELD(exo_limits, name, EXOMP_UINT),
        EXO_LIMIT_MAP(EXO_X)
#undef EXO_X
    };
    *limits = *exo_limits_micro();
    if (dict != MP_OBJ_NULL) {
        exomp_fields_set(dict, table, EXOMP_ROWS(table), limits);
    }
}

void exomp_policy(mp_obj_t dict, exo_route_policy *policy)
{
    static const exomp_field table[] = {
#define EXO_KIND(type)               _Generic((type)0, uint32_t : EXOMP_UINT, default : EXOMP_INT64)
#define EXO_X(type, field, standard) EXOMP_FIELD(exo_route_policy, field, EXO_KIND(type)),
        EXO_ROUTE_POLICY_MAP(EXO_X)
#undef EXO_X
#undef EXO_KIND
    };
    *policy = (exo_route_policy)EXO_ROUTE_POLICY_INIT;
    exomp_fields_set(dict, table, EXOMP_ROWS(table), policy);
}
