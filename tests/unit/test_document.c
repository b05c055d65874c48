/* A page of hostile names: nothing in it ends a tag, a cell or a link but what the writer wrote. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#include "report/document.h"

#define HOSTILE "<script>a</script> \"b\" 'c' & | x ](y) `z`\n# d"

static char *written(int (*write)(const struct document *d, FILE *out))
{
    static const char *const titles[] = {HOSTILE, "n"};
    static const bool numeric[] = {false, true};
    struct document *d = document_new("en", HOSTILE, HOSTILE);
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    document_heading(d, 2, HOSTILE);
    document_paragraph(d, HOSTILE);
    document_item(d, HOSTILE);
    document_table(d, HOSTILE, titles, numeric, 2);
    document_cell(d, HOSTILE);
    document_cell(d, "1");
    assert_int_equal(write(d, out), 0);
    fclose(out);
    document_free(d);
    return text;
}

static int html(const struct document *d, FILE *out)
{
    return document_html(d, NULL, out);
}

static void test_html(void **state)
{
    char *text = written(html);

    (void)state;
    assert_null(strstr(text, "<script"));
    assert_non_null(strstr(text, "&lt;script&gt;a&lt;/script&gt;"));
    free(text);
}

/* A row has as many cells as its table has columns, a paragraph stays one, and no tag is one. */
static void test_markdown(void **state)
{
    char *text = written(document_markdown);

    (void)state;
    for (char *at = strstr(text, "<script"); at; at = strstr(at + 1, "<script"))
        assert_true(at[-1] == '\\');
    assert_null(strstr(text, "\n# d"));
    assert_null(strstr(text, "\n\\# d"));
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        int bars = 0;
        for (char *c = line; *line == '|' && *c; c++)
            bars += *c == '|' && (c == line || c[-1] != '\\');
        assert_true(bars == 0 || bars == 3);
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_html),
                                       cmocka_unit_test(test_markdown)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
