/*
 * arguments.c: see arguments.h.
 */
#include "arguments.h"

void arguments_begin(arguments *a, int argc, char **argv)
{
    memset(a, 0, sizeof *a);
    a->count = argc;
    a->all = argv;
    a->at = 1;
}

/* Whether a whole argument is an option that there is, by its name or its letter. */
static bool arguments_is_option(const char *text)
{
    if (text[0] != '-' || text[1] == '\0') {
        return false;
    }
    return text[1] == '-' ? option_of_name(exo_span_text(text + 2)) != NULL
                          : text[2] == '\0' && option_of_letter(text[1]) != NULL;
}

/* The value of an option that stands by itself: the next argument, unless that is an option. */
static argument_kind arguments_take_value(arguments *a)
{
    const char *next = a->at < a->count ? a->all[a->at] : NULL;
    a->value = next;
    if (!next || arguments_is_option(next)) {
        return ARGUMENT_LACKS_VALUE;
    }
    a->at++;
    return ARGUMENT_OPTION;
}

/* "--name" or "--name=value", of which `name` is given. */
static argument_kind arguments_read_name(arguments *a, const char *name)
{
    size_t len = strcspn(name, "=");
    a->text = exo_span_of(name - 2, len + 2);
    a->option = option_of_name(exo_span_of(name, len));
    a->value = NULL;
    if (!a->option) {
        return ARGUMENT_NO_OPTION;
    }
    if (name[len] == '=') {
        a->value = name + len + 1;
        return a->option->value ? ARGUMENT_OPTION : ARGUMENT_HAS_VALUE;
    }
    return a->option->value ? arguments_take_value(a) : ARGUMENT_OPTION;
}

/* The next of joined letters; what stands behind one that takes a value is that. */
static argument_kind arguments_read_letter(arguments *a)
{
    a->text = exo_span_of(a->letters, 1);
    a->option = option_of_letter(*a->letters);
    a->value = NULL;
    const char *rest = a->letters + 1;
    a->letters = *rest != '\0' ? rest : NULL;
    if (!a->option) {
        return ARGUMENT_NO_OPTION;
    }
    if (a->option->value) {
        a->value = a->letters;
        a->letters = NULL;
        return a->value ? ARGUMENT_OPTION : arguments_take_value(a);
    }
    return ARGUMENT_OPTION;
}

/* "-name", as other programs write it. The letters that it is made of would mean something else. */
static bool arguments_has_one_dash(arguments *a, const char *name)
{
    a->option = name[1] != '\0' ? option_of_name(exo_span_of(name, strcspn(name, "="))) : NULL;
    return a->option != NULL;
}

argument_kind arguments_next(arguments *a)
{
    if (a->letters) {
        return arguments_read_letter(a);
    }
    if (a->at >= a->count) {
        return ARGUMENT_END;
    }
    const char *text = a->all[a->at++];
    a->value = text;
    if (a->literal) {
        return ARGUMENT_LITERAL;
    }
    if (text[0] != '-' || text[1] == '\0') {
        return ARGUMENT_OPERAND;
    }
    if (text[1] != '-') {
        a->letters = text + 1;
        return arguments_has_one_dash(a, text + 1) ? ARGUMENT_ONE_DASH : arguments_read_letter(a);
    }
    if (text[2] != '\0') {
        return arguments_read_name(a, text + 2);
    }
    a->literal = true;
    return arguments_next(a);
}
