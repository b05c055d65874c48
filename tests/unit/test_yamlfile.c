/* Every fault of a YAML file, with its line and column, and a value that fits the schema whatever the
 * faults. */
#include "config/yamlfile.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/nearest.h"

struct entry {
    char *file;
    uint8_t size;
    int8_t shift;
    int action;
    bool follow;
    float share;
};

struct top {
    char *name;
    char *data;
    struct entry *inputs;
    uint32_t inputs_count;
};

static const cyaml_strval_t actions[] = {{"drop", 1}, {"reject", 2}, {"accept", 3}};

static const cyaml_schema_field_t entry_fields[] = {
    CYAML_FIELD_STRING_PTR("file", CYAML_FLAG_POINTER, struct entry, file, 1, 20),
    CYAML_FIELD_UINT("size", CYAML_FLAG_OPTIONAL, struct entry, size),
    CYAML_FIELD_INT("shift", CYAML_FLAG_OPTIONAL, struct entry, shift),
    CYAML_FIELD_ENUM("action", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, struct entry, action,
                     actions, CYAML_ARRAY_LEN(actions)),
    CYAML_FIELD_BOOL("follow", CYAML_FLAG_OPTIONAL, struct entry, follow),
    CYAML_FIELD_FLOAT("share", CYAML_FLAG_OPTIONAL, struct entry, share),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t entry_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct entry, entry_fields),
};

static const cyaml_schema_field_t top_fields[] = {
    CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct top, name, 0,
                           CYAML_UNLIMITED),
    CYAML_FIELD_STRING_PTR("data", CYAML_FLAG_POINTER_NULL | CYAML_FLAG_OPTIONAL, struct top, data,
                           0, CYAML_UNLIMITED),
    CYAML_FIELD_SEQUENCE("inputs", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct top, inputs,
                         &entry_schema, 1, 3),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t top_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct top, top_fields),
};

static char path[] = "/tmp/test_yamlfile.XXXXXX";

static int make_file(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static void write_file(const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

/* The faults as they are printed, each line without the path. */
static char *faults_text(struct error *err)
{
    static char text[4096];
    char *printed = NULL;
    size_t size, used = 0;
    FILE *out = open_memstream(&printed, &size);

    error_print(err, out);
    fclose(out);
    for (char *line = strtok(printed, "\n"); line; line = strtok(NULL, "\n")) {
        size_t n = strlen(path);
        bool ours = strncmp(line, path, n) == 0 && line[n] == ':';
        used +=
            (size_t)snprintf(text + used, sizeof text - used, "%s\n", ours ? line + n + 1 : line);
    }
    text[used] = 0;
    free(printed);
    return text;
}

static void test_faults_of_schema(void **state)
{
    static const struct {
        const char *yaml, *faults;
    } cases[] = {
        {"nam: x\n", "1:1: key 'nam' is unknown; did you mean 'name'?\n"},
        {"colour: x\n", "1:1: key 'colour' is unknown; known here: name, data and inputs\n"},
        {"name: a\nname: b\n", "2:1: key 'name' is given twice; the first stands in line 1\n"},
        {"inputs:\n  - size: 1\n", "2:5: key 'file' is missing\n"},
        {"inputs: []\n", "1:9: 'inputs' has 0 entries; it must have 1\n"},
        {"inputs: x\n", "1:9: 'inputs' must be a list, each entry behind '- ', not one value\n"},
        {"inputs:\n", "1:8: 'inputs' has no value; it must be a list, each entry behind '- '\n"},
        {"name: [x]\n", "1:7: 'name' must be one value, not a list\n"},
        {"- x\n", "1:1: the file must be a mapping, lines of 'key: value', not a list\n"},
        {"inputs:\n  - x\n",
         "2:5: 'inputs[0]' must be a mapping, lines of 'key: value', not one value\n"},
        {"inputs:\n  - file:\n", "2:10: 'inputs[0].file' has no value\n"},
        {"inputs:\n  - file: ''\n", "2:11: 'inputs[0].file' must not be empty\n"},
        {"inputs:\n  - file: 123456789012345678901\n",
         "2:11: 'inputs[0].file' has 21 bytes; it may have 20\n"},
        {"name: \"a\\0b\"\n", "1:7: 'name' holds a zero byte\n"},
        {"inputs: [{file: a, size: 256}]\n",
         "1:26: 'inputs[0].size' must be a whole number from 0 to 255, not '256'\n"},
        {"inputs: [{file: a, size: -1}]\n",
         "1:26: 'inputs[0].size' must be a whole number from 0 to 255, not '-1'\n"},
        {"inputs: [{file: a, size: 10x}]\n",
         "1:26: 'inputs[0].size' must be a whole number from 0 to 255, not '10x'\n"},
        {"inputs: [{file: a, size: 010}]\n",
         "1:26: 'inputs[0].size' must be a whole number from 0 to 255, not '010'\n"},
        {"inputs: [{file: a, shift: -129}]\n",
         "1:27: 'inputs[0].shift' must be a whole number from -128 to 127, not '-129'\n"},
        {"inputs: [{file: a, follow: off}]\n",
         "1:28: 'inputs[0].follow' must be true or false, not 'off'\n"},
        {"inputs: [{file: a, share: much}]\n",
         "1:27: 'inputs[0].share' must be a number, not 'much'\n"},
        {"inputs: [{file: a, action: dorp}]\n", "1:28: 'inputs[0].action' must be drop, reject or "
                                                "accept, not 'dorp'; did you mean 'drop'?\n"},
        {"inputs: [{file: a, action: 1}]\n",
         "1:28: 'inputs[0].action' must be drop, reject or accept, not '1'\n"},
        /* all at once, in the order of the file */
        {"nam: x\ninputs:\n  - size: 300\n    sze: 3\n",
         "1:1: key 'nam' is unknown; did you mean 'name'?\n"
         "3:5: key 'file' is missing\n"
         "3:11: 'inputs[0].size' must be a whole number from 0 to 255, not '300'\n"
         "4:5: key 'sze' is unknown; did you mean 'size'?\n"},
        /* an anchored node's faults once, not once for each alias */
        {"inputs:\n  - &a {file: a, size: x}\n  - *a\n",
         "2:24: 'inputs[0].size' must be a whole number from 0 to 255, not 'x'\n"},
    };

    (void)state;
    for (size_t i = 0; i < CYAML_ARRAY_LEN(cases); i++) {
        struct error err = {0};
        struct yamlfile *f;
        write_file(cases[i].yaml);
        assert_int_equal(yamlfile_load(path, &top_schema, &f, &err), 0);
        assert_non_null(yamlfile_value(f));
        assert_string_equal(faults_text(&err), cases[i].faults);
        error_fini(&err);
        yamlfile_free(f);
    }
}

/* One fault, and nothing of what stands before it. */
static void test_faults_of_structure(void **state)
{
    static const struct {
        const char *yaml, *faults;
    } cases[] = {
        {"nam: x\nname: [a\n", "3:1: not YAML: did not find expected ',' or ']' (while parsing a "
                               "flow sequence that begins in line 2)\n"},
        {"name: x\n\tdata: y\n", "2:1: not YAML: a tab; YAML is indented with spaces only\n"},
        {"name: x: y\n", "1:8: not YAML: mapping values are not allowed in this context\n"},
        {"name: *nobody\n", "1:7: not YAML: found undefined alias\n"},
        {"# \xc3\xa4\nname: \xff\n", "2:7: not text in UTF-8: invalid leading UTF-8 octet\n"},
        {"name: x\n---\nname: y\n", "2:1: a second document begins here; a file holds one\n"},
    };

    (void)state;
    for (size_t i = 0; i < CYAML_ARRAY_LEN(cases); i++) {
        struct error err = {0};
        struct yamlfile *f;
        write_file(cases[i].yaml);
        assert_int_equal(yamlfile_load(path, &top_schema, &f, &err), -EINVAL);
        assert_null(f);
        assert_string_equal(faults_text(&err), cases[i].faults);
        error_fini(&err);
    }
}

/* Every part of the file that is sound keeps its value and its place, whatever is wrong around it. */
static void test_value_with_faults(void **state)
{
    static const char *const unsound[] = {
        "name",           "inputs[0]",      "inputs[0].file", "inputs[0].size",
        "inputs[1].file", "inputs[1].size", "inputs[2]",
    };
    static const char *const sound[] = {
        "", "data", "inputs", "inputs[1]", "inputs[1].action", "inputs[2]x", "nam", "nothing",
    };
    struct error err = {0};
    struct yamlfile *f;

    (void)state;
    write_file(
        "nam: x\nname: [y]\ndata: \"\\U0001F600 \\x85 \\\"\\\\ \\x7f\n\\t\"\ninputs:\n  - x\n"
        "  - {size: 300, action: accept, shift: -3}\n  - [b]\n  - {file: d}\ndata: [z]\n");
    assert_int_equal(yamlfile_load(path, &top_schema, &f, &err), 0);
    assert_string_equal(faults_text(&err),
                        "1:1: key 'nam' is unknown; did you mean 'name'?\n"
                        "2:7: 'name' must be one value, not a list\n"
                        "6:3: 'inputs' has 4 entries; it may have 3\n"
                        "6:5: 'inputs[0]' must be a mapping, lines of 'key: value', not one value\n"
                        "7:5: key 'file' is missing\n"
                        "7:12: 'inputs[1].size' must be a whole number from 0 to 255, not '300'\n"
                        "8:5: 'inputs[2]' must be a mapping, lines of 'key: value', not a list\n"
                        "10:1: key 'data' is given twice; the first stands in line 3\n"
                        "10:7: 'data' must be one value, not a list\n");
    error_fini(&err);
    const struct top *t = yamlfile_value(f);
    assert_string_equal(t->data, "\xf0\x9f\x98\x80 \xc2\x85 \"\\ \x7f \t");
    assert_int_equal(t->inputs_count, 3);
    assert_int_equal(t->inputs[1].action, 3);
    assert_int_equal(t->inputs[1].shift, -3);
    for (size_t i = 0; i < CYAML_ARRAY_LEN(unsound); i++) {
        assert_false(yamlfile_is_sound(f, unsound[i]));
        yamlfile_fault(f, unsound[i], &err, "said twice");
    }
    assert_int_equal(err.n, 0);
    for (size_t i = 0; i < CYAML_ARRAY_LEN(sound); i++)
        assert_true(yamlfile_is_sound(f, sound[i]));
    yamlfile_fault(f, "inputs[1].action", &err, "is wrong");
    assert_string_equal(faults_text(&err), "7:25: is wrong\n");
    error_fini(&err);
    yamlfile_free(f);
}

/* An anchored node's faults hold at each of its aliases, though they are said once. */
static void test_aliases_of_faults(void **state)
{
    struct error err = {0};
    struct yamlfile *f;

    (void)state;
    write_file("inputs:\n  - &a {file: a, size: x}\n  - *a\n");
    assert_int_equal(yamlfile_load(path, &top_schema, &f, &err), 0);
    assert_int_equal(err.n, 1);
    assert_false(yamlfile_is_sound(f, "inputs[0].size"));
    assert_false(yamlfile_is_sound(f, "inputs[1].size"));
    assert_string_equal(((const struct top *)yamlfile_value(f))->inputs[1].file, "a");
    error_fini(&err);
    yamlfile_free(f);
}

static void test_value(void **state)
{
    struct error err = {0};
    struct yamlfile *f;

    (void)state;
    write_file("name: 'gate'\ndata:\ninputs:\n"
               "  - {file: a, size: 0x10, shift: -128, action: reject, follow: Yes, share: 0.5}\n"
               "  - file: b\n");
    assert_int_equal(yamlfile_load(path, &top_schema, &f, &err), 0);
    assert_int_equal(err.n, 0);
    const struct top *t = yamlfile_value(f);
    assert_string_equal(t->name, "gate");
    assert_null(t->data);
    assert_int_equal(t->inputs_count, 2);
    assert_int_equal(t->inputs[0].size, 16);
    assert_int_equal(t->inputs[0].shift, -128);
    assert_int_equal(t->inputs[0].action, 2);
    assert_true(t->inputs[0].follow);
    assert_string_equal(t->inputs[1].file, "b");
    assert_string_equal(yamlfile_path(f), path);
    yamlfile_free(f);
}

static void test_places(void **state)
{
    static const struct {
        const char *node;
        int line, column;
    } cases[] = {
        {"", 2, 1},
        {"name", 2, 7},
        {"inputs", 4, 3},
        {"inputs[0]", 4, 5},
        {"inputs[1]", 6, 5},
        {"inputs[1].file", 6, 11},
        {"inputs[0].size", 5, 11},
        {"inputs[7]", 4, 3},
        {"inputs[1].size", 6, 5},
        {"nothing.of[3].it", 2, 1},
    };
    struct error err = {0};
    struct yamlfile *f;
    int line, column;

    (void)state;
    write_file("# a comment\nname: x\ninputs:\n  - file: a\n    size: 3\n  - file: b\n");
    assert_int_equal(yamlfile_load(path, &top_schema, &f, &err), 0);
    for (size_t i = 0; i < CYAML_ARRAY_LEN(cases); i++) {
        yamlfile_place(f, cases[i].node, &line, &column);
        assert_int_equal(line, cases[i].line);
        assert_int_equal(column, cases[i].column);
    }
    yamlfile_fault(f, "inputs[1].file", &err, "file '%s' is taken", "b");
    assert_string_equal(faults_text(&err), "6:11: file 'b' is taken\n");
    error_fini(&err);
    yamlfile_free(f);
}

static void test_empty_file(void **state)
{
    static const char *const files[] = {"", "# only a comment\n", "---\n"};

    (void)state;
    for (size_t i = 0; i < CYAML_ARRAY_LEN(files); i++) {
        struct error err = {0};
        struct yamlfile *f;
        write_file(files[i]);
        assert_int_equal(yamlfile_load(path, &top_schema, &f, &err), 0);
        const struct top *t = yamlfile_value(f);
        assert_null(t->name);
        yamlfile_free(f);
    }
}

static void test_unreadable(void **state)
{
    struct error err = {0};
    struct yamlfile *f;

    (void)state;
    assert_int_equal(yamlfile_load("/nowhere/x.yaml", &top_schema, &f, &err), -ENOENT);
    assert_null(f);
    assert_int_equal(err.n, 1);
    assert_string_equal(faults_text(&err), "/nowhere/x.yaml: can't be read: the folder /nowhere "
                                           "doesn't exist; is the path right?\n");
    error_fini(&err);
    assert_int_equal(yamlfile_load("/tmp", &top_schema, &f, &err), -EISDIR);
    assert_string_equal(faults_text(&err),
                        "/tmp: can't be read: it is a folder; name a file in it\n");
    error_fini(&err);
}

static void test_nearest(void **state)
{
    static const char *const words[] = {"sport", "dport", "timezone", "file", "action"};
    static const struct {
        const char *word, *near;
    } cases[] = {
        {"timezon", "timezone"},  {"tiemzone", "timezone"},
        {"TimeZone", "timezone"}, {"dpt", "dport"},
        {"spt", "sport"},         {"flie", "file"},
        {"actoin", "action"},     {"", NULL},
        {"colour", NULL},         {"f", NULL},
    };

    (void)state;
    for (size_t i = 0; i < CYAML_ARRAY_LEN(cases); i++) {
        const char *near = nearest_word(str_from(cases[i].word), words, CYAML_ARRAY_LEN(words));
        if (cases[i].near) {
            assert_non_null(near);
            assert_string_equal(near, cases[i].near);
        } else {
            assert_null(near);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_faults_of_schema),
        cmocka_unit_test(test_faults_of_structure),
        cmocka_unit_test(test_value_with_faults),
        cmocka_unit_test(test_aliases_of_faults),
        cmocka_unit_test(test_value),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_empty_file),
        cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_nearest),
    };

    return cmocka_run_group_tests(tests, make_file, remove_file);
}
