#include "base/language.h"

#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"

int language_choose(const char *code, const char *folder)
{
    if (strcmp(code, "en") == 0) {
        setenv("LANGUAGE", "en", 1);
        return 0;
    }
    if (strchr(code, '/'))
        return -ENOENT;
    char *path = xasprintf("%s/%s/LC_MESSAGES/" LANGUAGE_DOMAIN ".mo", folder, code);
    int there = access(path, R_OK);
    free(path);
    if (there != 0)
        return -ENOENT;
    setenv("LANGUAGE", code, 1);
    setlocale(LC_MESSAGES, "C.UTF-8"); /* "C" would take no language at all */
    bindtextdomain(LANGUAGE_DOMAIN, folder);
    bind_textdomain_codeset(LANGUAGE_DOMAIN, "UTF-8");
    return 0;
}
