"""The command line: which command is meant, what is no option, and what is likely a mistake. Nothing of that is sent."""

import pytest
from upstream.chunks import TEXT

KEY = "sk-proj-0a1b2c3d4e5f6a7b8c9d"


@pytest.fixture
def type_line(exochat, upstream):
    """type_line(*args) with an endpoint that is configured, by which whatever is asked would be answered."""

    def run(*args, **more):
        env = {"OPENAI_BASE_URL": upstream.base_url, "OPENAI_API_KEY": "sk-1", **more.pop("env", {})}
        return exochat(*args, env=env, **more)

    return run


def refused(ran, upstream, *words):
    assert ran.code == 2, ran
    for word in words:
        assert word in ran.complaint, (word, ran)
    assert ran.stdout == b"" and upstream.connections == 0


# --- no command, and yet no question

WORDS = [  # (what is typed, what is meant)
    ("modles", "exochat models"),
    ("model", "exochat models"),
    ("modells", "exochat models"),
    ("Models", "exochat models"),
    ("chek", "exochat check"),
    ("cehck", "exochat check"),
    ("CHECK", "exochat check"),
    ("debgu", "exochat debug"),
    ("help", "exochat --help"),
    ("hlep", "exochat --help"),
    ("?", "exochat --help"),
    ("usage", "exochat --help"),
    ("version", "exochat --version"),
    ("vresoin", "exochat --version"),
    ("list", "exochat models"),
    ("config", "exochat check"),
    ("chat", "exochat PROMPT"),
]


@pytest.mark.parametrize("word, meant", WORDS)
@pytest.mark.parametrize("before", [(), ("-m", "ok"), ("--trace", "-q")])
def test_a_word_that_is_close_to_a_command(type_line, upstream, word, meant, before):
    refused(type_line(*before, word), upstream, "did you mean " + meant, f"exochat -- {word}")
    assert type_line("-m", "ok", "--", word).out == TEXT


@pytest.mark.parametrize("words", [("help", "models"), ("list", "models"), ("help", "chek")])
def test_two_such_words(type_line, upstream, words):
    refused(type_line("-m", "ok", *words), upstream, "did you mean")


@pytest.mark.parametrize("words", [("hello",), ("hi",), ("helping",), ("help", "me"), ("model", "trains"), ("held up",)])
def test_other_words_are_a_question(type_line, upstream, words):
    assert type_line("-m", "ok", *words).out == TEXT
    assert upstream.requests[0].json["messages"][0]["content"] == " ".join(words)


@pytest.mark.parametrize("dash", "\u2010\u2011\u2012\u2013\u2014\u2015\u2212")
def test_a_long_dash_is_no_dash(type_line, upstream, dash):
    for line in ([dash + "help"], ["-m", "ok", dash + "system", "x", "hello"], ["hello", dash + "json"]):
        refused(type_line(*line), upstream, "long dash")
    assert type_line("-m", "ok", f"a {dash} b").out == TEXT


def test_the_name_of_a_file_is_no_question(type_line, upstream, tmp_path):
    (tmp_path / "photo.jpg").write_bytes(b"x")
    path = str(tmp_path / "photo.jpg")
    refused(type_line("-m", "ok", path), upstream, f"-a {path}")
    refused(type_line("-m", "ok", "photo.jpg", cwd=tmp_path), upstream, "-a photo.jpg")
    assert type_line("-m", "ok", "photo.jpg").out == TEXT  # there is none of that name
    assert type_line("-m", "ok", "--", path).out == TEXT
    assert type_line("-m", "ok", "describe", path).out == TEXT


@pytest.mark.parametrize("options", [("-n",), ("-q", "-n"), ("-qn",)])
def test_n_takes_no_number(type_line, upstream, options):
    refused(type_line("-m", "ok", *options, "3", "a joke"), upstream, "--n 3")
    assert type_line("-m", "ok", *options, "a joke").out == TEXT


# --- options before the command

COMMANDS = [(["models"], ["--json"]), (["models"], ["--remote"]), (["check"], ["--probe"]), (["check"], [])]


@pytest.mark.parametrize("command, options", COMMANDS)
def test_options_may_stand_before_the_command(exochat, upstream, write_config, command, options):
    config = ["--config", str(write_config({"ok": {}}, default_model="ok"))]
    behind = exochat(*command, *config, *options)
    assert behind.code == 0
    for line in ([*config, *command, *options], [*config, *options, *command], [*options, *command, *config]):
        before = exochat(*line)
        if options != ["--probe"]:
            assert before.stdout == behind.stdout
        assert before.code == 0
    asked = [request for request in upstream.requests if request.body]
    assert all(request.json["max_tokens"] == 1 for request in asked)


@pytest.mark.parametrize("command", ["models", "check"])
def test_a_command_takes_no_arguments(type_line, upstream, command):
    refused(type_line(command, "my", "code"), upstream, command + ": no arguments expected", f"exochat -- {command}")
    refused(type_line("-m", "ok", command, "my", "code"), upstream, f"exochat -- {command}")
    assert type_line("-m", "ok", "--", command, "my", "code").out == TEXT


def test_check_is_not_given_its_file(type_line, upstream, write_config):
    config = write_config({"ok": {}})
    refused(type_line("check", config), upstream, f"--config {config}")


def test_debug_stands_first(type_line, upstream):
    refused(type_line("-q", "debug", "json"), upstream, "exochat debug")
    refused(type_line("debug", "jsno"), upstream, "did you mean json?")


@pytest.mark.parametrize("line, says", [
    (["-q", "models"], "--quiet: not an option of exochat models"),
    (["--remote", "hello"], "--remote: not an option of a question, but of exochat models"),
    (["--probe", "hello"], "exochat check"),
    (["check", "--json"], "--json: not an option of exochat check"),
])  # fmt: skip
def test_an_option_of_another_command(type_line, upstream, line, says):
    refused(type_line(*line), upstream, says)


# --- options that are none

OPTIONS = [  # (option, what is meant)
    ("--modle", "--model"),
    ("--mod", "--model"),
    ("--jsn", "--json"),
    ("--no-steam", "--no-stream"),
    ("--base_url", "--base-url"),
    ("--baseurl", "--base-url"),
    ("--api-key-evn", "--api-key-env"),
    ("--atach", "--attach"),
    ("--totaltimeout", "--total-timeout"),
    ("--HELP", "--help"),
    ("--vresion", "--version"),
    ("--url", "--base-url"),
    ("--image", "--attach"),
    ("--verbose", "--trace"),
    ("--temperature", "-o temperature="),
    ("--max-tokens", "-o KEY=VALUE"),
    ("--stream", "--no-stream"),
    ("-v", "--trace"),
    ("-t", "-o temperature="),
    ("-f", "-a"),
    ("-p", "PROMPT"),
]


@pytest.mark.parametrize("option, meant", OPTIONS)
def test_did_you_mean(type_line, upstream, option, meant):
    refused(type_line("-m", "ok", option, "hello"), upstream, option + ": no such option", meant)
    if option.startswith("--"):
        refused(type_line("-m", "ok", option + "=1", "hello"), upstream, option + ": no such option", meant)


@pytest.mark.parametrize("name", ["model", "system", "json", "trace", "base-url"])
def test_one_dash_where_two_are_meant(type_line, upstream, name):
    refused(type_line("-" + name, "ok", "hello"), upstream, "--" + name)
    refused(type_line(f"-{name}=ok", "hello"), upstream, "--" + name)


@pytest.mark.parametrize("line", [["--mod", "ok"], ["--tra"], ["--api-key", "KEY"], ["--no-s"], ["--ver"], ["--he"]])
def test_no_option_is_abbreviated(type_line, upstream, line):
    refused(type_line(*line, "-m", "ok", "hello"), upstream, line[0] + ": no such option; ")


def test_an_option_in_place_of_a_value(type_line, upstream):
    refused(type_line("-s", "--json", "-m", "ok", "hello"), upstream, "--system: TEXT expected", "--system=--json")
    refused(type_line("-s", "-m", "ok", "hello"), upstream, "--system: TEXT expected", "--system=-m")
    assert type_line("--system=--json", "-m", "ok", "hello").out == TEXT
    assert type_line("-s", "-", "-m", "ok", "hello").out == TEXT
    assert type_line("-s", "--a dash", "-m", "ok", "hello").out == TEXT
    assert upstream.requests[-1].json["messages"][0]["content"] == "--a dash"


FORMS = [["-mok", "hello"], ["-qmok", "hello"], ["-qm", "ok", "hello"], ["--model=ok", "hello"], ["hello", "-m", "ok"]]


@pytest.mark.parametrize("line", FORMS)
def test_the_forms_of_options(type_line, upstream, line):
    assert type_line(*line).out == TEXT and upstream.requests[0].json["messages"][0]["content"] == "hello"


@pytest.mark.parametrize("letter, name", [("-V", "--version"), ("-h", "--help")])
def test_letters_that_everybody_tries(exochat, letter, name):
    assert exochat(letter).stdout == exochat(name).stdout != b""


def test_q_is_quiet(ask):
    assert ask("reasoning", "-q").stderr == b"" and b"Rivers" in ask("reasoning").stderr


def test_help_is_that_of_the_command(exochat):
    for line in (["models", "--help"], ["--help", "models"], ["-q", "models", "-h"]):
        assert exochat(*line).out.startswith("Usage: exochat models")
    assert exochat("--help", "--nonsense").code == 0


@pytest.mark.parametrize("number", ["1", "3", "16"])
def test_n_is_how_many_answers(ask, upstream, number):
    ran = ask(f"n-{number}", "--n", number)
    assert ran.code == 0 and upstream.requests[0].json["n"] == int(number)
    assert ran.out.count("choice ") == int(number)


@pytest.mark.parametrize("number", ["0", "17", "-1", "x", "1.5", ""])
def test_n_is_a_number(ask, upstream, number):
    refused(ask("ok", "--n", number), upstream, "--n: a whole number from 1 to 16 expected")


# --- keys

KEYED = [
    ["--api-key", KEY],
    ["--api-key=" + KEY],
    ["--api-key-env", KEY],
    ["--api-key-env=" + KEY],
    ["--api-key-env", "Bearer " + KEY],
    ["--api-key-env", "AIzaSyA-0123456789"],
    ["--api-key-env", KEY.replace("-", "")],
    ["--api-key-env", "0123456789ABCDEF0123456789ABCDEF"],
    ["--api-key-env", "ABCDEF0123456789ABCDEF0123456789"],
    ["--api-key-file", KEY],
    ["--key", KEY],
    ["-k", KEY],
    ["--token=" + KEY],
    ["--" + KEY],
    ["-o", KEY],
    ["-o", KEY + "=x", "-o", "model=" + KEY],
    ["--ttft", KEY],
    ["--ttft-until", KEY],
    ["--retries", KEY],
    ["--n", KEY],
    ["--base-url", KEY],
    ["--base-url", f"https://{KEY}@h/v1"],
    ["--base-url", f"https://u:{KEY}@h/v1"],
    ["--base-url", f"ftp://h/v1?key={KEY}"],
    ["--proxy", KEY + " "],
    ["--proxy", f"gopher://u:{KEY}@h"],
    ["models", "--api-key-env", KEY],
    ["check", "--api-key", KEY],
]


@pytest.mark.parametrize("line", KEYED, ids=range(len(KEYED)))
def test_a_key_in_the_wrong_place_is_never_shown(exochat, upstream, line):
    given = [] if "--base-url" in line else ["--base-url", upstream.base_url]
    ran = exochat(*line, *given, "-m", "ok", *([] if line[0] in ("models", "check") else ["hello"]))
    assert ran.code == 2 and upstream.connections == 0
    for secret in (KEY, KEY[8:], line[-1].removeprefix("--token=").removeprefix("--api-key-env="), KEY.replace("-", "")):
        assert secret[-12:] not in ran.err, ran


@pytest.mark.parametrize("line", KEYED[:5])
def test_what_to_do_with_a_key_instead(exochat, upstream, line):
    ran = exochat("--base-url", upstream.base_url, *line, "-m", "ok", "hello")
    refused(ran, upstream, "the name of a variable", "--api-key-file")


def test_a_key_of_a_configuration_in_the_wrong_place(exochat, upstream, write_config):
    for value in (KEY, KEY.replace("-", "") + "x"):
        config = write_config({"ok": {"api_key_env": value, "fallbacks": ["b"]}, "b": {"api_key_env": value}})
        for line in (["-m", "ok", "hello"], ["models", "--remote", "-m", "ok"], ["check", "--probe"]):
            ran = exochat("--config", config, *line)
            assert ran.code == 2 and value[-12:] not in ran.err and upstream.connections == 0


# --- where a key is from, and where it goes

def authorization(upstream):
    return upstream.requests[-1].header("authorization")


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n"])
def test_a_line_end_behind_a_key_is_taken_off(exochat, upstream, tmp_path, write_config, end):
    (tmp_path / "key").write_bytes(("sk-1" + end).encode())
    base = ("--base-url", upstream.base_url, "-m", "ok")
    assert exochat(*base, "--api-key-file", tmp_path / "key", "hello").out == TEXT
    assert authorization(upstream) == "Bearer sk-1"
    assert exochat(*base, "--api-key-env", "KEY", "hello", env={"KEY": "sk-2" + end}).out == TEXT
    assert authorization(upstream) == "Bearer sk-2"
    for way in ({"api_key_env": "KEY"}, {"api_key_file": "key"}, {"api_key": "${KEY}"}):
        ran = exochat("--config", write_config({"ok": way}), "-m", "ok", "hello", env={"KEY": "sk-1" + end})
        assert ran.out == TEXT and authorization(upstream) == "Bearer sk-1"


@pytest.mark.parametrize("value, why", [(None, "has no KEY"), ("", "KEY is empty"), ("\n", "KEY is empty")])
def test_an_empty_variable_is_not_an_absent_one(exochat, upstream, write_config, value, why):
    env = {} if value is None else {"KEY": value}
    ran = exochat("--base-url", upstream.base_url, "-m", "ok", "--api-key-env", "KEY", "hello", env=env)
    refused(ran, upstream, "--api-key-env: ", why)
    config = write_config({"ok": {"api_key_env": "KEY"}})
    refused(exochat("--config", config, "-m", "ok", "hello", env=env), upstream, "api_key_env: ", why)
    assert ("is empty" in exochat("check", "--config", config, env=env).out) == (value is not None)


NO_KEYS = [(None, "No such file"), (b"", "is empty"), (b"\n", "is empty"), (b"a\0b", "nothing else")]
NO_KEYS += [(b"k" * 9000, "nothing else")]


@pytest.mark.parametrize("data, why", NO_KEYS)
def test_a_file_that_holds_no_key(exochat, upstream, tmp_path, data, why):
    if data is not None:
        (tmp_path / "key").write_bytes(data)
    ran = exochat("--base-url", upstream.base_url, "-m", "ok", "--api-key-file", tmp_path / "key", "hello")
    refused(ran, upstream, "--api-key-file: ", why)


def test_the_key_of_openai_goes_to_its_own_url_alone(exochat, upstream, write_config):
    env = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": upstream.base_url}
    ran = exochat("-m", "ok", "--trace", "hello", env=env)
    assert ran.out == TEXT and authorization(upstream) == "Bearer " + KEY
    assert f"OPENAI_API_KEY is sent to {upstream.base_url}" in ran.err and KEY not in ran.err
    assert exochat("-m", "ok", "hello", env=env).stderr == b""
    ran = exochat("--base-url", upstream.base_url, "-m", "ok", "--trace", "hello", env=env)
    assert ran.out == TEXT and authorization(upstream) is None and "OPENAI" not in ran.err
    ran = exochat("--config", write_config({"ok": {}}), "-m", "ok", "--trace", "hello", env=env)
    assert ran.out == TEXT and authorization(upstream) is None and "OPENAI" not in ran.err
    folder = exochat.home / ".config" / "exochat"
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_bytes(write_config({"ok": {}}).read_bytes())
    assert exochat("-m", "ok", "hello", env=env).out == TEXT and authorization(upstream) is None


def test_without_a_base_url_the_key_is_for_openai(exochat, closed_port):
    """Nothing is sent: the proxy is not there. It is asked for the right host."""
    env = {"OPENAI_API_KEY": KEY}
    ran = exochat("-m", "m", "--trace", "--proxy", f"http://127.0.0.1:{closed_port}", "hello", env=env)
    assert ran.code == 1 and "OPENAI_API_KEY is sent to https://api.openai.com/v1," in ran.err and KEY not in ran.err


def test_no_key_of_openai_is_sent_where_it_is_not_set(exochat, upstream):
    for env in ({}, {"OPENAI_API_KEY": ""}):
        ran = exochat("-m", "ok", "--trace", "hello", env={"OPENAI_BASE_URL": upstream.base_url, **env})
        assert ran.out == TEXT and authorization(upstream) is None and "no key is sent" in ran.err


def test_models_and_check_know_openai_too(exochat, upstream):
    env = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": upstream.base_url}
    assert "ok" in exochat("models", "--remote", env=env).out.splitlines()
    assert authorization(upstream) == "Bearer " + KEY
    assert exochat("check", "--probe", "-m", "ok", env=env).code == 0
    ran = exochat("models", env=env)
    assert ran.code == 2 and "--remote" in ran.complaint and KEY not in ran.err


# --- where the configuration is looked for

def test_the_message_that_misses_a_configuration_says_where_it_would_be(exochat, upstream, tmp_path):
    place = exochat.home / ".config" / "exochat" / "config.yaml"
    for command in (["hello"], ["models"], ["check"]):
        refused(exochat(*command), upstream, str(place), "--config FILE", "--base-url URL", "OPENAI_API_KEY")
    refused(exochat("hello", env={"XDG_CONFIG_HOME": str(tmp_path)}), upstream, f"{tmp_path}/exochat/config.yaml")
    refused(exochat("hello", env={"OPENAI_API_KEY": ""}), upstream, "OPENAI_API_KEY, which is empty")


# --- URLs

URLS = [  # (what is given, how it is shown, what is said)
    ("localhost:8080/v1", "'localhost:8080/v1'", "http:// or https:// is missing"),
    ("api.openai.com/v1", "'api.openai.com/v1'", "http:// or https:// is missing"),
    ("/v1", "'/v1'", "http:// or https:// is missing"),
    ("http:/h/v1", "'http:/h/v1'", "two slashes"),
    ("https//h/v1", "'https//h/v1'", "colon is missing"),
    ("http://", "'http://'", "host is missing"),
    ("http:///v1", "'http:///v1'", "host is missing"),
    ("http://:8080/v1", "'http://:8080/v1'", "host is missing"),
    ("ftp://h/v1", "'ftp://h/v1'", "only http and https"),
    ("http://h:99999/v1", "'http://h:99999/v1'", "port"),
    ("http://h:80a/v1", "'http://h:80a/v1'", "port"),
    ("http://a b/v1", "'http://a b/v1'", "blank"),
    (" http://h/v1", "' http://h/v1'", "blank"),
    ("http://h/v1#x", "'http://h/v1#***'", "fragment"),
    ("http://me@h/v1", "'http://***@h/v1'", "a user"),
    ("http://me:hunter2@h:1/v1?x=y", "'http://***@h:1/v1?***'", "a user"),
    ("'http://h/v1'", "''http://h/v1''", "quotation marks"),
    ("hello", "https://api.openai.com/v1 is expected", "missing"),
]


@pytest.mark.parametrize("url, shown, why", URLS)
def test_a_url_that_is_none_is_shown_with_what_it_lacks(exochat, upstream, write_config, url, shown, why):
    refused(exochat("--base-url", url, "-m", "ok", "hello"), upstream, "--base-url: ", shown, why)
    refused(exochat("-m", "ok", "hello", env={"OPENAI_BASE_URL": url}), upstream, "OPENAI_BASE_URL: ", shown, why)
    config = write_config({"ok": {"base_url": url}})
    refused(exochat("--config", config, "-m", "ok", "hello"), upstream, "models.ok.base_url: ", shown, why)
    assert "hunter2" not in exochat("--base-url", url, "-m", "ok", "hello").err


def test_models_are_listed_as_json(exochat, write_config):
    config = write_config({"b": {"base_url": "http://h/v1"}, "a": {"base_url": "http://h/v1", "fallbacks": ["b"]}})
    listed = exochat("models", "--json", "--config", config).json
    assert [(model["name"], model["fallbacks"]) for model in listed] == [("b", []), ("a", ["b"])]


# --- what newcomers type

TYPED = [  # (line, exit code, words); $U is the endpoint, $C a configuration with `fast` and `big`, $D a folder
    ("--base-url $U -m ok -o temperature 0.5 hi", 2, "KEY=VALUE, as in temperature=0.2, expected, not 'temperature'"),
    ("--base-url $U -m ok --json=true hi", 2, "--json: no value expected"),
    ("--base-url $U -m ok -s", 2, "--system: TEXT expected"),
    ("--base-url $U -m ok -a nofile.png hi", 2, "--attach: nofile.png: No such file"),
    ("--base-url $U -m ok -a $D hi", 2, "--attach: $D: Is a directory"),
    ("--base-url $U -m ok --schema {} hi", 2, "--schema: a file expected, and not the JSON itself"),
    ("--base-url $U -m ok --tools [{}] hi", 2, "--tools: a file expected, and not the JSON itself"),
    ("--base-url $U -m ok --messages []", 2, "--messages: a file expected, and not the JSON itself"),
    ("--base-url $U -m ok -o stream=false hi", 2, "--no-stream prints the text when it is complete"),
    ("--base-url $U -m ok -o model=x hi", 2, "--model sets it"),
    ("--base-url $U -m ok -o messages=[] hi", 2, "--messages and the prompt set it"),
    ("--base-url $U -m ok --ca $D hi", 2, "--ca: $D: a file expected"),
    ("--base-url $U -m ok --ttft 1sec hi", 2, "like 15, 15s, 500ms"),
    ("--base-url $U -m ok --retries hi", 2, "--retries: a whole number from 0 to 100 expected"),
    ("--base-url $U -m ok --timeout 3 hi", 2, "did you mean --total-timeout, or --idle-timeout?"),
    ("--base-url $U -m ok --message hi", 2, "did you mean --messages FILE?"),
    ("--base-url $U -m ok --output x hi", 2, "exochat ... > FILE"),
    ("--base-url $U -m ok @$C", 2, "-a $C"),
    ("--base-url $U -m ok", 2, "standard input is empty, and a prompt is expected"),
    ("--base-url $U -m ok -n", 2, "a prompt is expected"),
    ("--base-url $U -m ok -n -", 2, "-n: leaves standard input alone, so not with -"),
    ("--base-url $U hi", 2, "exochat models --remote asks $U which it has"),
    ("--base-url $U -m ok --n 3 hi", 0, "3 answers were asked for, and 1 came"),
    ("--base-url $U models", 2, "--remote asks $U"),
    ("--base-url $U check --probe", 2, "--model: MODEL expected"),
    ("--config $C hi", 2, "has no default_model; exochat models lists"),
    ("--config $C -m fas hi", 2, "'fas' is not configured in $C; did you mean fast?"),
    ("--config $C -m fast --fallback bgi hi", 2, "--fallback: 'bgi' is not configured in $C; did you mean big?"),
    ("--config $C check fast", 2, "check: no arguments expected, -m names a model"),
    ("--config $C models fast", 2, "models: no arguments expected, -m names a model"),
    ("--config $C --api-key-env KEY hi", 2, "a configuration names its own keys"),
    ("--config $C --base-url $U hi", 2, "--base-url: takes the place of a configuration"),
    ("--config nofile hi", 2, "nofile: No such file or directory"),
]  # fmt: skip


@pytest.mark.parametrize("line, code, words", TYPED)
def test_what_newcomers_type(exochat, upstream, write_config, tmp_path, line, code, words):
    places = {"$U": upstream.base_url, "$C": str(write_config({"fast": {"model": "ok"}, "big": {}})), "$D": str(tmp_path)}
    for name, value in places.items():
        line, words = line.replace(name, value), words.replace(name, value)
    ran = exochat(*line.split())
    assert ran.code == code and words in ran.complaint, ran
    assert code == 0 or upstream.connections == 0


def test_check_without_a_configuration_says_so(exochat, upstream):
    ran = exochat("check", "--base-url", upstream.base_url)
    assert ran.code == 0 and upstream.base_url in ran.out and "--probe -m MODEL" in ran.out


def test_a_dash_is_standard_input(exochat, upstream):
    base = ("--base-url", upstream.base_url, "-m", "ok")
    for line, prompt in ((["-"], "text"), (["-", "Q"], "Q\n\ntext"), (["Q", "-"], "Q\n\ntext"), (["--", "-"], "-\n\ntext")):
        assert exochat(*base, *line, input="text").out == TEXT
        assert upstream.requests[-1].json["messages"][0]["content"] == prompt
