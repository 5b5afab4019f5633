/*
 * fake_transport.h: a transport without a socket: it follows scripts, with a clock of its own that nobody waits for.
 *
 * A script is what the other side of one deployment does, in words with blanks between; `|` divides the script of one
 * exchange from that of the next to the same deployment:
 *
 *     +N            N milliseconds later
 *     conn, again   the connection stands; it is one that has served before
 *     sent, sent:N  the whole body goes out; so many bytes of it
 *     ok            conn sent 200
 *     200, 429:name=value,…   a response head
 *     text:X, role, finish:X, usage, done, note    an event; a comment
 *     raw:X         bytes
 *     end, end:NAME the response is over, properly or with EXO_E_NAME; behind that only a body that is drained
 *     refuse:NAME   in place of all: the exchange cannot be started, for EXO_E_NAME
 *
 * What the transport was asked is kept as words too: fake_asked().
 */
#ifndef FAKE_TRANSPORT_H
#define FAKE_TRANSPORT_H

#include "../../src/client/transport.h"

typedef struct fake fake;

/* Opens one. It is closed, and freed, by its client. */
fake *fake_open(void);
exo_transport *fake_transport(fake *f);

/* What happens at the deployment `name`; `script` is borrowed. */
void fake_script(fake *f, const char *name, const char *script);

/* Time passes in which nobody serves the transport. */
void fake_pass(fake *f, int64_t milliseconds);

/* From now on a millisecond passes between any two looks at the clock. */
void fake_creep(fake *f);

/* From now on it leaves off when it has told something, as serve() may. */
void fake_leave_off(fake *f);

/* What it was asked so far, and emptied with that: `NAME` an exchange began (`NAME!` on a fresh connection),
 * `NAME~` it is drained, `NAME+` it ended and its connection may serve again, `NAME-` it ended and is closed. Valid
 * until the next call. */
const char *fake_asked(fake *f);

/* What went out of the body that was begun last, and whether its length was not known before. */
const char *fake_sent(const fake *f);
bool fake_is_chunked(const fake *f);

/* Exchanges that have begun and not ended. */
size_t fake_running(const fake *f);

/* How often it was served. */
size_t fake_served(const fake *f);

/* The error whose name is EXO_E_ and `name`; EXO_OK where there is none. */
int fake_code(const char *name);

#endif
