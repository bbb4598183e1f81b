using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace LlmAspire.Usage.Migrations
{
    /// <inheritdoc />
    [DbContext(typeof(LedgerContext))]
    [Migration("20261201123000_FoldedHours")]
    public partial class FoldedHours : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("""
            -- Whether the roll-ups of the day's hours are one for the day, or one for each time between two starts of prices.
            ALTER TABLE ledger.usage_day ADD COLUMN hours_folded boolean NOT NULL DEFAULT false;
            """);

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("ALTER TABLE ledger.usage_day DROP COLUMN hours_folded;");
    }
}
