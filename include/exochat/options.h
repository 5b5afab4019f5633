/*
 * options.h: how a struct of options is written down: once, as a table of its fields.
 *
 * A table has a row X(type, field, default …) for each field; the struct and its INIT macro are made of it, and whoever
 * wants to know what a field is unless it is set can ask the table too. The first member of such a struct is `size_t
 * size`, which INIT sets and which says how much of it the caller knows: one that is smaller than the library's comes
 * from a program that was built with an older header, and the fields that it lacks have their defaults; one that is
 * larger is EXO_E_ARGUMENT, for it may ask for what the library does not do. So that both stay true, rows are only ever
 * appended, and never one that would lie in what was padding before.
 */
#ifndef EXOCHAT_OPTIONS_H
#define EXOCHAT_OPTIONS_H

/* What a row is in the struct, and what it is in its INIT macro. A default may be a list in braces. */
#define EXO_OPTION_FIELD(type, field, ...)   type field;
#define EXO_OPTION_DEFAULT(type, field, ...) , __VA_ARGS__

#endif
