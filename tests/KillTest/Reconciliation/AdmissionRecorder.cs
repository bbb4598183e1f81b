using Npgsql;

namespace LlmAspire.KillTest.Reconciliation;

/// <summary>
/// Notes in the run's own database, with a trigger, of each call that is opened for some organisations whether it fitted: with everything used and
/// reserved at that moment, itself included. What did not fit can only have been admitted while PostgreSQL was away.
/// </summary>
internal static class AdmissionRecorder
{
    public static async Task InstallAsync(NpgsqlDataSource source, IEnumerable<Guid> organisations, long limit, CancellationToken cancellationToken)
    {
        // Added up from the open calls: what the allowance says that is reserved is under test itself.
        await using var command = source.CreateCommand($"""
            CREATE TABLE public.opened (id uuid PRIMARY KEY, fits boolean NOT NULL);
            CREATE FUNCTION public.note_opened() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                INSERT INTO public.opened
                SELECT NEW.id, coalesce(max(used_tokens), 0) + (
                    SELECT sum(reserved_prompt_tokens + reserved_completion_tokens) FROM ledger.open_call WHERE org_id = NEW.org_id) <= {limit}
                FROM ledger.allowance WHERE org_id = NEW.org_id
                ON CONFLICT (id) DO UPDATE SET fits = opened.fits AND excluded.fits;
                RETURN NULL;
            END $$;
            CREATE TRIGGER note_opened AFTER INSERT ON ledger.open_call FOR EACH ROW
                WHEN (NEW.org_id IN ('{string.Join("', '", organisations)}')) EXECUTE FUNCTION public.note_opened();
            """);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
