namespace LlmAspire.Usage.Migrations
{
    public partial class Reconciliation
    {
        private const string Gateway = """
            CREATE TABLE ledger.reconciliation_day (
                day date CONSTRAINT pk_reconciliation_day PRIMARY KEY,
                compared_until timestamptz NOT NULL,
                -- Rows that were recorded later have not been seen.
                ledger_as_of timestamptz NOT NULL,
                compared_at timestamptz NOT NULL,
                differences bigint NOT NULL,
                CONSTRAINT ck_reconciliation_day_until CHECK (
                    compared_until > day::timestamp AT TIME ZONE 'UTC' AND compared_until <= (day + 1)::timestamp AT TIME ZONE 'UTC'),
                CONSTRAINT ck_reconciliation_day_differences CHECK (differences >= 0)
            );

            -- What nobody knows is empty.
            CREATE TABLE ledger.reconciliation_result (
                day date NOT NULL CONSTRAINT fk_reconciliation_result_day REFERENCES ledger.reconciliation_day (day) ON DELETE CASCADE,
                provider text NOT NULL,
                model text NOT NULL,
                ledger_calls bigint NOT NULL,
                gateway_calls bigint NOT NULL,
                missing_in_ledger bigint NOT NULL,
                missing_at_gateway bigint NOT NULL,
                ledger_prompt_tokens bigint NOT NULL,
                ledger_completion_tokens bigint NOT NULL,
                gateway_prompt_tokens bigint NOT NULL,
                gateway_completion_tokens bigint NOT NULL,
                gateway_cost_usd numeric NOT NULL,
                -- Call by call, so that one call too many does not make up for one too few.
                differing_tokens bigint NOT NULL,
                compared_tokens bigint NOT NULL,
                CONSTRAINT pk_reconciliation_result PRIMARY KEY (day, provider, model),
                CONSTRAINT ck_reconciliation_result_not_negative CHECK (
                    least(
                        missing_in_ledger, missing_at_gateway, ledger_prompt_tokens, ledger_completion_tokens, gateway_prompt_tokens,
                        gateway_completion_tokens, gateway_cost_usd) >= 0),
                CONSTRAINT ck_reconciliation_result_calls CHECK (
                    ledger_calls >= missing_at_gateway AND ledger_calls - missing_at_gateway = gateway_calls - missing_in_ledger),
                CONSTRAINT ck_reconciliation_result_tokens CHECK (
                    compared_tokens > 0 AND differing_tokens BETWEEN 0 AND compared_tokens
                    AND differing_tokens >= abs(ledger_prompt_tokens - gateway_prompt_tokens) + abs(ledger_completion_tokens - gateway_completion_tokens))
            );

            CREATE TABLE ledger.reconciliation_difference (
                day date NOT NULL,
                provider text NOT NULL,
                model text NOT NULL,
                gateway_call_id text NOT NULL,
                call_id uuid,
                kind text NOT NULL,
                ledger_prompt_tokens bigint,
                ledger_completion_tokens bigint,
                gateway_prompt_tokens bigint,
                gateway_completion_tokens bigint,
                at timestamptz NOT NULL,
                CONSTRAINT fk_reconciliation_difference_result FOREIGN KEY (day, provider, model)
                    REFERENCES ledger.reconciliation_result (day, provider, model) ON DELETE CASCADE,
                CONSTRAINT ck_reconciliation_difference_kind CHECK (CASE kind
                    WHEN 'missing_in_ledger' THEN call_id IS NULL AND ledger_prompt_tokens IS NULL AND gateway_prompt_tokens IS NOT NULL
                    WHEN 'missing_at_gateway' THEN call_id IS NOT NULL AND ledger_prompt_tokens IS NOT NULL AND gateway_prompt_tokens IS NULL
                    WHEN 'tokens_differ' THEN call_id IS NOT NULL AND ledger_prompt_tokens IS NOT NULL AND gateway_prompt_tokens IS NOT NULL
                    ELSE false END)
            );

            CREATE INDEX ix_reconciliation_difference_day ON ledger.reconciliation_difference (day, provider, model);

            -- One row: whether the logs could be read when they were asked for last.
            CREATE TABLE ledger.reconciliation_gateway (
                id boolean CONSTRAINT pk_reconciliation_gateway PRIMARY KEY CONSTRAINT ck_reconciliation_gateway_one CHECK (id),
                problem text,
                threshold numeric NOT NULL,
                since timestamptz NOT NULL,
                asked_at timestamptz NOT NULL
            );
            """;

        private const string Invoices = """
            CREATE TABLE ledger.invoice_import (
                id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_invoice_import PRIMARY KEY,
                imported_at timestamptz NOT NULL DEFAULT clock_timestamp(),
                author text NOT NULL,
                name text NOT NULL,
                CONSTRAINT ck_invoice_import_name CHECK (length(name) BETWEEN 1 AND 200)
            );

            CREATE TABLE ledger.invoice_line (
                import_id bigint NOT NULL CONSTRAINT fk_invoice_line_import REFERENCES ledger.invoice_import (id),
                line integer NOT NULL,
                day date NOT NULL,
                provider text NOT NULL,
                model text NOT NULL,
                calls bigint,
                prompt_tokens bigint NOT NULL,
                completion_tokens bigint NOT NULL,
                cost_usd numeric NOT NULL,
                CONSTRAINT pk_invoice_line PRIMARY KEY (day, provider, model, import_id),
                CONSTRAINT ck_invoice_line_names CHECK (length(provider) BETWEEN 1 AND 500 AND length(model) BETWEEN 1 AND 500),
                CONSTRAINT ck_invoice_line_not_negative CHECK (
                    least(calls, prompt_tokens, completion_tokens, cost_usd) >= 0 AND prompt_tokens < 1000000000000000 AND completion_tokens < 1000000000000000)
            );

            CREATE INDEX ix_invoice_line_import_id ON ledger.invoice_line (import_id);

            -- What was imported stays: a later import of a day, provider and model goes before it.
            CREATE FUNCTION ledger.refuse_invoice_change() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                RAISE object_not_in_prerequisite_state USING MESSAGE = format('%s is only added to', TG_TABLE_NAME), HINT = 'Import the lines again.';
            END $$;

            CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.invoice_import
            FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_invoice_change();

            CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.invoice_line
            FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_invoice_change();

            CREATE VIEW ledger.invoice AS
                SELECT DISTINCT ON (line.day, line.provider, line.model) line.*, import.imported_at
                FROM ledger.invoice_line AS line JOIN ledger.invoice_import AS import ON import.id = line.import_id
                ORDER BY line.day, line.provider, line.model, line.import_id DESC;
            """;

        private const string Drop = """
            DROP VIEW ledger.invoice;
            DROP TABLE ledger.invoice_line;
            DROP TABLE ledger.invoice_import;
            DROP FUNCTION ledger.refuse_invoice_change();
            DROP TABLE ledger.reconciliation_gateway;
            DROP TABLE ledger.reconciliation_difference;
            DROP TABLE ledger.reconciliation_result;
            DROP TABLE ledger.reconciliation_day;
            """;
    }
}
