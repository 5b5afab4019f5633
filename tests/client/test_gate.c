/*
 * test_gate.c: who may look up a name and who may have a connection: order, bounds, leaving the line, and that nobody
 * is stranded. Scripts with what must come of them, and visitors at random, whose every step is checked against the
 * bounds. No network, no time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "../../src/client/deployment.h"
#include "../../src/client/gate.h"

enum {
    VISITORS = 64,
    HOSTS = 8,
    TALK = 1024
};

static exo_gate gate;
static exo_identity *identity;
static exo_visitor visitors[VISITORS];
static exo_host *hosts[HOSTS]; /* that are looked up */
static char said[TALK];
static int64_t now;
static bool cannot_look_up;
static long passed;
static bool quiet;

static const char names[HOSTS][3] = {"h0", "h1", "h2", "h3", "h4", "h5", "h6", "h7"};

static void say(const char *what, const char *name)
{
    size_t len = strlen(said);
    if (!quiet) {
        snprintf(said + len, sizeof said - len, "%s%s%s", len > 0 ? " " : "", what, name);
    }
}

static const char *name_of(const exo_visitor *visitor)
{
    static char name[2];
    name[0] = (char)('a' + (visitor - visitors));
    return name;
}

static void on_wait(exo_visitor *visitor, bool waits)
{
    say(waits ? "…" : "!", name_of(visitor));
}

static void on_pass(exo_visitor *visitor)
{
    passed++;
    say("", name_of(visitor));
}

static void on_refuse(exo_visitor *visitor)
{
    say("-", name_of(visitor));
    exo_gate_leave(visitor); /* nothing: it is out already */
}

static bool on_look_up(exo_host *host, exo_visitor *first)
{
    assert_non_null(first);
    assert_true(first->host == host);
    say("?", host->name);
    if (cannot_look_up) {
        return false;
    }
    hosts[host->name[1] - '0'] = host;
    return true;
}

static void on_close(exo_gate *of, const exo_host *host)
{
    exo_host *one = (exo_host *)host;
    for (size_t i = 0; !one && i < HOSTS; i++) {
        one = hosts[i] && hosts[i]->unused > 0 ? hosts[i] : NULL;
    }
    assert_true(of == &gate);
    assert_non_null(one);
    say("x", one->name);
    exo_gate_keeps(one, false);
}

static const exo_gate_table table = {on_wait, on_pass, on_refuse, on_look_up, on_close};

static exo_host *host_of(char digit)
{
    exo_host *host = exo_gate_host(&gate, identity, false, names[digit - '0'], 80);
    assert_non_null(host);
    hosts[digit - '0'] = host;
    return host;
}

static void open_gate(void)
{
    exo_deployment deployment = EXO_DEPLOYMENT_INIT;
    memset(visitors, 0, sizeof visitors);
    memset(hosts, 0, sizeof hosts);
    said[0] = '\0';
    now = 1;
    cannot_look_up = quiet = false;
    passed = 0;
    exo_gate_init(&gate, &table);
    identity = exo_identity_new(&deployment);
    assert_non_null(identity);
}

static void close_gate(void)
{
    for (size_t i = 0; i < VISITORS; i++) {
        exo_gate_leave(&visitors[i]);
    }
    exo_host *host;
    while ((host = exo_gate_looks_up(&gate)) != NULL) {
        exo_gate_lost(host);
    }
    for (size_t i = 0; i < HOSTS; i++) {
        while (hosts[i] && hosts[i]->unused > 0) {
            exo_gate_keeps(hosts[i], false);
        }
    }
    assert_int_equal(gate.connections, 0);
    assert_int_equal(gate.lookups, 0);
    assert_int_equal(gate.unused, 0);
    assert_int_equal(gate.names.count + gate.next.count, 0);
    exo_gate_close(&gate);
    for (size_t i = 0; i < sizeof gate.buckets / sizeof gate.buckets[0]; i++) {
        assert_null(gate.buckets[i]);
    }
    exo_identity_drop(identity);
}

/* What happens, in words: `a0` visitor a comes for host h0, `a0?` and its name may have to be looked up, `a0*` on a
 * fresh connection; `a-` it leaves, `a+` it has its connection; `F0`, `N0` a look-up finds, or not; `K0` a connection
 * is kept; `M0` they multiplex; `T` a minute passes; `H2`, `C2`, `I2`, `L2` another bound. */
static void do_word(const char *word)
{
    exo_visitor *visitor = word[0] >= 'a' && word[0] <= 'z' ? &visitors[word[0] - 'a'] : NULL;
    exo_bounds bounds = gate.bounds;
    uint32_t number = word[0] && word[1] >= '0' && word[1] <= '9' ? (uint32_t)(word[1] - '0') : 0;
    switch (word[0]) {
    case 'F':
        exo_gate_found(hosts[number], 1, now);
        return;
    case 'N':
        exo_gate_lost(hosts[number]);
        return;
    case 'K':
        exo_gate_keeps(host_of(word[1]), true);
        exo_host_drop(hosts[number]);
        return;
    case 'M':
        exo_gate_multiplexes(host_of(word[1]), true);
        exo_host_drop(hosts[number]);
        return;
    case 'T':
        now += EXO_NAME_GOOD_MS;
        return;
    case 'H':
        bounds.connections_per_host = number;
        break;
    case 'C':
        bounds.connections = number;
        break;
    case 'I':
        bounds.idle_connections = number;
        break;
    case 'L':
        bounds.lookups = number;
        break;
    default:
        assert_non_null(visitor);
        if (word[1] == '-') {
            exo_gate_leave(visitor);
        } else if (word[1] == '+') {
            exo_gate_arrive(visitor);
        } else {
            visitor->is_fresh = word[2] == '*';
            exo_gate_enter(visitor, host_of(word[1]), word[2] == '?', 1, now);
        }
        return;
    }
    exo_gate_bound(&gate, &bounds);
}

static const struct {
    const char *what;
    const char *script;
    const char *said; /* "a" passes, "…a" waits for a bound and "!a" no longer, "-a" is refused, "?h0" is looked up,
                         "xh0" a connection is closed */
} scripts[] = {
    {"no bounds", "a0 b0 c1", "a b c"},
    {"one at a time, in order", "H1 a0 b0 c0 a- b- c-", "a …b …c !b b !c c"},
    {"of each host", "H1 a0 b1 c0 d1 b- a-", "a b …c …d !d d !c c"},
    {"of all", "C1 a0 b1 c0 a- b-", "a …b …c !b b !c c"},
    {"a full host holds up nobody else", "H1 C3 a0 b0 c1 d2", "a …b c d"},
    {"whoever leaves the line holds up nobody", "H1 a0 b0 c0 d0 c- b- a-", "a …b …c …d !d d"},
    {"nor in the line for all", "C1 a0 b1 c2 b- a-", "a …b …c !c c"},
    {"and takes nothing with it", "H1 C1 a0 b0 c0 d1 b- a- c-", "a …b …c …d !d d"},
    {"more room", "H1 a0 b0 c0 d0 H3", "a …b …c …d !b b !c c"},
    {"less room", "H3 a0 b0 c0 H1 d0 a- b- c-", "a b c …d !d d"},

    {"one look-up for all", "a0? b0? c0? F0", "?h0 a b c"},
    {"it is good for a while", "a0? F0 b0? T c0? d0? F0", "?h0 a b ?h0 c d"},
    {"none for an address", "a0 b0", "a b"},
    {"nobody is found", "a0? b0? N0 c0? F0", "?h0 -a -b ?h0 c"},
    {"the first one leaves", "a0? b0? a- F0", "?h0 b"},
    {"all leave, and it goes on", "a0? a- b0? F0", "?h0 b"},
    {"so many at once", "L1 a0? b1? c2? F0 F1 F2", "?h0 …b …c a ?h1 !b b ?h2 !c c"},
    {"they begin in order", "L2 a0? b1? c2? d3? N1 F0", "?h0 ?h1 …c …d -b ?h2 !c a ?h3 !d"},
    {"nobody asks for it any more", "L1 a0? b1? c2? b- F0", "?h0 …b …c a ?h2 !c"},
    {"others ask too", "L1 a0? b1? c1? b- F0 F1", "?h0 …b …c a ?h1 !c c"},
    {"more at once", "L1 a0? b1? c2? L3", "?h0 …b …c ?h1 !b ?h2 !c"},
    {"who asks takes no connection", "C1 a0? b1 F0 b-", "?h0 b …a !a a"},
    {"both bounds, one after the other", "H1 L1 a0? b0? c1? F0 F1", "?h0 …c a …b ?h1 !c c"},

    {"a connection that is kept is used", "C1 a0 a+ K0 a- b0", "a b"},
    {"or goes for another host's", "C1 a0 a+ K0 a- b1", "a xh0 b"},
    {"one is not used twice", "C2 K0 a0 K1 b0", "a xh0 xh1 b"},
    {"a fresh one is wanted", "H1 K0 a0*", "xh0 a"},
    {"no more are kept", "I1 K0 K1", "xh0"},
    {"none are", "K0 K1 I0", "xh0 xh1"},

    {"several on one", "H1 M0 a0 b0 c0", "a b c"},
    {"found out late", "H1 a0 b0 c0 M0", "a …b …c !b b !c c"},
    {"in all", "C1 M0 a0 b0 c1 a- b-", "a b …c !c c"},
};

static void scripts_say(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        char words[128];
        open_gate();
        snprintf(words, sizeof words, "%s", scripts[i].script);
        for (char *word = strtok(words, " "); word; word = strtok(NULL, " ")) {
            do_word(word);
        }
        if (strcmp(said, scripts[i].said) != 0) {
            fail_msg("%s: \"%s\" in place of \"%s\"", scripts[i].what, said, scripts[i].said);
        }
        close_gate();
    }
}

static void a_look_up_that_cannot_begin(void **state)
{
    (void)state;
    open_gate();
    cannot_look_up = true;
    do_word("a0?");
    do_word("b0?");
    assert_string_equal(said, "?h0 a ?h0 b");
    close_gate();
}

static void hosts_are_told_apart(void **state)
{
    (void)state;
    open_gate();
    exo_deployment other = EXO_DEPLOYMENT_INIT;
    other.proxy = "http://127.0.0.1:1";
    exo_identity *another = exo_identity_new(&other);
    exo_host *host = exo_gate_host(&gate, identity, false, "Example.org", 80);
    assert_ptr_equal(exo_gate_host(&gate, identity, false, "eXAMPLE.org", 80), host);
    const struct {
        exo_identity *identity;
        bool secure;
        const char *name;
        long port;
    } others[] = {{another, false, "example.org", 80},
                  {identity, true, "example.org", 80},
                  {identity, false, "example.org", 81},
                  {identity, false, "example.or", 80}};
    for (size_t i = 0; i < 4; i++) {
        exo_host *found = exo_gate_host(&gate, others[i].identity, others[i].secure, others[i].name, others[i].port);
        assert_ptr_not_equal(found, host);
        exo_host_drop(found);
    }
    exo_host_drop(host);
    exo_host_drop(host);
    exo_identity_drop(another);
    close_gate();
}

static void few_hosts_are_remembered(void **state)
{
    (void)state;
    open_gate();
    for (long port = 1; port <= 3 * EXO_HOSTS_KEPT; port++) {
        exo_host_drop(exo_gate_host(&gate, identity, false, "h", port));
    }
    assert_in_range(gate.idle.count, EXO_HOSTS_KEPT, EXO_HOSTS_KEPT + 1);
    close_gate();
}

/* ---- at random ---- */

static uint64_t seed;

static uint32_t pick(uint32_t below)
{
    seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407U;
    return (uint32_t)(seed >> 33) % below;
}

/* Whether the bounds hold, and nobody waits who could go. */
static void check(void)
{
    uint32_t counted = 0;
    uint32_t unused = 0;
    for (size_t i = 0; i < sizeof gate.buckets / sizeof gate.buckets[0]; i++) {
        for (const exo_host *host = gate.buckets[i]; host; host = host->next) {
            uint32_t there = 0;
            size_t asking = 0;
            for (size_t k = 0; k < VISITORS; k++) {
                there += visitors[k].host == host && visitors[k].stage == GATE_PASSED;
                asking += visitors[k].host == host && visitors[k].stage == GATE_ASKS;
            }
            assert_int_equal(host->passed, there);
            assert_int_equal(host->asking.count, asking);
            assert_true(asking == 0 || host->looks_up || gate.lookups >= gate.bounds.lookups);
            assert_true(host->waiting.count == 0 || host->taken >= gate.bounds.connections_per_host);
            assert_true(host->coming <= host->passed);
            counted += host->counted;
            unused += host->unused;
        }
    }
    assert_int_equal(gate.connections, counted);
    assert_int_equal(gate.unused, unused);
    assert_true(gate.next.count == 0 || gate.connections >= gate.bounds.connections);
    assert_true(gate.unused <= gate.bounds.idle_connections);
}

static void visitors_at_random(void **state)
{
    (void)state;
    for (uint64_t run = 0; run < 40; run++) {
        open_gate();
        quiet = true;
        seed = run;
        exo_bounds bounds = EXO_BOUNDS_INIT;
        bounds.connections_per_host = 1 + pick(4);
        bounds.connections = 1 + pick(8);
        bounds.lookups = 1 + pick(3);
        bounds.idle_connections = pick(4);
        exo_gate_bound(&gate, &bounds);
        for (int step = 0; step < 2000; step++) {
            exo_visitor *visitor = &visitors[pick(VISITORS)];
            exo_host *looking = exo_gate_looks_up(&gate);
            if (visitor->stage == GATE_OUTSIDE) {
                visitor->is_fresh = pick(8) == 0;
                exo_gate_enter(visitor, host_of((char)('0' + pick(HOSTS))), pick(2), 1, now);
            } else if (looking && pick(2)) {
                pick(2) ? exo_gate_found(looking, 1, now) : exo_gate_lost(looking);
            } else if (visitor->stage == GATE_PASSED && pick(2)) {
                exo_gate_arrive(visitor);
            } else {
                if (visitor->stage == GATE_PASSED && pick(2)) {
                    exo_gate_keeps(visitor->host, true);
                }
                exo_gate_leave(visitor);
            }
            now += pick(5000);
            check();
            assert_true(gate.connections <= gate.bounds.connections);
        }
        /* All who wait come through, whoever goes first. */
        for (int step = 0; step < 200 * VISITORS; step++) {
            exo_host *looking = exo_gate_looks_up(&gate);
            if (looking) {
                exo_gate_found(looking, 1, now);
            }
            exo_visitor *visitor = &visitors[pick(VISITORS)];
            if (visitor->stage == GATE_PASSED) {
                exo_gate_leave(visitor);
            }
            check();
        }
        for (size_t i = 0; i < VISITORS; i++) {
            assert_true(visitors[i].stage == GATE_OUTSIDE || visitors[i].stage == GATE_PASSED);
        }
        close_gate();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scripts_say),          cmocka_unit_test(a_look_up_that_cannot_begin),
        cmocka_unit_test(hosts_are_told_apart), cmocka_unit_test(few_hosts_are_remembered),
        cmocka_unit_test(visitors_at_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
