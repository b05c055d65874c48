/* picture.h - a chart from what is to be seen, "22/tcp by country of this day", not from files.
 *
 * Finds the series and the largest parts (report/rank.h), has pairs made that no chart has needed
 * yet (series_settle is the caller's, once for all pictures), shades what the facts say of gaps,
 * losses and notes, and words title and notes; the drawing is chart/draw.h's. One thread at a time per kit; it is the thread that draws.
 *
 *     struct picture *p;
 *     if (picture_make(&kit, &order, &p, err) == 0)
 *         rc = picture_draw(p, "a.svg", err);
 *     picture_free(p);
 */
#ifndef SCANTIDE_REPORT_PICTURE_H
#define SCANTIDE_REPORT_PICTURE_H

#include "base/error.h"
#include "base/port.h"
#include "base/zone.h"
#include "chart/chart.h"
#include "report/rank.h"
#include "series/series.h"

/* What all charts of a call share; the caller's, and unchanged while pictures are there. */
struct picture_kit {
    struct store *store;
    struct series *series;
    const struct chart_definition *definition;
    const struct zone *zone;
    const char *zone_variable; /* of caption_zone_variable */
    const char *country_path;  /* NULL: there is no country database */
    int64_t country_built;
    int64_t now, late_s;           /* series are there up to `now - late_s` */
    unsigned port_events;          /* that give a port its series: for a sentence */
    void (*say)(const char *text); /* a sentence about what isn't in a picture; NULL: nobody asks */
};

enum picture_by {
    PICTURE_BY_DEFAULT,
    PICTURE_BY_COUNTRY,
    PICTURE_BY_PORT,
    PICTURE_BY_NONE,
    PICTURE_BY_SPREAD
};

enum { PICTURE_NOTES_MAX = 8 };

struct picture_order {
    struct series_key what;
    const struct port_group *group; /* in place of what.port, or NULL */
    enum picture_by by;             /* not PICTURE_BY_DEFAULT: picture_by says what that is */
    int64_t from, to;               /* as asked; a picture has whole bars */
    bool ends_now;                  /* nobody said where it ends; the bar of now needn't be there */
    bool begins_anywhere;           /* a length was asked for, and no beginning */
    const uint16_t *sensors;
    size_t sensor_count;
    const char *title; /* NULL: what it is of */
    unsigned width, height, zoom;
    size_t layers;
    double least;      /* events an hour, in the mean: a smaller part is in `other` */
    const char *theme; /* NULL: the first */
    const struct chart_name *colours; /* of parts, instead of the palette's; NULL: none */
    size_t colour_count;
    bool no_sources;   /* the legend has no distinct sources: quicker */
    bool legend_below; /* the plot; else beside it */
    bool band;
    enum chart_scale scale;
    const char *const *notes; /* lines under the chart */
    size_t note_count;        /* at most PICTURE_NOTES_MAX */
};

/* What a series is stacked by where nobody says. */
enum picture_by picture_by(enum series_kind kind);

/* How the order's events are spread over all ports (chart/spread.h), from a ranking of ports: of
 * the total or of a country. *title is the caller's to free. 0, or a negative errno with a fault
 * in err. */
int picture_spread(const struct picture_kit *kit, const struct picture_order *order,
                   const struct ranking *ports, const char *output, char **title,
                   struct error *err);

struct picture;

/* 0 with *out the caller's; -ENOENT where there is no series of it, or another negative errno, with
 * a sentence in err and *out NULL. */
int picture_make(const struct picture_kit *kit, const struct picture_order *order,
                 struct picture **out, struct error *err);
void picture_free(struct picture *p);

/* Many of one span, the same sensors and no_sources: facts are read and series are made once for
 * all of them. out[i] is NULL where there is no series of orders[i]. 0, or a negative errno with a
 * sentence in err and all of `out` NULL. */
int pictures_make(const struct picture_kit *kit, const struct picture_order *orders, size_t n,
                  struct picture **out, struct error *err);

/* Draws it to a file, .png or .svg. 0, or a negative errno with a fault in err. */
int picture_draw(struct picture *p, const char *output, struct error *err);

/* The shell command that draws the same; *text is the caller's to free. */
int picture_command(struct picture *p, const char *output, char **text, struct error *err);

/* Whether the span was rounded outward to bars of more than 5 minutes. */
bool picture_is_rounded(const struct picture *p);

/* The events that it shows. */
uint64_t picture_events(const struct picture *p);

const char *picture_title(const struct picture *p);

#endif
