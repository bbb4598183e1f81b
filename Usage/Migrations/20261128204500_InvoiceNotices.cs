using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace LlmAspire.Usage.Migrations
{
    /// <inheritdoc />
    [DbContext(typeof(LedgerContext))]
    [Migration("20261128204500_InvoiceNotices")]
    public partial class InvoiceNotices : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("""
            -- The invoices of which a worker has said that they differ: each is said once, whichever worker looks.
            CREATE TABLE ledger.invoice_notice (
                day date NOT NULL,
                provider text NOT NULL,
                model text NOT NULL,
                drift_tokens bigint NOT NULL,
                -- Null where the ledger's cost is not known.
                drift_cost_usd numeric,
                said_at timestamptz NOT NULL,
                CONSTRAINT pk_invoice_notice PRIMARY KEY (day, provider, model)
            );
            """);

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("DROP TABLE ledger.invoice_notice;");
    }
}
