/*
 * result.h: what libcurl says of the end of an exchange, in our codes.
 */
#ifndef EXO_CLIENT_CURL_RESULT_H
#define EXO_CLIENT_CURL_RESULT_H

#include "exchange.h"

/* How an exchange that is over went; see exo_transport_table. */
void exo_result_ending(const exo_exchange *exchange, exo_ending *ending);

/* Takes out of libcurl's words what nobody may read in them. */
void exo_result_censor(char text[CURL_ERROR_SIZE]);

#endif
