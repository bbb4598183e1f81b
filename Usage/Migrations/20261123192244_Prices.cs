using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace LlmAspire.Usage.Migrations
{
    /// <inheritdoc />
    public partial class Prices : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<long>(
                name: "empty_calls",
                schema: "ledger",
                table: "usage_rollup_user",
                type: "bigint",
                nullable: false,
                defaultValue: 0L);

            migrationBuilder.AddColumn<long>(
                name: "empty_calls",
                schema: "ledger",
                table: "usage_rollup_org",
                type: "bigint",
                nullable: false,
                defaultValue: 0L);

            migrationBuilder.AlterColumn<DateTimeOffset>(
                name: "recorded_at",
                schema: "ledger",
                table: "llm_usage",
                type: "timestamp with time zone",
                nullable: false,
                defaultValueSql: "clock_timestamp()",
                oldClrType: typeof(DateTimeOffset),
                oldType: "timestamp with time zone",
                oldDefaultValueSql: "now()");

            migrationBuilder.AddColumn<int>(
                name: "provisional_duration_ms",
                schema: "ledger",
                table: "llm_usage",
                type: "integer",
                nullable: true);

            migrationBuilder.AddColumn<DateTimeOffset>(
                name: "provisional_recorded_at",
                schema: "ledger",
                table: "llm_usage",
                type: "timestamp with time zone",
                nullable: true);

            // Not for the rows that are there already: they were counted as they are.
            migrationBuilder.Sql("""
                ALTER TABLE ledger.llm_usage ADD CONSTRAINT ck_llm_usage_within CHECK (
                    coalesce(cached_prompt_tokens, 0) + coalesce(cache_write_tokens, 0) + coalesce(audio_prompt_tokens, 0) <= prompt_tokens
                    AND coalesce(reasoning_tokens, 0) + coalesce(audio_completion_tokens, 0) <= completion_tokens) NOT VALID
                """);

            migrationBuilder.Sql(EmptyCalls);
            migrationBuilder.Sql(Tables);
            migrationBuilder.Sql(Functions);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.Sql(Drop);

            migrationBuilder.DropCheckConstraint(
                name: "ck_llm_usage_within",
                schema: "ledger",
                table: "llm_usage");

            migrationBuilder.DropColumn(
                name: "empty_calls",
                schema: "ledger",
                table: "usage_rollup_user");

            migrationBuilder.DropColumn(
                name: "empty_calls",
                schema: "ledger",
                table: "usage_rollup_org");

            migrationBuilder.DropColumn(
                name: "provisional_duration_ms",
                schema: "ledger",
                table: "llm_usage");

            migrationBuilder.DropColumn(
                name: "provisional_recorded_at",
                schema: "ledger",
                table: "llm_usage");

            migrationBuilder.AlterColumn<DateTimeOffset>(
                name: "recorded_at",
                schema: "ledger",
                table: "llm_usage",
                type: "timestamp with time zone",
                nullable: false,
                defaultValueSql: "now()",
                oldClrType: typeof(DateTimeOffset),
                oldType: "timestamp with time zone",
                oldDefaultValueSql: "clock_timestamp()");
        }
    }
}
