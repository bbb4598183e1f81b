using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace LlmAspire.Usage.Migrations
{
    /// <inheritdoc />
    public partial class OpenCallsAndRollups : Migration
    {
        private const string DropPartitions = """
            -- Drops the partitions of the months (UTC) that ended before a time, and says which; remembers from when on the ledger is complete.
            -- It gives up rather than let readers wait behind it.
            CREATE FUNCTION ledger.drop_usage_partitions(before timestamptz) RETURNS text[]
            LANGUAGE plpgsql AS $$
            DECLARE
                first_kept timestamp := date_trunc('month', before AT TIME ZONE 'UTC');
                dropped text[];
                partition text;
            BEGIN
                PERFORM pg_advisory_xact_lock(hashtextextended('ledger.llm_usage', 0));
                PERFORM set_config('lock_timeout', '500ms', true);
                SELECT coalesce(array_agg(class.relname::text ORDER BY class.relname), '{}') INTO dropped
                FROM pg_inherits JOIN pg_class AS class ON class.oid = inhrelid
                WHERE inhparent = 'ledger.llm_usage'::regclass
                    AND to_date(right(class.relname, 7), 'YYYY_MM') < first_kept;
                FOREACH partition IN ARRAY dropped LOOP
                    EXECUTE format('DROP TABLE ledger.%I', partition);
                END LOOP;
                IF cardinality(dropped) > 0 THEN
                    INSERT INTO ledger.usage_retention AS retention (id, dropped_before) VALUES (true, first_kept AT TIME ZONE 'UTC')
                    ON CONFLICT (id) DO UPDATE SET dropped_before = greatest(retention.dropped_before, excluded.dropped_before);
                END IF;
                RETURN dropped;
            END $$;
            """;

        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<DateTimeOffset>(
                name: "replaced_at",
                schema: "ledger",
                table: "llm_usage",
                type: "timestamp with time zone",
                nullable: true);

            migrationBuilder.CreateTable(
                name: "allowance",
                schema: "ledger",
                columns: table => new
                {
                    org_id = table.Column<Guid>(type: "uuid", nullable: false),
                    month = table.Column<DateOnly>(type: "date", nullable: false),
                    used_tokens = table.Column<long>(type: "bigint", nullable: false),
                    reserved_tokens = table.Column<long>(type: "bigint", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_allowance", x => new { x.org_id, x.month });
                });

            migrationBuilder.CreateTable(
                name: "api_instance",
                schema: "ledger",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    host = table.Column<string>(type: "text", nullable: false),
                    started_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false, defaultValueSql: "now()"),
                    reported_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false, defaultValueSql: "now()"),
                    open_calls = table.Column<Guid[]>(type: "uuid[]", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_api_instance", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "open_call",
                schema: "ledger",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    request_id = table.Column<Guid>(type: "uuid", nullable: false),
                    user_id = table.Column<Guid>(type: "uuid", nullable: false),
                    org_id = table.Column<Guid>(type: "uuid", nullable: false),
                    api_key_id = table.Column<Guid>(type: "uuid", nullable: true),
                    conversation_id = table.Column<Guid>(type: "uuid", nullable: true),
                    operation = table.Column<string>(type: "text", nullable: false),
                    traceparent = table.Column<string>(type: "text", nullable: true),
                    model_alias = table.Column<string>(type: "text", nullable: false),
                    reserved_prompt_tokens = table.Column<long>(type: "bigint", nullable: false),
                    reserved_completion_tokens = table.Column<long>(type: "bigint", nullable: false),
                    instance_id = table.Column<Guid>(type: "uuid", nullable: false),
                    opened_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false, defaultValueSql: "now()")
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_open_call", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "usage_retention",
                schema: "ledger",
                columns: table => new
                {
                    id = table.Column<bool>(type: "boolean", nullable: false),
                    dropped_before = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_usage_retention", x => x.id);
                    table.CheckConstraint("ck_usage_retention_one", "id");
                });

            migrationBuilder.CreateTable(
                name: "usage_rollup_org",
                schema: "ledger",
                columns: table => new
                {
                    hour = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    org_id = table.Column<Guid>(type: "uuid", nullable: false),
                    operation = table.Column<string>(type: "text", nullable: false),
                    model_alias = table.Column<string>(type: "text", nullable: false),
                    provider = table.Column<string>(type: "text", nullable: false),
                    served_model = table.Column<string>(type: "text", nullable: false),
                    source = table.Column<string>(type: "text", nullable: false),
                    outcome = table.Column<string>(type: "text", nullable: false),
                    calls = table.Column<long>(type: "bigint", nullable: false),
                    prompt_tokens = table.Column<long>(type: "bigint", nullable: false),
                    completion_tokens = table.Column<long>(type: "bigint", nullable: false),
                    cached_prompt_tokens = table.Column<long>(type: "bigint", nullable: false),
                    cache_write_tokens = table.Column<long>(type: "bigint", nullable: false),
                    reasoning_tokens = table.Column<long>(type: "bigint", nullable: false),
                    audio_prompt_tokens = table.Column<long>(type: "bigint", nullable: false),
                    audio_completion_tokens = table.Column<long>(type: "bigint", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_usage_rollup_org", x => new { x.hour, x.org_id, x.operation, x.model_alias, x.provider, x.served_model, x.source, x.outcome });
                });

            migrationBuilder.CreateTable(
                name: "usage_rollup_user",
                schema: "ledger",
                columns: table => new
                {
                    hour = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    org_id = table.Column<Guid>(type: "uuid", nullable: false),
                    operation = table.Column<string>(type: "text", nullable: false),
                    model_alias = table.Column<string>(type: "text", nullable: false),
                    provider = table.Column<string>(type: "text", nullable: false),
                    served_model = table.Column<string>(type: "text", nullable: false),
                    source = table.Column<string>(type: "text", nullable: false),
                    outcome = table.Column<string>(type: "text", nullable: false),
                    user_id = table.Column<Guid>(type: "uuid", nullable: false),
                    calls = table.Column<long>(type: "bigint", nullable: false),
                    prompt_tokens = table.Column<long>(type: "bigint", nullable: false),
                    completion_tokens = table.Column<long>(type: "bigint", nullable: false),
                    cached_prompt_tokens = table.Column<long>(type: "bigint", nullable: false),
                    cache_write_tokens = table.Column<long>(type: "bigint", nullable: false),
                    reasoning_tokens = table.Column<long>(type: "bigint", nullable: false),
                    audio_prompt_tokens = table.Column<long>(type: "bigint", nullable: false),
                    audio_completion_tokens = table.Column<long>(type: "bigint", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_usage_rollup_user", x => new { x.hour, x.org_id, x.user_id, x.operation, x.model_alias, x.provider, x.served_model, x.source, x.outcome });
                });

            migrationBuilder.AddCheckConstraint(
                name: "ck_llm_usage_interrupted",
                schema: "ledger",
                table: "llm_usage",
                sql: "outcome <> 'interrupted' OR (source = 'none' AND prompt_tokens = 0 AND completion_tokens = 0 AND provider IS NULL AND served_model IS NULL AND cached_prompt_tokens IS NULL AND cache_write_tokens IS NULL AND reasoning_tokens IS NULL AND audio_prompt_tokens IS NULL AND audio_completion_tokens IS NULL)");

            migrationBuilder.AddCheckConstraint(
                name: "ck_llm_usage_plausible",
                schema: "ledger",
                table: "llm_usage",
                sql: "prompt_tokens < 1000000000000 AND completion_tokens < 1000000000000 AND cached_prompt_tokens < 1000000000000 AND cache_write_tokens < 1000000000000 AND reasoning_tokens < 1000000000000 AND audio_prompt_tokens < 1000000000000 AND audio_completion_tokens < 1000000000000");

            // Rows come and go, and a report is written every few seconds: a share of their size says nothing about the dead rows in them.
            migrationBuilder.Sql("""
                ALTER TABLE ledger.open_call SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
                ALTER TABLE ledger.api_instance SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 100);
                ALTER TABLE ledger.allowance SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
                ALTER TABLE ledger.usage_rollup_org SET (fillfactor = 80);
                ALTER TABLE ledger.usage_rollup_user SET (fillfactor = 80)
                """);
            migrationBuilder.Sql(DropPartitions);

            migrationBuilder.CreateIndex(
                name: "ix_usage_rollup_org_org_id_hour",
                schema: "ledger",
                table: "usage_rollup_org",
                columns: new[] { "org_id", "hour" });

            migrationBuilder.CreateIndex(
                name: "ix_usage_rollup_user_user_id_hour",
                schema: "ledger",
                table: "usage_rollup_user",
                columns: new[] { "user_id", "hour" });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.Sql("DROP FUNCTION ledger.drop_usage_partitions(timestamptz)");

            migrationBuilder.DropTable(
                name: "allowance",
                schema: "ledger");

            migrationBuilder.DropTable(
                name: "api_instance",
                schema: "ledger");

            migrationBuilder.DropTable(
                name: "open_call",
                schema: "ledger");

            migrationBuilder.DropTable(
                name: "usage_retention",
                schema: "ledger");

            migrationBuilder.DropTable(
                name: "usage_rollup_org",
                schema: "ledger");

            migrationBuilder.DropTable(
                name: "usage_rollup_user",
                schema: "ledger");

            migrationBuilder.DropCheckConstraint(
                name: "ck_llm_usage_interrupted",
                schema: "ledger",
                table: "llm_usage");

            migrationBuilder.DropCheckConstraint(
                name: "ck_llm_usage_plausible",
                schema: "ledger",
                table: "llm_usage");

            migrationBuilder.DropColumn(
                name: "replaced_at",
                schema: "ledger",
                table: "llm_usage");
        }
    }
}
