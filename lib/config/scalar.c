/* scalar.c - see scalar.h. */
#include "config/scalar.h"

#include "base/mem.h"

static const char invalid[] = "invalid syntax", too_large[] = "value out of range";

const char *config_scalar_bool(struct slice text, bool *out)
{
    *out = slice_is(text, "true");
    return *out || slice_is(text, "false") ? NULL : invalid;
}

/* Takes a sign off; true: it was a minus. */
static bool take_sign(struct slice *text)
{
    bool minus = slice_starts(*text, "-");

    if (minus || slice_starts(*text, "+"))
        *text = slice_sub(*text, 1, text->len);
    return minus;
}

static size_t count_digits(struct slice text)
{
    size_t n = 0;

    while (n < text.len && slice_is_digit(text.ptr[n]))
        n++;
    return n;
}

const char *config_scalar_int(struct slice text, int64_t *out)
{
    bool minus = take_sign(&text);
    uint64_t most = minus ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
    uint64_t n = 0;

    *out = 0;
    if (text.len == 0 || count_digits(text) != text.len)
        return invalid;
    if (!slice_number(text, most, &n))
        return too_large;
    *out = minus ? (n > (uint64_t)INT64_MAX ? INT64_MIN : -(int64_t)n) : (int64_t)n;
    return NULL;
}

static const struct {
    const char *name;
    uint64_t ns;
} units[] = {
    {"ns", 1},           {"us", 1000},      {"\xc2\xb5s", 1000}, /* U+00B5, the micro sign */
    {"\xce\xbcs", 1000},                                         /* U+03BC, the Greek letter */
    {"ms", 1000000},     {"s", 1000000000}, {"m", 60000000000},  {"h", 3600000000000},
};

/* The unit in front; 0: none. */
static uint64_t take_unit(struct slice *text)
{
    size_t len = 0;

    while (len < text->len && text->ptr[len] != '.' && !slice_is_digit(text->ptr[len]))
        len++;
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (!slice_is(slice_sub(*text, 0, len), units[i].name))
            continue;
        *text = slice_sub(*text, len, text->len);
        return units[i].ns;
    }
    return 0;
}

/* 0.digits of a unit; digits too small to count are dropped. */
static uint64_t fraction_of(struct slice digits, uint64_t unit)
{
    double value = 0, scale = 1;

    for (size_t i = 0; i < digits.len && i < 18; i++) {
        value = value * 10 + (digits.ptr[i] - '0');
        scale *= 10;
    }
    return (uint64_t)(value * ((double)unit / scale));
}

/* One number with its unit, added to *sum. */
static const char *take_term(struct slice *text, uint64_t *sum)
{
    size_t whole_len = count_digits(*text), fraction_len = 0;
    struct slice whole = slice_sub(*text, 0, whole_len), fraction = {"", 0};
    uint64_t n = 0, unit;

    *text = slice_sub(*text, whole_len, text->len);
    if (slice_starts(*text, ".")) {
        *text = slice_sub(*text, 1, text->len);
        fraction_len = count_digits(*text);
        fraction = slice_sub(*text, 0, fraction_len);
        *text = slice_sub(*text, fraction_len, text->len);
    }
    if (whole_len + fraction_len == 0)
        return invalid;
    if (whole_len > 0 && !slice_number(whole, INT64_MAX, &n))
        return too_large;
    unit = take_unit(text);
    if (unit == 0)
        return text->len == 0 ? "missing unit" : "unknown unit";
    if (n > INT64_MAX / unit)
        return too_large;
    n = n * unit + fraction_of(fraction, unit);
    if (n > (uint64_t)INT64_MAX - *sum)
        return too_large;
    *sum += n;
    return NULL;
}

const char *config_scalar_duration(struct slice text, int64_t *out_ns)
{
    bool minus = take_sign(&text);
    const char *fault = NULL;
    uint64_t sum = 0;

    *out_ns = 0;
    if (slice_is(text, "0"))
        return NULL;
    if (text.len == 0)
        return invalid;
    while (text.len > 0 && fault == NULL)
        fault = take_term(&text, &sum);
    if (fault == NULL)
        *out_ns = minus ? -(int64_t)sum : (int64_t)sum;
    return fault;
}
