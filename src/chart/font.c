#include "chart/font.h"

#include <fontconfig/fontconfig.h>
#include <stddef.h>

bool font_is_there(const char *language)
{
    FcPattern *pattern = FcPatternCreate();
    FcLangSet *languages = FcLangSetCreate();
    FcObjectSet *objects = FcObjectSetBuild(FC_FAMILY, (char *)0);

    FcLangSetAdd(languages, (const FcChar8 *)language);
    FcPatternAddLangSet(pattern, FC_LANG, languages);
    FcFontSet *fonts = FcFontList(NULL, pattern, objects);
    bool is = fonts && fonts->nfont > 0;
    if (fonts)
        FcFontSetDestroy(fonts);
    FcObjectSetDestroy(objects);
    FcLangSetDestroy(languages);
    FcPatternDestroy(pattern);
    return is;
}
