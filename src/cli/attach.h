/*
 * attach.h: -a: the files of the command line, looked at before anything is sent.
 */
#ifndef EXO_CLI_ATTACH_H
#define EXO_CLI_ATTACH_H

#include "options.h"

#include "exochat/request.h"

/* Names the attachments in the request; they are read while they are sent. False: one cannot be sent, or is a program,
 * and that was said. What is likely a mistake is said too, unless `quiet`. */
bool attach_all(exo_request *request, const cli_options *options);

/* Whether all of the attachments can be read twice: they are regular files. */
bool attach_is_lasting(const cli_options *options);

#endif
