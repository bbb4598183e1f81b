using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace LlmAspire.Usage.Migrations
{
    /// <inheritdoc />
    public partial class CacheWriteLifetimes : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.Sql(DropFunctions);

            migrationBuilder.AddColumn<long>(
                name: "cache_write_1h_tokens",
                schema: "ledger",
                table: "llm_usage",
                type: "bigint",
                nullable: true);

            // Not checked for the rows that are there: none has a value, and the table may be large.
            migrationBuilder.Sql("""
                ALTER TABLE ledger.llm_usage ADD CONSTRAINT ck_llm_usage_cache_write_1h CHECK (
                    cache_write_1h_tokens IS NULL OR cache_write_tokens IS NOT NULL AND cache_write_1h_tokens BETWEEN 0 AND cache_write_tokens) NOT VALID;
                ALTER TABLE ledger.usage_inbox ADD COLUMN cache_write_1h_tokens bigint;
                """);
            migrationBuilder.Sql(FunctionsWith);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.Sql(DropFunctions);
            migrationBuilder.Sql("ALTER TABLE ledger.usage_inbox DROP COLUMN cache_write_1h_tokens;");

            migrationBuilder.DropCheckConstraint(
                name: "ck_llm_usage_cache_write_1h",
                schema: "ledger",
                table: "llm_usage");

            migrationBuilder.DropColumn(
                name: "cache_write_1h_tokens",
                schema: "ledger",
                table: "llm_usage");

            migrationBuilder.Sql(FunctionsWithout);
        }
    }
}
