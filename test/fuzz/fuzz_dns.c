/*
 * fuzz_dns.c - dns_answer_read on any bytes. The first two choose the type asked for and whether
 * the question of the message is made the right one, so that most inputs get behind that check.
 */
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "dns/answer.h"
#include "fuzz.h"

static const uint16_t types[] = {
    DNS_TYPE_A,   DNS_TYPE_AAAA, DNS_TYPE_MX,   DNS_TYPE_CNAME,
    DNS_TYPE_PTR, DNS_TYPE_TXT,  DNS_TYPE_TLSA, 99,
};

/* QR, one question: "a", the type, IN. */
static void mend(unsigned char *message, size_t len, uint16_t type)
{
    static const unsigned char question[] = {1, 'a', 0, 0, 0, 0, 1};

    if (len < DNS_HEADER_LEN + sizeof question)
        return;
    message[2] = (unsigned char)((message[2] & 0x87) | 0x80);
    message[4] = 0;
    message[5] = 1;
    memcpy(message + DNS_HEADER_LEN, question, sizeof question);
    message[DNS_HEADER_LEN + 4] = (unsigned char)type;
}

static void check(const struct dns_answer *answer)
{
    size_t sum = 0;

    fuzz_require(answer->count <= MOX_LIMIT_DNS_RECORDS, "records are bounded");
    fuzz_require(answer->canonical.len <= MOX_LIMIT_DOMAIN &&
                     strlen(answer->canonical.name) == answer->canonical.len,
                 "the canonical name is a name");
    for (size_t i = 0; i < answer->count; i++) {
        if (answer->addresses != NULL)
            sum += answer->addresses[i].family;
        else
            fuzz_require(answer->items[i].data.ptr[answer->items[i].data.len] == '\0',
                         "a NUL stands behind each item");
    }
    fuzz_require(answer->addresses == NULL || sum >= answer->count, "addresses have a family");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct domain question = {"a", 1};
    struct arena arena = {0};
    struct mox_error err = {0};
    struct dns_answer answer;
    unsigned char *copy;
    uint16_t type;
    int status;

    if (size < 2)
        return 0;
    type = types[data[0] % ARRAY_LEN(types)];
    copy = malloc(size - 2 > 0 ? size - 2 : 1);
    if (copy == NULL)
        return 0;
    memcpy(copy, data + 2, size - 2);
    if (data[1] % 8 != 0)
        mend(copy, size - 2, type);
    status = dns_answer_read((struct slice){(const char *)copy, size - 2},
                             &(struct dns_question){.name = domain_slice(&question),
                                                    .type = type,
                                                    .max_aliases = MOX_LIMIT_CNAME},
                             &answer, &arena, &err);
    if (status == MOX_OK)
        check(&answer);
    else
        fuzz_require(err.code == status && err.message[0] != '\0', "a failure has words");
    arena_free(&arena);
    free(copy);
    return 0;
}
