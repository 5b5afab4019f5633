/*
 * models.h: the list of models that an endpoint answers with → its ids.
 */
#ifndef EXO_CLIENT_MODELS_H
#define EXO_CLIENT_MODELS_H

#include "exochat/failure.h"

/* Gives the id of each model in `body`, the answer to GET /models, to `each` (may be NULL), in order, at most `longest`
 * bytes of it: {"data": [{"id": …} …]}, with "models" in its place or as well, or the array alone; "name" or "model"
 * where there is no "id". EXO_OK, or why the body is no such list, or not a whole one: nothing was given then, and
 * `failure`, which keeps what headers said, tells more. EXO_E_JSON_*: it cannot be read; EXO_E_NOT_A_STREAM: it is
 * something else; EXO_E_NAME_LIMIT, EXO_E_NO_MEMORY, or the code of an error that it reports. */
int exo_models_read(exo_span body, uint16_t http_status, uint32_t longest, void (*each)(void *ctx, exo_span id),
                    void *ctx, exo_failure *failure);

#endif
