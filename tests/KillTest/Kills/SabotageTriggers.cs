using Npgsql;

namespace LlmAspire.KillTest.Kills;

/// <summary>Breaks the ledger from outside, with triggers in the run's own database: the product has no hook for it.</summary>
internal static class SabotageTriggers
{
    private const string DropSettle = """
        CREATE FUNCTION public.drop_settle() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RETURN CASE WHEN hashtext(NEW.id::text) % 10 = 0 THEN NULL ELSE NEW END;
        END $$;
        CREATE TRIGGER sabotage BEFORE INSERT ON ledger.usage_inbox FOR EACH ROW EXECUTE FUNCTION public.drop_settle();
        """;

    // The copy's id differs in its random part: it stays a UUID version 7 of the same time.
    private const string DoubleIngest = """
        CREATE FUNCTION public.double_ingest() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF pg_trigger_depth() = 1 AND hashtext(NEW.id::text) % 10 = 0 THEN
                NEW.id := left(NEW.id::text, 24) || right(gen_random_uuid()::text, 12);
                NEW.inbox_id := nextval(pg_get_serial_sequence('ledger.usage_inbox', 'inbox_id'));
                INSERT INTO ledger.usage_inbox OVERRIDING SYSTEM VALUE VALUES (NEW.*);
            END IF;
            RETURN NULL;
        END $$;
        CREATE TRIGGER sabotage AFTER INSERT ON ledger.usage_inbox FOR EACH ROW EXECUTE FUNCTION public.double_ingest();
        """;

    private const string LateSettleIgnored = """
        CREATE FUNCTION public.late_settle_ignored() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RETURN OLD;
        END $$;
        CREATE TRIGGER sabotage BEFORE UPDATE ON ledger.llm_usage FOR EACH ROW EXECUTE FUNCTION public.late_settle_ignored();
        """;

    private const string ReserveIgnored = """
        CREATE FUNCTION public.reserve_ignored() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            NEW.reserved_tokens := 0;
            RETURN NEW;
        END $$;
        CREATE TRIGGER sabotage BEFORE INSERT OR UPDATE ON ledger.allowance FOR EACH ROW EXECUTE FUNCTION public.reserve_ignored();
        """;

    public static async Task InstallAsync(Sabotage sabotage, NpgsqlDataSource source, CancellationToken cancellationToken)
    {
        var sql = sabotage switch
        {
            Sabotage.DropSettle => DropSettle,
            Sabotage.DoubleIngest => DoubleIngest,
            Sabotage.LateSettleIgnored => LateSettleIgnored,
            Sabotage.ReserveIgnored => ReserveIgnored,
            _ => null,
        };
        if (sql is not null)
        {
            await using var command = source.CreateCommand(sql);
            await command.ExecuteNonQueryAsync(cancellationToken);
        }
    }
}
