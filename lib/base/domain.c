/*
 * domain.c - see domain.h. libidn2 lets '_', '*', blanks and empty labels through, and with its
 * STD3 flag deletes them without a word, so letters-digits-hyphen is checked here, on the result.
 */
#include "base/domain.h"

#include <idn2.h>
#include <string.h>

#include "base/error.h"
#include "base/ip.h"

static const char not_a_name[] = "an IP address stands where a name is required";

static bool is_ldh(char c)
{
    return slice_is_alpha(c) || slice_is_digit(c) || c == '-';
}

struct slice domain_slice(const struct domain *domain)
{
    return (struct slice){domain->name, domain->len};
}

void domain_set(struct domain *domain, struct slice name)
{
    domain->len = name.len > MOX_LIMIT_DOMAIN ? 0 : name.len;
    memcpy(domain->name, name.ptr, domain->len);
    domain->name[domain->len] = '\0';
}

struct slice domain_parent(struct slice name)
{
    return slice_sub(name, slice_find(name, '.') + 1, name.len);
}

/* Labels 1 to 63, name 1 to 253; NULL: all is well. underscore: allowed as a letter. */
static const char *check_shape(struct slice name, bool underscore)
{
    size_t label = 0;

    if (name.len == 0)
        return "name is empty";
    if (name.len > MOX_LIMIT_DOMAIN)
        return "name is longer than 253 bytes";
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] == '.') {
            if (label == 0)
                return "name has an empty label";
            label = 0;
        } else if (!is_ldh(name.ptr[i]) && !(underscore && name.ptr[i] == '_')) {
            return "only letters, digits, '-' and '.' may stand in a name";
        } else if (++label > MOX_LIMIT_LABEL) {
            return "a label is longer than 63 bytes";
        }
    }
    return label == 0 ? "name has a trailing dot" : NULL;
}

static void copy_lower(struct slice name, struct domain *out)
{
    for (size_t i = 0; i < name.len; i++)
        out->name[i] = slice_lower(name.ptr[i]);
    out->name[name.len] = '\0';
    out->len = name.len;
}

int domain_parse_lax(struct slice text, struct domain *out)
{
    if (check_shape(text, true) != NULL)
        return MOX_E_INVAL;
    copy_lower(text, out);
    return MOX_OK;
}

/* The hyphen rules of IDNA for one label; NULL: all is well. A-labels are left to libidn2. */
static const char *check_hyphens(struct slice label)
{
    if (label.ptr[0] == '-' || label.ptr[label.len - 1] == '-')
        return "a label begins or ends with '-'";
    if (label.len >= 4 && label.ptr[2] == '-' && label.ptr[3] == '-' &&
        !slice_is_nocase(slice_sub(label, 0, 2), "xn"))
        return "a label has '-' at its third and fourth place";
    return NULL;
}

/* Sets *idna if some label needs libidn2's opinion. */
static const char *check_labels(struct slice name, bool *idna)
{
    const char *fault = NULL;

    while (name.len > 0 && fault == NULL) {
        struct slice label = slice_sub(name, 0, slice_find(name, '.'));

        fault = check_hyphens(label);
        *idna |= label.len >= 4 && slice_is_nocase(slice_sub(label, 0, 4), "xn--");
        name = domain_parent(name);
    }
    return fault;
}

static bool is_ascii(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] >= 0x80)
            return false;
    }
    return true;
}

static int invalid(struct mox_error *err, const char *fault)
{
    return error_set(err, MOX_E_INVAL, "%s", fault);
}

/* Text is long enough for a name of 253 bytes in A-labels and short enough to be worth a look. */
enum { LONGEST_UNICODE = 4 * MOX_LIMIT_DOMAIN };

/* What IDNA has made must be a name in its own right: wide digits and dots become an address. */
static const char *check_mapped(struct slice ascii)
{
    const char *fault = check_shape(ascii, false);
    struct mox_ip ip;
    bool ignored = false;

    if (fault == NULL && ip_parse_plain(ascii, &ip) == MOX_OK)
        fault = not_a_name;
    return fault == NULL ? check_labels(ascii, &ignored) : fault;
}

static int parse_idna(struct slice text, struct domain *out, struct mox_error *err)
{
    char copy[LONGEST_UNICODE + 1];
    char *ascii = NULL;
    const char *fault;
    int rc;

    if (text.len > LONGEST_UNICODE)
        return invalid(err, "name is longer than 253 bytes");
    if (slice_utf8(text) != text.len || memchr(text.ptr, '\0', text.len) != NULL)
        return invalid(err, "name is not valid UTF-8");
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    rc = idn2_lookup_u8((const uint8_t *)copy, (uint8_t **)&ascii,
                        IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL | IDN2_ALABEL_ROUNDTRIP);
    if (rc == IDN2_MALLOC)
        return error_nomem(err);
    if (rc != IDN2_OK)
        return error_set(err, MOX_E_INVAL, "no valid IDNA name: %s", idn2_strerror(rc));
    fault = check_mapped(slice_of(ascii));
    if (fault == NULL)
        copy_lower(slice_of(ascii), out);
    idn2_free(ascii);
    return fault == NULL ? MOX_OK : invalid(err, fault);
}

/*
 * The characters of a plain name in lower case; 0: another. Hyphens are not among them, for their
 * place matters.
 */
static const char plain[256] = {
    ['.'] = '.', ['0'] = '0', ['1'] = '1', ['2'] = '2', ['3'] = '3', ['4'] = '4', ['5'] = '5',
    ['6'] = '6', ['7'] = '7', ['8'] = '8', ['9'] = '9', ['A'] = 'a', ['B'] = 'b', ['C'] = 'c',
    ['D'] = 'd', ['E'] = 'e', ['F'] = 'f', ['G'] = 'g', ['H'] = 'h', ['I'] = 'i', ['J'] = 'j',
    ['K'] = 'k', ['L'] = 'l', ['M'] = 'm', ['N'] = 'n', ['O'] = 'o', ['P'] = 'p', ['Q'] = 'q',
    ['R'] = 'r', ['S'] = 's', ['T'] = 't', ['U'] = 'u', ['V'] = 'v', ['W'] = 'w', ['X'] = 'x',
    ['Y'] = 'y', ['Z'] = 'z', ['a'] = 'a', ['b'] = 'b', ['c'] = 'c', ['d'] = 'd', ['e'] = 'e',
    ['f'] = 'f', ['g'] = 'g', ['h'] = 'h', ['i'] = 'i', ['j'] = 'j', ['k'] = 'k', ['l'] = 'l',
    ['m'] = 'm', ['n'] = 'n', ['o'] = 'o', ['p'] = 'p', ['q'] = 'q', ['r'] = 'r', ['s'] = 's',
    ['t'] = 't', ['u'] = 'u', ['v'] = 'v', ['w'] = 'w', ['x'] = 'x', ['y'] = 'y', ['z'] = 'z'};

/*
 * Most names are valid at first sight: no digit in front, as addresses have, and so short that no
 * label is too long. false: it needs a closer look.
 */
static bool parse_plain(struct slice text, struct domain *out)
{
    char last = '.';

    if (text.len == 0 || text.len > MOX_LIMIT_LABEL || slice_is_digit(text.ptr[0]))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = plain[(unsigned char)text.ptr[i]];

        if (c == '\0' || (c == '.' && last == '.'))
            return false;
        out->name[i] = last = c;
    }
    out->name[text.len] = '\0';
    out->len = text.len;
    return last != '.';
}

int domain_parse(struct slice text, struct domain *out, struct mox_error *err)
{
    const char *fault;
    struct mox_ip ip;
    bool idna = false;

    if (parse_plain(text, out))
        return MOX_OK;
    out->len = 0;
    out->name[0] = '\0';
    if (ip_parse_plain(text, &ip) == MOX_OK)
        return invalid(err, not_a_name);
    fault = check_shape(text, false);
    if (fault != NULL && !is_ascii(text))
        return parse_idna(text, out, err);
    if (fault == NULL && slice_find(text, '-') < text.len)
        fault = check_labels(text, &idna);
    if (fault != NULL)
        return invalid(err, fault);
    if (idna)
        return parse_idna(text, out, err);
    copy_lower(text, out);
    return MOX_OK;
}

/* libidn2 2.3.3 decodes broken A-labels too, to control characters and the like. */
static bool encodes_to(struct slice text, const struct domain *domain)
{
    struct domain again;

    return domain_parse(text, &again, NULL) == MOX_OK &&
           slice_equal(domain_slice(&again), domain_slice(domain));
}

int domain_to_unicode(const struct domain *domain, char *out, size_t cap)
{
    char *text = NULL;
    int rc = idn2_to_unicode_8z8z(domain->name, &text, 0);
    struct slice s = rc == IDN2_OK ? slice_of(text) : domain_slice(domain);

    if (rc == IDN2_MALLOC)
        return MOX_E_NOMEM;
    if (s.len >= cap || !encodes_to(s, domain))
        s = domain_slice(domain);
    if (s.len < cap) {
        memcpy(out, s.ptr, s.len);
        out[s.len] = '\0';
    }
    idn2_free(text);
    return s.len < cap ? MOX_OK : MOX_E_LIMIT;
}

struct slice domain_behind_at(struct slice address)
{
    for (size_t i = address.len; i > 0; i--) {
        if (address.ptr[i - 1] == '@')
            return slice_sub(address, i, address.len);
    }
    return address;
}

int domain_of_address(const char *address, struct domain *out, struct mox_ip *literal,
                      struct mox_error *err)
{
    struct slice text = domain_behind_at(slice_of(address));
    struct mox_ip ip = {0};
    int status = MOX_OK;

    out->len = 0;
    out->name[0] = '\0';
    if (text.len > 0 && text.ptr[0] == '[') {
        if (mox_ip_parse(text.ptr, &ip) != MOX_OK)
            status = invalid(err, "no valid address literal");
    } else if (text.len > 0) {
        status = domain_parse(text, out, err);
    } else if (address != NULL && address[0] != '\0') {
        status = invalid(err, "nothing stands behind the '@'");
    }
    if (literal != NULL)
        *literal = ip;
    return status;
}
