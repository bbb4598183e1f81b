using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace LlmAspire.Usage.Migrations
{
    /// <inheritdoc />
    [DbContext(typeof(LedgerContext))]
    [Migration("20261201010000_PricesByAlias")]
    public partial class PricesByAlias : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.Sql(Names);
            migrationBuilder.Sql(Costs(ByAlias));
            migrationBuilder.Sql(DropUnpriced);
            migrationBuilder.Sql(Unpriced);
            migrationBuilder.Sql(MakeDaysAgain);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.Sql(DropUnpriced);
            migrationBuilder.Sql(Costs(ByNames));
            migrationBuilder.Sql(UnpricedBefore);
            migrationBuilder.Sql(DropNames);
        }
    }
}
