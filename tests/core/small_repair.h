/*
 * small_repair.h: the repair as small machines have it, compiled beside the other one: without its short ways.
 *
 * To be included behind everything else.
 */
#ifndef SMALL_REPAIR_H
#define SMALL_REPAIR_H

#include "exochat/json_repair.h"

/* As exo_json_repair(). */
int small_json_repair(exo_span text, uint32_t max_depth, exo_buffer *out, exo_repair_report *report);

#define EXO_SMALL
#define exo_json_repair        small_json_repair
#define exo_repair_find_kind   small_repair_find_kind
#define exo_repair_is_one_of   small_repair_is_one_of
#define exo_repair_kind_past   small_repair_kind_past
#define exo_repair_put         small_repair_put
#define exo_repair_put_byte    small_repair_put_byte
#define exo_repair_put_content small_repair_put_content
#define exo_repair_put_scalar  small_repair_put_scalar
#define exo_repair_put_string  small_repair_put_string
#define exo_repair_put_text    small_repair_put_text
#define exo_repair_skip_blanks small_repair_skip_blanks
#define exo_repair_trim        small_repair_trim
#include "../../src/core/json_repair.c"
#include "../../src/core/json_repair_kind.c"
#include "../../src/core/json_repair_write.c"
#undef exo_json_repair

#endif
