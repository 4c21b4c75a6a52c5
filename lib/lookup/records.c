/* records.c - answers from hosts that have no wire format (mox_dns_answer_records). */
#include "dns/records.h"

#include "base/buffer.h"
#include "ctx/query.h"

int mox_dns_answer_records(struct mox_ctx *ctx, uint64_t id, int rcode,
                           const struct mox_dns_record *records, size_t n, uint32_t authentic)
{
    const struct ctx_query *query = ctx_id_find(ctx, id, CTX_QUERY);
    struct buffer wire = {0};
    int status;

    if (query == NULL || query->answered)
        return MOX_E_STALE;
    status = dns_records_to_wire(
        &(struct dns_reply){query->name, query->type, rcode, authentic != 0, records, n}, &wire,
        NULL);
    if (status == MOX_OK)
        status = query_deliver(ctx, id, buffer_slice(&wire), true);
    buffer_free(&wire);
    if (status != MOX_OK) /* the question must not wait for an answer that cannot be read */
        mox_dns_fail(ctx, id, status);
    return status;
}
