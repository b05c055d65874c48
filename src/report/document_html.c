#include <errno.h>
#include <libxml/xmlwriter.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "report/document.h"

#define X(text) ((const xmlChar *)(text))

/* Legible at 360 pixels and on paper, light and dark, without scripts. What is wider than a narrow
 * screen, a table, is scrolled within itself. */
static const char style[] =
    ":root{color-scheme:light dark;--paper:#fff;--ink:#1f2933;--soft:#5b6673;--line:#dfe4ea;"
    "--mark:#f4f6f9}"
    "@media (prefers-color-scheme:dark){:root{--paper:#14181d;--ink:#d9e0e8;--soft:#9aa6b3;"
    "--line:#2c343d;--mark:#1b2127}}"
    "*{box-sizing:border-box}"
    "body{margin:0;background:var(--paper);color:var(--ink);"
    "font:1rem/1.55 'Noto Sans','Noto Sans CJK JP',system-ui,sans-serif;"
    "font-variant-numeric:tabular-nums}"
    "main,footer{max-width:76rem;margin:0 auto;padding:0 1.25rem}"
    "h1{font-size:1.9rem;line-height:1.2;margin:2.2rem 0 .6rem;letter-spacing:-.01em}"
    "h2{font-size:1.3rem;margin:2.8rem 0 .8rem;padding-top:.9rem;border-top:2px solid var(--line)}"
    "h3{font-size:1.05rem;margin:2rem 0 .4rem}"
    "p{max-width:46rem;margin:.5rem 0}"
    "h1+p{color:var(--soft)}"
    "ul{max-width:52rem;padding-left:1.2rem;margin:.5rem 0}li{margin:.3rem 0}"
    ".scroll{overflow-x:auto;margin:1rem 0}"
    "table{border-collapse:collapse;font-size:.9rem;min-width:min(36rem,100%)}"
    "caption{text-align:left;color:var(--soft);padding:.2rem .6rem .4rem 0}"
    "th,td{text-align:left;padding:.3rem .8rem .3rem 0;border-bottom:1px solid var(--line);"
    "white-space:nowrap;vertical-align:top}"
    "thead th{color:var(--soft);font-weight:600}"
    "tbody th{font-weight:600}"
    "tbody tr:hover{background:var(--mark)}"
    ".n{text-align:right}"
    "figure{margin:1rem 0 1.4rem;max-width:54rem}"
    "figure img{display:block;width:100%;height:auto}"
    "footer{color:var(--soft);font-size:.85rem;margin-top:3rem;padding-bottom:2rem}"
    "@media (max-width:40rem){main,footer{padding:0 .9rem}h1{font-size:1.5rem}"
    "table{font-size:.75rem;min-width:100%}th,td{padding-right:.5rem}th{white-space:normal}}"
    "@media print{:root{--paper:#fff;--ink:#000;--soft:#3d4550;--line:#c9ced5;--mark:#fff}"
    "body{font-size:9.5pt}main,footer{max-width:none;padding:0}"
    ".scroll{overflow:visible}figure{max-width:40rem}"
    "h2,h3{break-after:avoid}figure,tr,li{break-inside:avoid}table{font-size:8.5pt}}";

static void start(xmlTextWriterPtr w, const char *name)
{
    xmlTextWriterStartElement(w, X(name));
}

static void end(xmlTextWriterPtr w)
{
    xmlTextWriterFullEndElement(w);
}

static void attribute(xmlTextWriterPtr w, const char *name, const char *value)
{
    xmlTextWriterWriteAttribute(w, X(name), X(value));
}

static void element(xmlTextWriterPtr w, const char *name, const char *text)
{
    start(w, name);
    xmlTextWriterWriteString(w, X(text));
    end(w);
}

/* `<name a="..." b="...">`: HTML's void elements have no end, which XML's writer would write. Names
 * and values by turns, up to NULL. */
static void void_element(xmlTextWriterPtr w, const char *name, const char *const *attributes)
{
    xmlTextWriterWriteFormatRaw(w, "<%s", name);
    for (; *attributes; attributes += 2) {
        xmlChar *value = xmlEncodeSpecialChars(NULL, X(attributes[1]));
        ASSERT(value);
        xmlTextWriterWriteFormatRaw(w, " %s=\"%s\"", attributes[0], (const char *)value);
        xmlFree(value);
    }
    xmlTextWriterWriteRaw(w, X(">"));
}

static void put_line(xmlTextWriterPtr w)
{
    xmlTextWriterWriteRaw(w, X("\n"));
}

static void put_table(xmlTextWriterPtr w, const struct block *b)
{
    start(w, "div");
    attribute(w, "class", "scroll");
    attribute(w, "tabindex", "0"); /* so that a keyboard can scroll it */
    start(w, "table");
    if (*b->text)
        element(w, "caption", b->text);
    for (size_t i = 0; i < b->cell_count; i++) {
        size_t column = i % b->columns, row = i / b->columns;
        if (i == 0)
            start(w, "thead");
        if (row == 1 && column == 0)
            start(w, "tbody");
        if (column == 0)
            start(w, "tr");
        start(w, row == 0 ? "th" : "td");
        if (row == 0)
            attribute(w, "scope", "col");
        if (b->numeric[column])
            attribute(w, "class", "n");
        xmlTextWriterWriteString(w, X(b->cells[i]));
        end(w);
        if (column + 1 < b->columns)
            continue;
        end(w);
        put_line(w);
        if (row == 0)
            end(w); /* thead */
    }
    if (b->cell_count > b->columns)
        end(w); /* tbody */
    end(w);
    end(w);
}

/* The whole file; NULL where it can't be read. The caller frees it. */
static char *read_file(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    char *data = NULL;
    size_t cap = 0, got;

    *n = 0;
    if (!f)
        return NULL;
    do {
        if (cap - *n < 65536)
            data = xrealloc(data, cap = cap * 2 + 131072, 1);
        got = fread(data + *n, 1, cap - *n - 1, f);
        *n += got;
    } while (got > 0);
    fclose(f);
    data[*n] = 0;
    return data;
}

/* The picture as an address that holds it: as text, which is shorter than base64 would be. The
 * caller frees it. */
static char *data_url(const char *svg)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                " -._~!$'()*+,;:@/?=";
    char *url = NULL;
    size_t size;
    FILE *f = open_memstream(&url, &size);

    ASSERT(f);
    fputs("data:image/svg+xml,", f);
    for (const char *c = svg; *c; c++)
        if (*c == '"')
            fputc('\'', f); /* cairo's SVG quotes nothing else */
        else if (*c == '\n')
            fputc(' ', f);
        else if (strchr(plain, *c))
            fputc(*c, f);
        else
            fprintf(f, "%%%02X", (unsigned char)*c);
    fclose(f);
    return url;
}

static int put_figure(xmlTextWriterPtr w, const struct block *b, const char *svg_extra)
{
    size_t n;
    char *data = read_file(b->path, &n);

    if (!data)
        return -errno;
    /* The style goes behind the tag that opens the picture. */
    char *open = strstr(data, "<svg"), *behind = open ? strchr(open, '>') : NULL;
    size_t head = behind ? (size_t)(behind + 1 - data) : 0;
    char *whole =
        xasprintf("%.*s%s%s", (int)head, data, svg_extra && head ? svg_extra : "", data + head);
    start(w, "figure");
    char *source = data_url(whole);
    void_element(w, "img",
                 (const char *const[]){"alt", b->text, "loading", "lazy", "src", source, NULL});
    end(w);
    free(source);
    free(whole);
    free(data);
    remove(b->path); /* it was drawn to be embedded */
    return 0;
}

static void put_link(xmlTextWriterPtr w, const char *text, const char *path)
{
    start(w, "a");
    attribute(w, "href", path);
    xmlTextWriterWriteString(w, X(text));
    end(w);
}

static void put_item(xmlTextWriterPtr w, const struct block *b)
{
    start(w, "li");
    if (b->cell_count) {
        put_link(w, b->cells[0], b->cells[1]);
        xmlTextWriterWriteString(w, X(" "));
    }
    xmlTextWriterWriteString(w, X(b->text));
    for (size_t i = 2; i < b->cell_count; i += 2) {
        xmlTextWriterWriteString(w, X(" "));
        put_link(w, b->cells[i], b->cells[i + 1]);
    }
    end(w);
}

static int put_block(xmlTextWriterPtr w, const struct block *b, const struct block *before,
                     const struct block *after, const char *svg_extra)
{
    switch (b->kind) {
    case BLOCK_HEADING: element(w, b->level == 2 ? "h2" : "h3", b->text); break;
    case BLOCK_PARAGRAPH: element(w, "p", b->text); break;
    case BLOCK_ITEM:
        if (!before || before->kind != BLOCK_ITEM)
            start(w, "ul");
        put_item(w, b);
        if (!after || after->kind != BLOCK_ITEM)
            end(w);
        break;
    case BLOCK_TABLE: put_table(w, b); break;
    case BLOCK_FIGURE: return put_figure(w, b, svg_extra);
    }
    put_line(w);
    return 0;
}

static void put_meta(xmlTextWriterPtr w, const char *name, const char *content)
{
    void_element(w, "meta", (const char *const[]){"name", name, "content", content, NULL});
}

static void put_head(xmlTextWriterPtr w, const struct document *d)
{
    start(w, "head");
    void_element(w, "meta", (const char *const[]){"charset", "utf-8", NULL});
    put_meta(w, "viewport", "width=device-width, initial-scale=1");
    put_meta(w, "color-scheme", "light dark");
    put_meta(w, "generator", "scantide");
    element(w, "title", document_title(d));
    start(w, "style");
    xmlTextWriterWriteRaw(w, X(style)); /* ours; nothing in it is anybody's */
    end(w);
    end(w);
    put_line(w);
}

static int put_body(xmlTextWriterPtr w, const struct document *d, const char *svg_extra)
{
    const struct block *list;
    size_t n = document_blocks(d, &list);
    int rc = 0;

    start(w, "body");
    start(w, "main");
    element(w, "h1", document_title(d));
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = put_block(w, &list[i], i ? &list[i - 1] : NULL, i + 1 < n ? &list[i + 1] : NULL,
                       svg_extra);
    end(w);
    element(w, "footer", document_generator(d));
    end(w);
    return rc;
}

int document_html(const struct document *d, const char *svg_extra, FILE *out)
{
    xmlBufferPtr buffer = xmlBufferCreate();
    xmlTextWriterPtr w = buffer ? xmlNewTextWriterMemory(buffer, 0) : NULL;

    if (!w) {
        xmlBufferFree(buffer);
        return -ENOMEM;
    }
    xmlTextWriterWriteRaw(w, X("<!DOCTYPE html>\n"));
    start(w, "html");
    attribute(w, "lang", document_language(d));
    put_head(w, d);
    int rc = put_body(w, d, svg_extra);
    end(w);
    put_line(w);
    xmlFreeTextWriter(w); /* flushes */
    const char *text = (const char *)xmlBufferContent(buffer);
    if (rc == 0 && (fputs(text, out) == EOF || fflush(out) != 0))
        rc = -EIO;
    xmlBufferFree(buffer);
    return rc;
}
