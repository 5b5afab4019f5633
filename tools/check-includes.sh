#!/bin/sh
# Who may include what: tools/check-includes.sh [ROOT]
# The table below is the whole rule for the core and its headers, beside error, span, limits, buffer, clock, options and the
# private ascii and seldom, which all may use. A header that is private to src/core is a module of its own. The client, the command and the
# bindings see public headers and files of their own folder, and whatever is not ours. The folders within src/client see
# its headers too, and the headers of src/client/curl that do without libcurl are seen by all of src/client. Of the client,
# the command and the public headers, libcurl is for src/client/curl only; libyaml is for src/client/config only. What
# src/core/core.mk does not list is not a header of the core. No two headers include each other, however many others are
# between them.
set -eu
root=${1:-$(dirname "$0")/..}
cd "$root"

rule=$(mktemp)
trap 'rm -f "$rule"' EXIT
cat >"$rule" <<'TABLE'
json_read      json_name json_pass json_text
json_pass      json_read json_text
json_write     json_text vectors
json_text      vectors
json_repair    json_pass json_read json_repair_kind json_repair_state json_repair_write
json_repair_kind json_repair_state
json_repair_pass json_pass json_repair_state json_text vectors
json_repair_state json_read json_repair
json_repair_write json_repair_state json_text
value          json_read
encode         value json_write json_read encode_walk
encode_walk    encode
encode_piece   encode_walk json_text vectors
encode_file    encode_walk
json_name      json_read
chunk          chunk_delta chunk_learn chunk_pass chunk_places json_name json_read json_text think shape
chunk_delta    chunk
chunk_places   chunk
chunk_pass     chunk_places json_pass
chunk_learn    chunk json_name json_read shape
shape          chunk chunk_delta json_text
answer         chunk json_repair finish answer_calls answer_keep
answer_calls   answer answer_keep json_text
answer_keep    answer json_repair
failure        failure_body failure_words retry_after json_text
failure_body   failure failure_words retry_after json_read json_text
retry_after    failure
intake         sse chunk answer failure finish intake_look
intake_look    json_read
attempt        intake
route          failure
http1          json_text
TABLE

find include/exochat src bindings -name '*.[ch]' 2>/dev/null | sort | xargs awk '
    function bad(why) { printf "%s:%d: %s: %s\n", FILENAME, FNR, name, why; failures++ }

    # The file that is named: opener is < or ", name is what stands between.
    function judge(    target) {
        if (name ~ /\.\./ || name ~ /^(src|include|bindings)\// || name ~ /^\//) {
            bad("a path through the tree")
            return
        }
        target = name
        sub(/^exochat\//, "", target)
        sub(/\.h$/, "", target)
        if (name ~ /^exochat\// || (layer == "core" && opener == "\"" && (folder name) in exists)) {
            if (layer == "core" && target != module && !(target in base) && !((module, target) in may))
                bad(module " may not use " target)
            return
        }
        if (layer == "core") {
            vectors = module == "vectors" && (name == "emmintrin.h" || name == "arm_neon.h") # part of the compiler
            if (opener == "\"" || !(name in freestanding || vectors)) bad("not for the core")
            return
        }
        target = (folder name) in exists ? folder name : ""
        if (target == "" && layer == "client" && opener == "\"") {
            target = (("src/client/" name) in exists) ? "src/client/" name : ""
        }
        if (name ~ /\// && name !~ /^curl\//) target = ""
        if (target != "") uses[FILENAME, target] = FNR ":" name
        if (layer !~ /^(public|client|cli|bindings)$/)
            bad("a folder without a rule")
        else if (layer == "bindings" ? name in private && target == "" : opener == "\"" && target == "")
            bad("neither public nor of its own folder")
        else if (name ~ /^curl\// && opener == "<" && (layer == "public" || layer == "cli" || (layer == "client" && !is_transport(FILENAME))))
            bad("for src/client/curl only")
        else if (name == "yaml.h" && folder != "src/client/config/")
            bad("for src/client/config only")
        else if (name ~ /^curl\// && opener == "<")
            needs[FILENAME]
    }

    # Whether a file may see libcurl.
    function is_transport(file) {
        return file ~ /^src\/client\/curl\//
    }

    # What the line includes, of our own: public, of the same folder, or of the client.
    function note_edge(    i, path) {
        for (i = 1; i <= 4; i++) {
            path = (i == 1 ? "include/" : i == 2 ? folder : i == 3 ? "src/client/" : "src/core/") name
            if (path in exists) {
                edges[FILENAME] = edges[FILENAME] " " path
                return
            }
        }
    }

    # Goes through what a file includes; whoever is met on the way to itself is in a circle.
    function judge_circles(file, way,    list, count, i) {
        if (state[file] == "seen") return
        if (state[file] == "on the way") {
            sub(".* " file " ", file " ", way)
            sub(/^ +/, "", way)
            printf "a circle: %s %s\n", way, file
            failures++
            return
        }
        state[file] = "on the way"
        count = split(edges[file], list, " ")
        for (i = 1; i <= count; i++) judge_circles(list[i], way " " file)
        state[file] = "seen"
    }

    # Who includes what needs libcurl needs it too; only the transport may.
    function judge_reach(    more, pair, use, place) {
        do {
            more = 0
            for (use in uses) {
                split(use, pair, SUBSEP)
                if (pair[2] in needs && is_transport(pair[1]) && !(pair[1] in needs)) {
                    needs[pair[1]]
                    more = 1
                }
            }
        } while (more)
        for (use in uses) {
            split(use, pair, SUBSEP)
            if (pair[2] ~ /^src\/client\/curl\// && pair[2] in needs && !is_transport(pair[1])) {
                split(uses[use], place, ":")
                printf "%s:%d: %s: needs libcurl\n", pair[1], place[1], place[2]
                failures++
            }
        }
    }

    BEGIN {
        split("error span limits buffer clock options ascii seldom", list, " ")
        for (i in list) base[list[i]]
        split("stdbool.h stddef.h stdint.h string.h", list, " ")
        for (i in list) freestanding[list[i]]
        while ((getline line <ARGV[1]) > 0) {
            count = split(line, word, " ")
            for (i = 2; i <= count; i++) may[word[1], word[i]]
        }
        while ((getline line <ARGV[2]) > 0) {
            if (sub(/^EXO_CORE_SOURCES \+= /, "", line) && sub(/\.c$/, "", line)) core[line]
        }
        ARGV[1] = ARGV[2] = ""
        for (i = 3; i < ARGC; i++) {
            exists[ARGV[i]]
            path = ARGV[i]
            sub(/.*\//, "", path)
            if (ARGV[i] ~ /^src\//) private[path]
        }
    }

    FNR == 1 {
        files++
        folder = FILENAME
        sub(/[^\/]*$/, "", folder)
        module = substr(FILENAME, length(folder) + 1)
        sub(/\.[ch]$/, "", module)
        layer = folder ~ /^src\// ? substr(folder, 5) : folder ~ /^bindings\// ? "bindings" : "public"
        sub(/\/.*/, "", layer)
        if (layer == "public" && (module in core || module ~ /^(span|options)$/)) layer = "core"
    }

    match($0, /^[ \t]*#[ \t]*include[ \t]*[<"][^>"]*/) {
        name = substr($0, RSTART, RLENGTH)
        opener = name ~ /</ ? "<" : "\""
        sub(/^[^<"]*[<"]/, "", name)
        judge()
        note_edge()
        includes++
    }

    END {
        judge_reach()
        for (file in exists) judge_circles(file, "")
        printf "%d files, %d includes, %d against the rule\n", files, includes, failures
        exit failures > 0 || includes == 0
    }
' "$rule" src/core/core.mk
