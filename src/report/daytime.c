#include "report/daytime.h"

#include "base/country.h"

/* The time zone database's, of the zone with the most people; by code. */
/* clang-format off */
static const struct {
    char code[3];
    int8_t quarters;
} clocks[] = {
    {"AD", 4}, {"AE", 16}, {"AF", 18}, {"AG", -16}, {"AI", -16}, {"AL", 4}, {"AM", 16}, {"AO", 4},
    {"AQ", 48}, {"AR", -12}, {"AS", -44}, {"AT", 4}, {"AU", 40}, {"AW", -16}, {"AX", 8}, {"AZ", 16},
    {"BA", 4}, {"BB", -16}, {"BD", 24}, {"BE", 4}, {"BF", 0}, {"BG", 8}, {"BH", 12}, {"BI", 8},
    {"BJ", 4}, {"BL", -16}, {"BM", -16}, {"BN", 32}, {"BO", -16}, {"BQ", -16}, {"BR", -12},
    {"BS", -20}, {"BT", 24}, {"BW", 8}, {"BY", 12}, {"BZ", -24}, {"CA", -20}, {"CC", 26}, {"CD", 4},
    {"CF", 4}, {"CG", 4}, {"CH", 4}, {"CI", 0}, {"CK", -40}, {"CL", -16}, {"CM", 4}, {"CN", 32},
    {"CO", -20}, {"CR", -24}, {"CU", -20}, {"CV", -4}, {"CW", -16}, {"CX", 28}, {"CY", 8},
    {"CZ", 4}, {"DE", 4}, {"DJ", 12}, {"DK", 4}, {"DM", -16}, {"DO", -16}, {"DZ", 4}, {"EC", -20},
    {"EE", 8}, {"EG", 8}, {"EH", 4}, {"ER", 12}, {"ES", 4}, {"ET", 12}, {"EU", 4}, {"FI", 8},
    {"FJ", 48}, {"FK", -12}, {"FM", 44}, {"FO", 0}, {"FR", 4}, {"GA", 4}, {"GB", 0}, {"GD", -16},
    {"GE", 16}, {"GF", -12}, {"GG", 0}, {"GH", 0}, {"GI", 4}, {"GL", -8}, {"GM", 0}, {"GN", 0},
    {"GP", -16}, {"GQ", 4}, {"GR", 8}, {"GS", -8}, {"GT", -24}, {"GU", 40}, {"GW", 0}, {"GY", -16},
    {"HK", 32}, {"HN", -24}, {"HR", 4}, {"HT", -20}, {"HU", 4}, {"ID", 28}, {"IE", 0}, {"IL", 8},
    {"IM", 0}, {"IN", 22}, {"IO", 24}, {"IQ", 12}, {"IR", 14}, {"IS", 0}, {"IT", 4}, {"JE", 0},
    {"JM", -20}, {"JO", 12}, {"JP", 36}, {"KE", 12}, {"KG", 24}, {"KH", 28}, {"KI", 48}, {"KM", 12},
    {"KN", -16}, {"KP", 36}, {"KR", 36}, {"KW", 12}, {"KY", -20}, {"KZ", 20}, {"LA", 28}, {"LB", 8},
    {"LC", -16}, {"LI", 4}, {"LK", 22}, {"LR", 0}, {"LS", 8}, {"LT", 8}, {"LU", 4}, {"LV", 8},
    {"LY", 8}, {"MA", 4}, {"MC", 4}, {"MD", 8}, {"ME", 4}, {"MF", -16}, {"MG", 12}, {"MH", 48},
    {"MK", 4}, {"ML", 0}, {"MM", 26}, {"MN", 32}, {"MO", 32}, {"MP", 40}, {"MQ", -16}, {"MR", 0},
    {"MS", -16}, {"MT", 4}, {"MU", 16}, {"MV", 20}, {"MW", 8}, {"MX", -24}, {"MY", 32}, {"MZ", 8},
    {"NA", 8}, {"NC", 44}, {"NE", 4}, {"NF", 44}, {"NG", 4}, {"NI", -24}, {"NL", 4}, {"NO", 4},
    {"NP", 23}, {"NR", 48}, {"NU", -44}, {"NZ", 48}, {"OM", 16}, {"PA", -20}, {"PE", -20},
    {"PF", -40}, {"PG", 40}, {"PH", 32}, {"PK", 20}, {"PL", 4}, {"PM", -12}, {"PN", -32},
    {"PR", -16}, {"PS", 8}, {"PT", 0}, {"PW", 36}, {"PY", -12}, {"QA", 12}, {"RE", 16}, {"RO", 8},
    {"RS", 4}, {"RU", 12}, {"RW", 8}, {"SA", 12}, {"SB", 44}, {"SC", 16}, {"SD", 8}, {"SE", 4},
    {"SG", 32}, {"SH", 0}, {"SI", 4}, {"SJ", 4}, {"SK", 4}, {"SL", 0}, {"SM", 4}, {"SN", 0},
    {"SO", 12}, {"SR", -12}, {"SS", 8}, {"ST", 0}, {"SV", -24}, {"SX", -16}, {"SY", 12}, {"SZ", 8},
    {"TC", -20}, {"TD", 4}, {"TF", 20}, {"TG", 0}, {"TH", 28}, {"TJ", 20}, {"TK", 52}, {"TL", 36},
    {"TM", 20}, {"TN", 4}, {"TO", 52}, {"TR", 12}, {"TT", -16}, {"TV", 48}, {"TW", 32}, {"TZ", 12},
    {"UA", 8}, {"UG", 12}, {"UM", 48}, {"US", -24}, {"UY", -12}, {"UZ", 20}, {"VA", 4}, {"VC", -16},
    {"VE", -16}, {"VG", -16}, {"VI", -16}, {"VN", 28}, {"VU", 44}, {"WF", 48}, {"WS", 52},
    {"XK", 4}, {"YE", 12}, {"YT", 12}, {"ZA", 8}, {"ZM", 8}, {"ZW", 8},
};
/* clang-format on */

bool country_daytime(uint16_t country, int *quarters)
{
    char code[3];

    country_format(country, code);
    size_t low = 0, high = sizeof clocks / sizeof *clocks;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (strcmp(clocks[mid].code, code) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == sizeof clocks / sizeof *clocks || strcmp(clocks[low].code, code) != 0)
        return false;
    *quarters = clocks[low].quarters;
    return true;
}
