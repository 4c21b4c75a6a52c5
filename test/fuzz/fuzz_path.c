/*
 * fuzz_path.c - the same bytes as a mailbox, as a value for xtext, and as one for ORCPT. Whatever
 * comes out must be safe in a command, and mean what went in.
 */
#include <string.h>

#include "base/domain.h"
#include "base/ip.h"
#include "fuzz.h"
#include "smtp/path.h"

enum { ROOM = 1024 };

/* How a server reads it: quotes, then what is in none. */
static void check_path(const struct smtp_path *path)
{
    struct slice text = {path->text, path->len};
    bool quoted = false, wide = false;
    size_t ats = 0;

    fuzz_require(text.len <= MOX_LIMIT_PATH && path->text[text.len] == '\0', "a path is short");
    fuzz_require(slice_utf8(text) == text.len, "a path is UTF-8");
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        fuzz_require(!slice_is_control(c), "no control byte is in a path");
        wide |= ((unsigned char)c & 0x80) != 0;
        if (c == '"')
            quoted = !quoted;
        else if (quoted && c == '\\')
            i++;
        else if (!quoted)
            fuzz_require(strchr(" <>\\", c) == NULL, "quotes hold what needs them");
        ats += !quoted && c == '@';
    }
    fuzz_require(!quoted, "quotes end");
    fuzz_require(ats == 1 || slice_is_nocase(text, "postmaster"), "there is one '@' in no quotes");
    fuzz_require(wide == path->utf8, "what is not ASCII needs SMTPUTF8");
}

static void check_domain(const char *in, const struct smtp_path *path)
{
    struct domain before, after;
    struct mox_ip ip, again;

    fuzz_require(domain_of_address(path->text, &after, &again, NULL) == MOX_OK,
                 "the rest of the library takes it");
    if (domain_of_address(in, &before, &ip, NULL) != MOX_OK)
        return; /* a bare address, which has its brackets now */
    ip.scope = 0;
    fuzz_require(slice_equal(domain_slice(&before), domain_slice(&after)) && ip_equal(&ip, &again),
                 "the domain is the same");
}

static void check_mailbox(struct slice in, const char *text)
{
    struct smtp_path path, again;
    struct mox_error err = {0};
    int status = smtp_path_of(in, false, &path, &err);

    if (status != MOX_OK) {
        fuzz_require(status == MOX_E_INVAL && path.len == 0 && path.text[0] == '\0',
                     "a refusal leaves nothing");
        fuzz_require(strstr(err.message, "is wrong at byte ") != NULL, "a refusal tells the place");
        fuzz_require(slice_utf8(slice_of(err.message)) == strlen(err.message),
                     "a refusal is clean text");
        return;
    }
    check_path(&path);
    check_domain(text, &path);
    fuzz_require(smtp_path_of((struct slice){path.text, path.len}, false, &again, NULL) == MOX_OK &&
                     strcmp(path.text, again.text) == 0 && path.utf8 == again.utf8,
                 "a path is taken as itself");
}

static int digit(char c)
{
    return slice_is_digit(c) ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static void check_xtext(struct slice in)
{
    static char out[ROOM];
    size_t len = smtp_xtext(in, out, sizeof out), at = 0;

    if (len == 0) {
        fuzz_require(in.len == 0 || 3 * in.len >= sizeof out, "what fits is written");
        return;
    }
    for (size_t i = 0; i < len; i++, at++) {
        char c = out[i];

        fuzz_require(c > ' ' && c < 0x7f && c != '=', "xtext is printable");
        if (c == '+') {
            fuzz_require(digit(out[i + 1]) >= 0 && digit(out[i + 2]) >= 0, "digits follow");
            c = (char)(16 * digit(out[i + 1]) + digit(out[i + 2]));
            i += 2;
        }
        fuzz_require(at < in.len && c == in.ptr[at], "xtext says what went in");
    }
    fuzz_require(at == in.len && out[len] == '\0', "xtext says all of it");
}

static void check_orcpt(struct slice in)
{
    static char out[ROOM];
    struct mox_error err = {0};

    for (int utf8 = 0; utf8 < 2; utf8++) {
        if (smtp_orcpt(in, utf8 == 1, out, sizeof out, &err) != MOX_OK) {
            fuzz_require(err.code == MOX_E_INVAL && err.message[0] != '\0', "a refusal has words");
            continue;
        }
        fuzz_require(slice_find(slice_of(out), ';') == slice_find(in, ';'), "the type stays");
        fuzz_require(slice_utf8(slice_of(out)) == strlen(out), "ORCPT is UTF-8");
        for (const char *p = out; *p != '\0'; p++) {
            fuzz_require(*p != ' ' && *p != '=' && !slice_is_control(*p), "ORCPT is one word");
            fuzz_require(utf8 == 1 || ((unsigned char)*p & 0x80) == 0, "without SMTPUTF8 ASCII");
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in;
    char *text = malloc(size + 1);

    fuzz_require(text != NULL, "there is memory for the text");
    memcpy(text, data, size);
    text[size] = '\0';
    in = (struct slice){text, size};
    check_mailbox(in, text);
    check_xtext(in);
    check_orcpt(in);
    free(text);
    return 0;
}
