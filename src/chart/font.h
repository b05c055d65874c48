/* font.h - whether a language can be drawn here. One thread at a time. */
#ifndef SCANTIDE_CHART_FONT_H
#define SCANTIDE_CHART_FONT_H

#include <stdbool.h>

/* Whether some font has the letters of the language ("ja"), as fontconfig knows it. */
bool font_is_there(const char *language);

#endif
