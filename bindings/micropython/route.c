/*
 * route.c: Route and Health: what to do next in one call, and what is remembered of a deployment over all of them.
 */
#include "binding.h"

typedef struct health_object {
    mp_obj_base_t base;
    exo_route_health health;
} health_object;

static mp_obj_t health_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args)
{
    (void)type;
    (void)args;
    mp_arg_check_num(n_args, n_kw, 0, 0, false);
    return MP_OBJ_FROM_PTR(exomp_new(sizeof(health_object), &exomp_health_type));
}

typedef struct route_stops {
    exo_route_stop *stops;
    mp_obj_t *held; /* the Health of each: the stops point into them */
    uint32_t count;
} route_stops;

typedef struct route_object {
    exomp_object object;
    uint32_t seed;
    route_stops stops;
    route_stops context_stops;
    exo_route_policy policy;
    exo_random random;
    exo_route route;
} route_object;

/* xorshift: enough for jitter. */
static uint32_t route_random(void *ctx)
{
    uint32_t *seed = ctx;
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

static void route_read_stops(mp_obj_t sequence, route_stops *out)
{
    size_t count;
    mp_obj_t *items;
    mp_obj_get_array(sequence, &count, &items);
    out->stops = exomp_array(count, sizeof *out->stops);
    out->held = exomp_array(count, sizeof *out->held);
    for (size_t i = 0; i < count; i++) {
        mp_obj_t *pair = exomp_pair(items[i]);
        out->stops[i].deployment = exomp_count_of(pair[0], UINT32_MAX);
        out->held[i] = pair[1];
        if (pair[1] != mp_const_none) {
            out->stops[i].health = &((health_object *)exomp_as(pair[1], &exomp_health_type))->health;
        }
    }
    out->count = (uint32_t)count;
}

static mp_obj_t route_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args)
{
    (void)type;
    mp_arg_check_num(n_args, n_kw, 4, 4, false);
    route_object *self = exomp_new(sizeof *self, &exomp_route_type);
    route_read_stops(args[0], &self->stops);
    route_read_stops(args[1], &self->context_stops);
    exomp_policy(args[2], &self->policy);
    self->seed = (uint32_t)mp_obj_get_int_truncated(args[3]) | 1;
    self->random = (exo_random){&self->seed, route_random};
    exomp_check(exo_route_init(&self->route, self->stops.stops, self->stops.count, self->context_stops.stops,
                               self->context_stops.count, &self->policy, &self->random));
    return MP_OBJ_FROM_PTR(self);
}

static void route_call(void *object, const exomp_args *said)
{
    route_object *self = object;
    exo_route_call(&self->route, exomp_until(said->now, said->number[0]), said->flag);
}

static mp_obj_t route_next(void *object, const exomp_args *said)
{
    route_object *self = object;
    exo_route_action action;
    exo_route_next(&self->route, said->now, &action);
    mp_obj_t items[] = {
        MP_OBJ_NEW_SMALL_INT(action.type),   exomp_int(action.deployment),    exomp_int(action.attempt),
        exomp_left(said->now, action.until), mp_obj_new_bool(action.restart), mp_obj_new_bool(action.last),
    };
    return mp_obj_new_tuple(6, items);
}

static void route_failed(void *object, const exomp_args *said)
{
    route_object *self = object;
    const exo_failure *failure = exomp_failure_of(said->object[0]);
    exo_route_failed(&self->route, said->now, failure, exomp_count(said->number[0], UINT32_MAX));
}

static void route_succeeded(void *object, const exomp_args *said)
{
    route_object *self = object;
    exo_route_succeeded(&self->route, said->now);
}

static void route_abandon(void *object, const exomp_args *said)
{
    route_object *self = object;
    (void)said;
    exo_route_abandon(&self->route);
}

static void route_attr(mp_obj_t self, qstr name, mp_obj_t *dest)
{
    static const exomp_method methods[] = {
        EXOMP_METHOD(call, route_call, NONE, NOW, NUMBER, FLAG, NONE),
        EXOMP_METHOD(next, route_next, OBJECT, NOW, NONE, NONE, NONE),
        EXOMP_METHOD(failed, route_failed, NONE, NOW, OBJECT, NUMBER, NONE),
        EXOMP_METHOD(succeeded, route_succeeded, NONE, NOW, NONE, NONE, NONE),
        EXOMP_METHOD(abandon, route_abandon, NONE, NONE, NONE, NONE, NONE),
    };
    exomp_method_find(methods, EXOMP_ROWS(methods), self, name, dest);
}

EXOMP_TYPE_NEW(health, MP_QSTR_Health, health_make_new)
EXOMP_TYPE_NEW_ATTR(route, MP_QSTR_Route, route_make_new, route_attr)
