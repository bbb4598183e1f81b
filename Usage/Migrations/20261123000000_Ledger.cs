using System;
using System.Text.Json;
using Microsoft.EntityFrameworkCore.Migrations;
using Npgsql.EntityFrameworkCore.PostgreSQL.Metadata;

#nullable disable

namespace LlmAspire.Usage.Migrations
{
    /// <inheritdoc />
    public partial class Ledger : Migration
    {
        private const string Functions = """
            -- The time in the first 48 bits of a UUID version 7, in milliseconds (RFC 9562, section 5.7).
            CREATE FUNCTION ledger.uuid_v7_time(id uuid) RETURNS timestamptz
            LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
            BEGIN
                IF id IS NULL OR substr(id::text, 15, 1) <> '7' THEN
                    RAISE invalid_parameter_value USING MESSAGE = format('the id %L is not a UUID of version 7', id);
                END IF;
                RETURN timestamptz '1970-01-01 00:00:00+00'
                    + ('x' || translate(left(id::text, 13), '-', ''))::bit(48)::bigint * interval '1 millisecond';
            END $$;

            -- Creates the partition of the month (UTC) that holds a time; false when it was there. Attached rather than
            -- created in place: that would wait for every reader of the ledger, and everybody would wait for it.
            CREATE FUNCTION ledger.ensure_usage_partition(within timestamptz) RETURNS boolean
            LANGUAGE plpgsql AS $$
            DECLARE
                first_day timestamp := date_trunc('month', within AT TIME ZONE 'UTC');
                partition text := 'llm_usage_' || to_char(first_day, 'YYYY_MM');
            BEGIN
                PERFORM pg_advisory_xact_lock(hashtextextended('ledger.llm_usage', 0));
                -- Not to_regclass: its cache may not know yet what another session created during the wait.
                IF EXISTS (SELECT FROM pg_class WHERE relnamespace = 'ledger'::regnamespace AND relname = partition) THEN
                    RETURN false;
                END IF;
                EXECUTE format('CREATE TABLE ledger.%I (LIKE ledger.llm_usage INCLUDING ALL)', partition);
                EXECUTE format('ALTER TABLE ledger.llm_usage ATTACH PARTITION ledger.%I FOR VALUES FROM (%L) TO (%L)',
                    partition, first_day AT TIME ZONE 'UTC', (first_day + interval '1 month') AT TIME ZONE 'UTC');
                RETURN true;
            END $$;
            """;

        private const string UsageTable = """
            CREATE TABLE ledger.llm_usage (
                id uuid NOT NULL,
                created_at timestamptz NOT NULL,
                recorded_at timestamptz NOT NULL DEFAULT now(),
                request_id uuid NOT NULL,
                user_id uuid NOT NULL,
                org_id uuid NOT NULL,
                api_key_id uuid,
                trace_id text,
                span_id text,
                conversation_id uuid,
                operation text NOT NULL,
                model_alias text NOT NULL,
                provider text,
                served_model text,
                prompt_tokens bigint NOT NULL,
                completion_tokens bigint NOT NULL,
                cached_prompt_tokens bigint,
                cache_write_tokens bigint,
                reasoning_tokens bigint,
                audio_prompt_tokens bigint,
                audio_completion_tokens bigint,
                source text NOT NULL,
                outcome text NOT NULL,
                attempts integer,
                fallbacks integer,
                ttft_ms integer,
                duration_ms integer NOT NULL,
                gateway_call_id text,
                raw_usage jsonb,
                CONSTRAINT pk_llm_usage PRIMARY KEY (created_at, id),
                CONSTRAINT ck_llm_usage_created_at CHECK (created_at = ledger.uuid_v7_time(id)),
                CONSTRAINT ck_llm_usage_operation CHECK (operation IN ('chat', 'tool', 'title', 'prompt', 'compare', 'race', 'api')),
                CONSTRAINT ck_llm_usage_source CHECK (source IN ('provider', 'partial', 'estimated', 'none')),
                CONSTRAINT ck_llm_usage_outcome CHECK (outcome IN ('completed', 'stopped', 'disconnected', 'failed', 'interrupted')),
                CONSTRAINT ck_llm_usage_not_negative CHECK (
                    prompt_tokens >= 0 AND completion_tokens >= 0 AND cached_prompt_tokens >= 0 AND cache_write_tokens >= 0
                    AND reasoning_tokens >= 0 AND audio_prompt_tokens >= 0 AND audio_completion_tokens >= 0
                    AND attempts >= 0 AND fallbacks >= 0 AND ttft_ms >= 0 AND duration_ms >= 0)
            ) PARTITION BY RANGE (created_at)
            """;

        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.EnsureSchema(
                name: "ledger");

            // EF Core cannot say "partitioned": the table is made by hand, as the model describes it.
            migrationBuilder.Sql(Functions);
            migrationBuilder.Sql(UsageTable);

            migrationBuilder.CreateTable(
                name: "usage_inbox",
                schema: "ledger",
                columns: table => new
                {
                    id = table.Column<long>(type: "bigint", nullable: false)
                        .Annotation("Npgsql:ValueGenerationStrategy", NpgsqlValueGenerationStrategy.IdentityAlwaysColumn),
                    @event = table.Column<string>(name: "event", type: "jsonb", nullable: false),
                    traceparent = table.Column<string>(type: "text", nullable: true),
                    enqueued_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false, defaultValueSql: "now()")
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_usage_inbox", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "usage_rejected",
                schema: "ledger",
                columns: table => new
                {
                    id = table.Column<long>(type: "bigint", nullable: false)
                        .Annotation("Npgsql:ValueGenerationStrategy", NpgsqlValueGenerationStrategy.IdentityAlwaysColumn),
                    @event = table.Column<string>(name: "event", type: "jsonb", nullable: false),
                    traceparent = table.Column<string>(type: "text", nullable: true),
                    reason = table.Column<string>(type: "text", nullable: false),
                    sqlstate = table.Column<string>(type: "text", nullable: false),
                    rejected_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false, defaultValueSql: "now()")
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_usage_rejected", x => x.id);
                });

            // It is empty again and again: a share of its size says nothing about the dead rows in it.
            migrationBuilder.Sql("""
                ALTER TABLE ledger.usage_inbox SET (
                    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,
                    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 5000)
                """);

            migrationBuilder.CreateIndex(
                name: "ix_llm_usage_conversation_id",
                schema: "ledger",
                table: "llm_usage",
                column: "conversation_id");

            migrationBuilder.CreateIndex(
                name: "ix_llm_usage_org_id_created_at",
                schema: "ledger",
                table: "llm_usage",
                columns: new[] { "org_id", "created_at" });

            migrationBuilder.CreateIndex(
                name: "ix_llm_usage_request_id",
                schema: "ledger",
                table: "llm_usage",
                column: "request_id");

            migrationBuilder.CreateIndex(
                name: "ix_llm_usage_trace_id",
                schema: "ledger",
                table: "llm_usage",
                column: "trace_id");

            migrationBuilder.CreateIndex(
                name: "ix_llm_usage_user_id_created_at",
                schema: "ledger",
                table: "llm_usage",
                columns: new[] { "user_id", "created_at" });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "llm_usage",
                schema: "ledger");

            migrationBuilder.DropTable(
                name: "usage_inbox",
                schema: "ledger");

            migrationBuilder.DropTable(
                name: "usage_rejected",
                schema: "ledger");

            migrationBuilder.Sql("""
                DROP FUNCTION ledger.ensure_usage_partition(timestamptz);
                DROP FUNCTION ledger.uuid_v7_time(uuid)
                """);
        }
    }
}
