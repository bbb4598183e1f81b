using LlmAspire.TestPostgres;
using Npgsql;

namespace LlmAspire.Usage.Tests.Prices;

/// <summary>What the tables themselves refuse, whoever writes them.</summary>
public class PriceTableTests(PostgresFixture postgres)
{
    private static readonly DateTimeOffset Hour = RandomUsage.Start;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("UPDATE ledger.llm_price SET usd_per_million = 5")]
    [InlineData("DELETE FROM ledger.llm_price")]
    [InlineData("TRUNCATE ledger.llm_price")]
    [InlineData("UPDATE ledger.price_revision SET author = 'somebody'")]
    [InlineData("DELETE FROM ledger.price_revision")]
    [InlineData("TRUNCATE ledger.price_revision CASCADE")]
    [InlineData("INSERT INTO ledger.llm_price SELECT id, 'openai', 'm', 'output', '2026-01-01 00:00+00', 1 FROM ledger.price_revision")]
    public async Task what_was_saved_is_neither_changed_nor_deleted_nor_added_to(string sql)
    {
        await using var host = await NewHostAsync();
        await new PriceBook().SaveAsync(host.Source, "manual", new BookEntry("openai", "m", "input", Hour, 1m));

        var refused = await Assert.ThrowsAsync<PostgresException>(() => host.ScalarAsync(sql));

        Assert.Equal(PostgresErrorCodes.ObjectNotInPrerequisiteState, refused.SqlState);
        Assert.Equal("openai m input 1", await host.ScalarAsync(
            "SELECT string_agg(concat_ws(' ', provider, model, token_class, usd_per_million), ';') FROM ledger.llm_price"));
    }

    [Theory]
    [InlineData("'openai', 'm', 'input', '2026-01-01 00:30+00', 1", "ck_llm_price_effective_from")]
    [InlineData("'openai', 'm', 'input', '2026-01-01 00:00+05:30', 1", "ck_llm_price_effective_from")]
    [InlineData("'openai', 'm', 'input', '1999-12-31 23:00+00', 1", "ck_llm_price_effective_from")]
    [InlineData("'openai', 'm', 'input', 'infinity', 1", "ck_llm_price_effective_from")]
    [InlineData("'openai', 'm', 'input', '2026-01-01 00:00+00', -1", "ck_llm_price_usd_per_million")]
    [InlineData("'openai', 'm', 'input', '2026-01-01 00:00+00', 'NaN'", "ck_llm_price_usd_per_million")]
    [InlineData("'openai', 'm', 'input', '2026-01-01 00:00+00', 'Infinity'", "ck_llm_price_usd_per_million")]
    [InlineData("'openai', 'm', 'input', '2026-01-01 00:00+00', 0.0000000000001", "ck_llm_price_usd_per_million")]
    [InlineData("'openai', 'm', 'tokens', '2026-01-01 00:00+00', 1", "ck_llm_price_class")]
    [InlineData("'', 'm', 'input', '2026-01-01 00:00+00', 1", "ck_llm_price_names")]
    [InlineData("'openai', '', 'input', '2026-01-01 00:00+00', 1", "ck_llm_price_names")]
    public async Task a_price_that_is_none_is_refused(string entry, string constraint)
    {
        await using var host = await NewHostAsync();

        var refused = await Assert.ThrowsAsync<PostgresException>(() => host.ScalarAsync($"""
            WITH revision AS (INSERT INTO ledger.price_revision (author, reason, source) VALUES ('a', 'b', 'manual') RETURNING id)
            INSERT INTO ledger.llm_price SELECT id, {entry.Replace("'2026", "timestamptz '2026", StringComparison.Ordinal)
                .Replace("'1999", "timestamptz '1999", StringComparison.Ordinal).Replace("'infinity'", "timestamptz 'infinity'", StringComparison.Ordinal)} FROM revision
            """));

        Assert.Equal(constraint, refused.ConstraintName);
        Assert.Equal(0L, await host.ScalarAsync("SELECT count(*) FROM ledger.price_revision"));
    }

    [Fact]
    public async Task a_revision_that_is_being_saved_lets_the_next_one_wait_for_its_number()
    {
        await using var host = await NewHostAsync();
        await using var connection = await host.Source.OpenConnectionAsync(Cancellation);
        await using var transaction = await connection.BeginTransactionAsync(Cancellation);
        await using var first = new NpgsqlCommand("INSERT INTO ledger.price_revision (author, reason, source) VALUES ('a', 'b', 'manual') RETURNING id", connection);
        var firstId = (long)(await first.ExecuteScalarAsync(Cancellation))!;

        var second = new PriceBook().SaveAsync(host.Source, "manual", new BookEntry("openai", "m", "input", Hour, 1m));
        await host.WaitUntilAWriterWaitsAsync();
        await transaction.CommitAsync(Cancellation);

        Assert.True(await second > firstId);
    }

    private async Task<LedgerHost> NewHostAsync() => await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());
}
