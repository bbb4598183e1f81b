using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace LlmAspire.Usage.Migrations
{
    /// <inheritdoc />
    public partial class Reconciliation : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.Sql(Gateway);
            migrationBuilder.Sql(Invoices);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(Drop);
    }
}
