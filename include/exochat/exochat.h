/*
 * exochat.h: the whole core in one include. The hosted library is <exochat/client.h>.
 */
#ifndef EXOCHAT_EXOCHAT_H
#define EXOCHAT_EXOCHAT_H

#include "exochat/answer.h"
#include "exochat/attempt.h"
#include "exochat/buffer.h"
#include "exochat/chunk.h"
#include "exochat/clock.h"
#include "exochat/encode.h"
#include "exochat/error.h"
#include "exochat/failure.h"
#include "exochat/finish.h"
#include "exochat/http1.h"
#include "exochat/intake.h"
#include "exochat/json_read.h"
#include "exochat/json_repair.h"
#include "exochat/json_write.h"
#include "exochat/limits.h"
#include "exochat/options.h"
#include "exochat/route.h"
#include "exochat/span.h"
#include "exochat/sse.h"
#include "exochat/think.h"
#include "exochat/value.h"

#endif
