/* parser.h - parser files compiled.
 *
 * A parser says literals that its lines hold, or the tags of their logger, and patterns (PCRE2)
 * that are tried where the literal or the message begins. A set holds all parsers in the order of
 * trial and is immutable: any number of threads share it, each with a matcher of its own
 * (matcher.h).
 *
 *     struct parser_set *set = parser_set_new();
 *     parser_set_add_folder(set, "/usr/share/scantide/parsers", &err);
 *     struct matcher *m = matcher_new(set);
 *     enum outcome o = matcher_match(m, &envelope, &event);
 */
#ifndef SCANTIDE_PARSE_PARSER_H
#define SCANTIDE_PARSE_PARSER_H

#include "base/error.h"
#include "parse/event.h"
#include "parse/parser_file.h"

struct parser_set;

struct parser_set *parser_set_new(void);
void parser_set_free(struct parser_set *set);

/* Adds every `*.yaml` of a folder, by name; a file whose name the set already holds is passed over,
 * so the user's folder goes first. A folder that isn't there is no fault. Every fault of every file
 * is added. Returns 0 or -EINVAL. */
int parser_set_add_folder(struct parser_set *set, const char *folder, struct error *err);

/* Adds one file, whatever its folder. */
int parser_set_add_file(struct parser_set *set, const char *path, struct error *err);

/* The verdict of lines whose LOG prefix contains `prefix` (compared as it stands), before any
 * file's own rules. */
void parser_set_add_prefix(struct parser_set *set, const char *prefix, enum action action);

/* Whether PCRE2 made no machine code of some pattern, so that lines take several times as long. */
bool parser_set_is_slow(const struct parser_set *set);

size_t parser_set_count(const struct parser_set *set);
const char *parser_set_name(const struct parser_set *set, size_t i);
const char *parser_set_path(const struct parser_set *set, size_t i);
const struct parser_file *parser_set_file(const struct parser_set *set, size_t i);
const struct yamlfile *parser_set_yaml(const struct parser_set *set, size_t i);

/* Whether parser `first` says that it is to be tried before `then`, itself or by others between. */
bool parser_set_is_before(const struct parser_set *set, size_t first, size_t then);

/* Runs every parser's samples and refusals; adds a fault for each that isn't as stated, for each
 * pattern that no sample proves, for each sample that another parser takes as well, though nothing
 * says which goes first. Returns 0 or -EINVAL. */
int parser_set_prove(const struct parser_set *set, struct error *err);

#endif
