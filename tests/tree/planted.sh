#!/bin/sh
# The checks of the tree find what they are there for: each is run on a small tree that is clean, and again after one
# violation was planted in it, and must then fail and name it.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
count=0
failed=0

fail()
{
    echo "FAILED: $*"
    failed=$((failed + 1))
}

# A tree with a core of one module that is all right.
plant_clean()
{
    rm -rf "$work/tree"
    mkdir "$work/tree"
    cd "$work/tree"
    mkdir -p include/exochat src/core src/client/curl src/client/config src/cli bindings/python tests/freestanding docs/man
    printf 'EXO_CORE_SOURCES := \nEXO_CORE_SOURCES += sse.c\n' >src/core/core.mk
    cat >include/exochat/sse.h <<'C'
/*
 * sse.h: a header.
 */
#ifndef EXOCHAT_SSE_H
#define EXOCHAT_SSE_H

#include <stddef.h>

/* Copies. */
void exo_sse_copy(char *to, const char *from, size_t len);

#endif
C
    cat >src/core/sse.c <<'C'
#include "exochat/sse.h"

#include <string.h>

void exo_sse_copy(char *to, const char *from, size_t len)
{
    memmove(to, from, len);
}
C
    cat >tests/freestanding/start.c <<'C'
#include <stddef.h>

void *memmove(void *to, const void *from, size_t len);
void _start(void);

void *memmove(void *to, const void *from, size_t len)
{
    (void)from;
    (void)len;
    return to;
}

void _start(void)
{
#if defined(__x86_64__) && defined(__linux__)
    __asm__ volatile("syscall" : : "a"(60L), "D"(0L) : "rcx", "r11", "memory");
#endif
    for (;;) {
    }
}
C
    plant_tables
    printf '#include "exochat/sse.h"\n#include "curl/url.h"\n#include <stdio.h>\n' >src/client/client.c
    printf '#include "exochat/sse.h"\n\nvoid exo_use(char *at);\nvoid exo_use(char *at) { exo_sse_copy(at, at, 1); }\n' \
        >src/client/use.c
    printf '#include <yaml.h>\n' >src/client/config/yaml_text.h
    printf '#include "yaml_text.h"\n#include "heap.h"\n#include "curl/url.h"\n' >src/client/config/config.c
    printf '#include <stddef.h>\n' >src/client/heap.h
    printf '#include "heap.h"\n' >src/client/curl/url.h
    printf '#include <curl/curl.h>\n' >src/client/curl/handle.h
    printf '#include "handle.h"\n' >src/client/curl/transfer.h
    printf '#include "transfer.h"\n#include "heap.h"\n' >src/client/curl/transfer.c
    printf '#include "exochat/sse.h"\n#include <stdio.h>\n' >src/cli/main.c
    printf '#include "exochat/sse.h"\n#include "py/runtime.h"\n' >bindings/python/module.c
}

# A copy of what tools/size.py looks at, with a page that is current; that is measured once.
plant_copy()
{
    if [ ! -d "$work/copy" ]; then
        mkdir -p "$work/copy/docs"
        cp -r "$root/include" "$root/src" "$root/tools" "$work/copy"
        cd "$work/copy"
        sed -i 's/^CAP=.*/CAP=90000/' tools/check-freestanding.sh
        # What the structs of a call and the strings of errors need is enough to look at.
        sed -i -E '/\+= /{/ (error|sse|answer|attempt|encode|http1)\.c$/!d}' src/core/core.mk
        "$root/tools/size.py" . >/dev/null
    fi
    rm -rf "$work/tree"
    cp -r "$work/copy" "$work/tree"
    cd "$work/tree"
}

# The tables that the documentation is held against, and the documentation.
plant_tables()
{
    printf '/*\n * error.h: a table.\n */\n/* Codes. */\n#define EXO_ERROR_MAP(X) \\\n    X(EXO_E_ONE, -1, "one")\n' \
        >include/exochat/error.h
    printf '/*\n * clock.h: a table.\n */\n/* Clocks. */\n' >include/exochat/clock.h
    printf '#define EXO_CLOCK_MAP(X) \\\n    X(IDLE, EXO_E_ONE, wait, CALL, 9000)\n' >>include/exochat/clock.h
    printf '/*\n * route.h: a table.\n */\n/* Fields. */\n' >include/exochat/route.h
    printf '#define EXO_ROUTE_POLICY_MAP(X) \\\n    X(int, tries, 0) /* how often */\n' >>include/exochat/route.h
    printf '#define EXO_CONFIG_MODEL_MAP(X) \\\n    X(tries, COUNT, policy.tries)\n' >src/client/config/config_entries.h
    printf '#define EXO_CONFIG_TOP_MAP(X) \\\n    X(models, TEXT, models)\n' >>src/client/config/config_entries.h
    printf '.It Ic wait\n9 seconds unless set.\n.It Ic tries , Ic models\n0 unless set.\n.El\n' >docs/man/exochat-config.5
    printf '| `wait` | 9 s | until then | `EXO_E_ONE` |\n' >docs/contracts.md
    printf '| one | `ONE` |\n' >docs/failures.md
}

libraries()
{
    rm -f libexochat.a
    gcc -shared -fPIC -Iinclude src/core/sse.c -o libexochat.so && gcc -c -Iinclude src/core/sse.c -o sse.o &&
        ar rc libexochat.a sse.o
}

objects()
{
    mkdir -p objects
    gcc -c -Iinclude src/core/sse.c -o objects/sse.c.o && gcc -c -Iinclude src/client/use.c -o objects/use.c.o
}

run()
{
    case $1 in
    calls) objects && "$root/tools/check-calls.py" objects ;;
    symbols) libraries && "$root/tools/check-symbols.sh" libexochat.so libexochat.a . ;;
    docs | stack) "$root/tools/check-$1.py" . ;;
    size) "$root/tools/size.py" --check . ;;
    *) "$root/tools/check-$1.sh" . ;;
    esac >"$work/said" 2>&1
}

# finds CHECK WORDS FILE LINE: appends the line to the file of a clean tree; the check must fail and say the words.
finds()
{
    check=$1 words=$2 file=$3 line=$4
    count=$((count + 1))
    if [ "$check" = size ]; then plant_copy; else plant_clean; fi
    printf '%s\n' "$line" >>"$file"
    if run "$check"; then
        fail "check-$check accepts '$line' in $file"
    elif ! grep -qF "$words" "$work/said"; then
        fail "check-$check does not say '$words' of '$line' in $file, but:"
        cat "$work/said"
    fi
}

for check in includes calls headers docs symbols freestanding stack; do
    count=$((count + 1))
    plant_clean
    run "$check" || {
        fail "check-$check fails on a clean tree:"
        cat "$work/said"
    }
done

finds includes "sse may not use json_read" src/core/sse.c '#include "exochat/json_read.h"'
finds includes "sse may not use client" src/core/sse.c '#include <exochat/client.h>'
finds includes "not for the core" src/core/sse.c '#include <stdio.h>'
finds includes "not for the core" src/core/sse.c '  #  include "client.h"'
finds includes "sse may not use chunk" include/exochat/sse.h '#include "exochat/chunk.h"'
finds includes "a path through the tree" src/client/client.c '#include "../core/sse.h"'
finds includes "a path through the tree" src/cli/main.c '#include <src/client/client.h>'
finds includes "neither public" src/client/client.c '#include "main.h"'
finds includes "for src/client/config only" src/cli/main.c '#include <yaml.h>'
finds includes "for src/client/curl only" src/cli/main.c '#include <curl/curl.h>'
finds includes "for src/client/config only" src/client/client.c '#include <yaml.h>'
finds includes "for src/client/config only" src/client/curl/transfer.c '#include <yaml.h>'
finds includes "neither public" src/client/client.c '#include "config/yaml_text.h"'
finds includes "needs libcurl" src/client/config/config.c '#include "curl/transfer.h"'
finds includes "for src/client/curl only" include/exochat/client.h '#include <curl/curl.h>'
finds includes "for src/client/curl only" src/client/client.c '#include <curl/curl.h>'
finds includes "src/client/client.c:4: curl/handle.h: needs libcurl" src/client/client.c '#include "curl/handle.h"'
finds includes "src/client/client.c:4: curl/transfer.h: needs libcurl" src/client/client.c '#include "curl/transfer.h"'
finds includes "needs libcurl" src/client/heap.h '#include "curl/transfer.h"'
finds includes "neither public" src/client/curl/transfer.c '#include "main.h"'
finds includes "neither public" bindings/python/module.c '#include "sse.c"'

finds includes "a circle: " src/client/heap.h '#include "curl/url.h"'
finds includes "a circle: include/exochat/sse.h include/exochat/sse.h" include/exochat/sse.h '#include "exochat/sse.h"'

finds calls "sse.c > use.c: exo_use" src/core/sse.c 'void exo_use(char *at);
void exo_more(char *at);
void exo_more(char *at) { exo_use(at); }'

finds headers "sse.h does not compile" include/exochat/sse.h 'void exo_sse_more(uint32_t number);'
finds headers "sse.h does not compile" include/exochat/sse.h 'extern int exo_class(int class);'
finds headers "sse.h does not compile" include/exochat/sse.h 'typedef struct { int twice; } exo_twice;'
finds headers "sse.h does not compile" include/exochat/sse.h 'typedef struct exo_more {
    size_t size;
    int b;
} exo_more;
#define EXO_MORE_INIT {sizeof(exo_more)}'

finds docs "no comment above: void exo_sse_more(void);" include/exochat/sse.h 'void exo_sse_more(void);'
finds docs "no comment above: #define EXO_MORE 1" include/exochat/sse.h '#define EXO_MORE 1'
finds docs "no comment above: typedef struct exo_more {" include/exochat/sse.h 'typedef struct exo_more {
    int a; /* not above */
} exo_more;'

finds docs "no item for more" src/client/config/config_entries.h '#define EXO_CONFIG_MODEL_MAP(X) \
    X(more, TEXT, more)'
finds docs "more is no key" docs/man/exochat-config.5 '.It Ic more
More.
.El'
finds docs "wait: does not say: '8 seconds unless set.'" include/exochat/clock.h '#define EXO_CLOCK_MAP(X) \
    X(IDLE, EXO_E_ONE, wait, CALL, 8000)'
finds docs "tries: does not say: '2 unless set.'" include/exochat/route.h '#define EXO_ROUTE_POLICY_MAP(X) \
    X(int, tries, 2)'
finds docs "no row of wait with auto and EXO_E_ONE" include/exochat/clock.h '#define EXO_CLOCK_MAP(X) \
    X(IDLE, EXO_E_ONE, wait, CALL, EXO_CLOCK_AUTO)'
finds docs "does not name TWO" include/exochat/error.h '#define EXO_ERROR_MAP(X) \
    X(EXO_E_ONE, -1, "one") \
    X(EXO_E_TWO, -2, "two")'
finds docs "TWO is no code" docs/failures.md '| two | `TWO` |'

finds symbols "exo_sse_more: declared in a public header, but not exported" include/exochat/sse.h \
    'void exo_sse_more(void);'
finds symbols "exo_sse_more: exported, but not declared" src/core/sse.c 'int exo_sse_more(void) { return 0; }'
finds symbols "helper: a global name" src/core/sse.c 'int helper(void) { return 0; }'

finds freestanding "writable data in .data" src/core/sse.c 'int exo_counter = 1;'
finds freestanding "writable data in .bss" src/core/sse.c 'int *exo_more(void);
int *exo_more(void) { static int counter; return &counter; }'
finds freestanding "undefined symbols: malloc" src/core/sse.c 'void *malloc(size_t size);
void *exo_more(void);
void *exo_more(void) { return malloc(1); }'
finds freestanding "sse.c does not compile" src/core/sse.c 'double exo_more(double a);
double exo_more(double a) { return a * 2; }'
finds freestanding "global names without exo_" src/core/sse.c 'int more(void);
int more(void) { return 0; }'

if command -v arm-none-eabi-gcc >/dev/null; then
    finds stack "exo_more: 2008 bytes of stack, more than 1228" src/core/sse.c 'void exo_more(void (*use)(char *));
void exo_more(void (*use)(char *)) { char big[2000]; use(big); }'
    finds stack "an unbounded circle: exo_more > exo_more" src/core/sse.c 'int exo_more(int n);
int exo_more(int n) { return n > 1 ? n * exo_more(n - 1) + exo_more(n / 2) : 1; }'
    finds stack "exo_more: a frame of dynamic size" src/core/sse.c 'void exo_more(int n, void (*use)(char *));
void exo_more(int n, void (*use)(char *)) { char big[n]; use(big); }'
    finds size "docs/size.md is not current" src/core/sse.c 'int exo_more(int a);
int exo_more(int a) { return a; }'
    finds size "sse.c: 4 bytes of .data, 0 bytes of .bss" src/core/sse.c 'int exo_counter = 1;'
    finds size "the core takes" src/core/sse.c 'extern const char exo_more[90000];
const char exo_more[90000] = {1};'
    finds size "the state of one call (call) takes" include/exochat/attempt.h \
        '#ifndef __OPTIMIZE__ /* where the structs are measured, not the modules */
#define exo_attempt struct { char more[4000]; }
#endif'
fi

echo "$count cases, $failed failed"
[ "$failed" = 0 ]
